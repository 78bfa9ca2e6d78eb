from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

import rewriter
from rewriter import HostMismatch, NothingToRename, RewriteOptions, UsageError, inspect_module
from rewriter.abi.dialects import DIALECTS, MODULE_NAMES, WITX
from rewriter.analysis.compatibility import Runs, Verdict, assess
from rewriter.analysis.fitting import Decision, Wanted, fit_import
from rewriter.analysis.imported import ImportedItem
from rewriter.diagnostics import Diagnostic
from rewriter.hosts.table import HOSTS, find_host
from rewriter.wasm.sections import SectionId
from runtime_shim import NNHost, run
from tests.heavy.engine_cases import assembled
from tests.support.wasm import FUNC_0, HEADER, assemble, name, section, vector

AS_IT_IS, REWRITE, CANNOT = Runs.AS_IT_IS, Runs.AFTER_REWRITE, Runs.CANNOT
MEMORY = '(memory (export "memory") 1)'


def guest(module: str, abi: str, *more: str, memory: str = MEMORY) -> bytes:
    """Imports load, and more functions with the types that the extended ABI has for them."""
    types = {name: DIALECTS["wasmedge"].signature(name) for name in more}
    types["load"] = DIALECTS[abi].signature("load")
    imports = [f'(import "{module}" "{name}" (func {types[name]}))' for name in ("load", *more)]
    return assemble(f"(module {' '.join(imports)} {memory})")


SCHED_YIELD = name("sched_yield") + FUNC_0


def with_imports(content: bytes) -> bytes:
    """Type 0 is that of sched_yield."""
    types = section(SectionId.TYPE, vector(b"\x60\0\1\x7f"))
    return HEADER + types + section(SectionId.IMPORT, content)


def on(host: str, module: bytes) -> Verdict:
    return assess(inspect_module(module), HOSTS[host])


def codes(diagnostics: tuple[Diagnostic, ...]) -> list[str]:
    return [diagnostic.code for diagnostic in diagnostics]


def words(diagnostics: tuple[Diagnostic, ...]) -> list[tuple[str, str]]:
    return [(diagnostic.code, diagnostic.message) for diagnostic in diagnostics]


FORMS = [
    ("wasi_ephemeral_nn", "witx"),
    ("wasi_nn", "witx"),
    ("wasi_nn", "wamr"),
    ("wasi_ephemeral_nn", "wamr"),
]

VERDICTS = {
    "wasmtime": [AS_IT_IS, REWRITE, REWRITE, REWRITE],
    "wamr": [AS_IT_IS, REWRITE, REWRITE, REWRITE],
    "wamr-ephemeral": [AS_IT_IS, REWRITE, REWRITE, REWRITE],
    "wamr-2.1": [REWRITE, REWRITE, REWRITE, REWRITE],
    "wamr-legacy": [REWRITE, REWRITE, AS_IT_IS, REWRITE],
    "wasmedge": [AS_IT_IS, REWRITE, REWRITE, REWRITE],
    "nnshim": [AS_IT_IS, AS_IT_IS, AS_IT_IS, AS_IT_IS],
}
"""Of the FORMS of a guest, in their order."""


@pytest.mark.parametrize("host", HOSTS)
def test_name_and_abi_decide_where_a_module_runs(host: str) -> None:
    assert [on(host, guest(module, abi)).runs for module, abi in FORMS] == VERDICTS[host]


def test_a_host_that_takes_a_guests_numbers_need_not_have_its_functions() -> None:
    counting = replace(
        WITX,
        name="counting",
        functions={**WITX.functions, "count": ("count_out",), "unload": ("graph",)},
    )
    imports = " ".join(
        f'(import "wasi_ephemeral_nn" "{name}" (func {counting.signature(name)}))'
        for name in ("compute", "unload", "count")
    )
    info = inspect_module(assemble(f"(module {imports} {MEMORY})"))
    as_counting = info._replace(wasi_nn=dict(enumerate(info.imports)))
    compute, unload, count = (
        fit_import(slot, as_counting, counting, Wanted((WITX,))) for slot in range(3)
    )
    assert compute == Decision(None)
    assert unload.adapter is not None
    assert codes(unload.diagnostics) == ["NN302", "NN205"]
    assert (count.adapter, codes(count.diagnostics)) == (None, ["NN211"])


def test_functions_that_nothing_can_stand_in_for_are_the_reason() -> None:
    module = guest("wasi_ephemeral_nn", "witx", "unload", "compute_single", "fini_single")
    assert on("wasmedge", module).runs is AS_IT_IS
    found = on("wasmtime", module)
    assert found.runs is CANNOT
    assert [(reason.code, reason.function) for reason in found.reasons] == [
        ("NN211", "compute_single"),
        ("NN211", "fini_single"),
    ]
    for reason in found.reasons:  # a name stands behind its length
        assert module[(reason.offset or 0) + 1 :].startswith((reason.function or "?").encode())


@pytest.mark.parametrize("host", ["wamr", "wamr-legacy", "wamr-2.1"])
def test_where_all_is_linked_the_guest_must_not_call_what_nothing_can_stand_in_for(
    host: str,
) -> None:
    module = guest("wasi_ephemeral_nn", "witx", "compute", "unload", "compute_single")
    found = on(host, module)
    assert found.runs is REWRITE
    condition = ("NN248", "the host lacks compute_single, and calling it traps")
    assert condition in words(found.conditions)
    adapted = rewriter.rewrite(module, RewriteOptions(host=HOSTS[host].label))
    imported = {item.name: item.type for item in inspect_module(adapted).imports}
    assert imported["compute_single"] == DIALECTS["wasmedge"].signature("compute_single")
    after = on(host, adapted)
    assert after.runs is AS_IT_IS
    assert condition in words(after.conditions)


def test_a_function_that_has_no_place_on_a_host_loses_the_adapter_that_it_had() -> None:
    module = guest("wasi_ephemeral_nn", "witx", "load_by_name")
    adapted = rewriter.rewrite(module, RewriteOptions(host="wamr-ephemeral@2.3.1"))
    options = RewriteOptions(host="wamr-legacy@2.3.1")
    assert rewriter.rewrite(adapted, options) == rewriter.rewrite(module, options)


def test_a_guest_with_no_other_way_to_load_a_model_cannot_run_where_that_is_linked_only() -> None:
    by_name = '(import "wasi_nn" "load_by_name" (func (param i32 i32 i32) (result i32)))'
    compute = '(import "wasi_nn" "compute" (func (param i32) (result i32)))'
    host = find_host("wamr-legacy@2.3.1")
    module = assemble(f"(module {by_name} {compute} {MEMORY})")
    (reason,) = assess(inspect_module(module), host).reasons
    assert (reason.code, reason.function) == ("NN211", "load_by_name")
    with pytest.raises(HostMismatch):
        rewriter.rewrite(module, RewriteOptions(host=host.label))
    found = assess(inspect_module(guest("wasi_nn", "wamr", "load_by_name")), host)
    assert found.runs is AS_IT_IS
    assert codes(found.conditions).count("NN248") == 1


LOADS = """
    (import "wasi_ephemeral_nn" "load" (func (param i64)))
    (import "wasi_ephemeral_nn" "load" (func (param i32 i32 i32 i32 i32) (result i32)))
"""


@pytest.mark.parametrize(
    "imports",
    [
        '(import "wasi_ephemeral_nn" "compute" (func (param i64) (result i32)))',
        '(import "wasi_ephemeral_nn" "train" (func))',
        '(import "wasi_ephemeral_nn" "load" (func (param i64)))',
        LOADS,
        LOADS + '(import "wasi_ephemeral_nn" "load" (func (param i32)))',
    ],
)
def test_a_function_of_another_type_or_name_is_linked_only_where_all_is(imports: str) -> None:
    module = assemble(f"(module {imports} {MEMORY})")
    strange = {item.type for item in inspect_module(module).imports} - {
        WITX.signature("load"),
        WITX.signature("compute"),
    }
    for host in ("wasmtime", "wasmedge"):
        assert codes(on(host, module).reasons).count("NN143") == len(strange)
    found = on("wamr", module)
    assert found.runs is AS_IT_IS
    assert codes(found.conditions).count("NN248") == len(strange)


def test_an_abi_that_was_given_and_does_not_fit_is_an_obstacle_wherever_it_is() -> None:
    info = inspect_module(guest("wasi_nn", "wamr"), "witx")
    for host in HOSTS.values():
        assert "NN143" in codes(assess(info, host).reasons)


@pytest.mark.parametrize("told", [{"guest_abi": "witx-2022"}, {"built_for": "wasi-nn@0.3"}])
def test_a_function_that_the_given_abi_lacks_is_refused_though_the_host_links_all(
    told: dict[str, Any],
) -> None:
    module = guest("wasi_ephemeral_nn", "witx", "load_by_name")
    for host in ("wamr-ephemeral@main", "wamr-ephemeral@2.3.1", "wasmtime"):
        with pytest.raises(HostMismatch, match=r"load_by_name, .* witx-202. ABI does not have"):
            rewriter.rewrite(module, RewriteOptions(host=host, **told))
    info = inspect_module(module, "witx-2022")
    for row in HOSTS.values():
        reasons = assess(info, row).reasons
        assert ("NN143", "load_by_name") in [(one.code, one.function) for one in reasons]


def test_a_guest_of_a_host_that_links_all_may_import_what_that_host_lacks() -> None:
    module = guest("wasi_ephemeral_nn", "witx", "unload")
    options = RewriteOptions(host="wasmedge", built_for="wamr-ephemeral@2.3.1")
    assert on("wasmedge", rewriter.rewrite(module, options)).runs is AS_IT_IS


def test_functions_that_an_adapter_stands_in_for_are_named_with_what_they_do_then() -> None:
    found = on("wasmtime", guest("wasi_ephemeral_nn", "witx", "unload"))
    assert found.runs is REWRITE
    assert words(found.reasons) == [
        ("NN203", "the host numbers encodings differently"),
        ("NN205", "the host lacks unload"),
    ]
    assert "NN302" in codes(found.caveats)


@pytest.mark.parametrize("abi", DIALECTS)
def test_nnshim_runs_what_was_adapted_to_any_abi(abi: str) -> None:
    for source in ("witx", "wamr"):
        module = guest("wasi_ephemeral_nn", source, "set_input")
        there = rewriter.rewrite(module, RewriteOptions(abi=abi))
        assert on("nnshim", there).runs is AS_IT_IS
        assert on("nnshim", there).reasons == ()


@pytest.mark.parametrize(
    ("memory", "code"),
    [
        ('(memory (export "memory") 1 2 shared)', "NN321"),
        ('(memory (export "memory") i64 1)', "NN322"),
    ],
)
def test_a_memory_that_adapters_cannot_work_in_is_an_obstacle(memory: str, code: str) -> None:
    module = guest("wasi_nn", "wamr", memory=memory)
    with pytest.raises(HostMismatch) as caught:
        rewriter.rewrite(module, RewriteOptions(host="wasmtime", validate=False))
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == [code]


@pytest.mark.parametrize("host", HOSTS)
def test_a_module_without_wasi_nn_runs_anywhere(host: str) -> None:
    module = assembled()["nothing"]
    assert on(host, module) == Verdict(HOSTS[host].label, (), ())


@pytest.mark.parametrize("name", HOSTS)
def test_a_profile_names_its_source_and_only_known_modules(name: str) -> None:
    profile = HOSTS[name]
    assert profile.source
    assert set(profile.modules) <= set(MODULE_NAMES)


def test_a_rewrite_for_a_host_gives_the_name_that_it_registers() -> None:
    module = guest("wasi_nn", "witx")
    for host in ("wasmtime", "wamr", "wasmedge"):
        there = rewriter.rewrite(module, rewriter.RewriteOptions(host=host))
        assert on(host, there).runs is AS_IT_IS
        assert rewriter.rewrite(there, rewriter.RewriteOptions(host=host)) == there
        with pytest.raises(NothingToRename):
            rewriter.rewrite(there, rewriter.RewriteOptions(host=host, require=True))
    assert rewriter.rewrite(module, rewriter.RewriteOptions(host="nnshim")) == module


def test_a_given_abi_decides_where_the_imports_cannot() -> None:
    text = """(module (import "wasi_nn" "set_input" (func (param i32 i32 i32) (result i32)))
      (memory (export "memory") 1))"""
    guessed, given = (
        inspect_module(
            rewriter.rewrite(
                assemble(text), rewriter.RewriteOptions(host="wasmtime", guest_abi=abi)
            )
        )
        for abi in (None, "witx")
    )
    assert guessed.import_modules == given.import_modules == ("wasi_ephemeral_nn",)
    assert len(guessed.adapters) == 1
    assert not given.adapters


def test_an_unknown_host_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(UsageError, match=r"not a known host.*wasmtime"):
        rewriter.rewrite(guest("wasi_nn", "witx"), rewriter.RewriteOptions(host="wasmer"))


@pytest.mark.parametrize(
    ("wasm", "host", "code"),
    [
        (guest("wasi_ephemeral_nn", "witx", "set_input"), "wamr-legacy", "NN304"),
        (guest("wasi_nn", "wamr", "set_input"), "wasmedge", "NN305"),
    ],
)
def test_what_depends_on_the_model_is_said(wasm: bytes, host: str, code: str) -> None:
    found = on(host, wasm)
    assert found.runs is Runs.AFTER_REWRITE
    assert code in codes(found.caveats)


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize(
    "functions",
    [
        [
            ("wasi_ephemeral_nn", "wasmedge", "init_execution_context"),
            ("wasi_ephemeral_nn", "wasmedge", "unload"),
            ("wasi_nn", "wamr", "get_output"),
        ],
        [("wasi_ephemeral_nn", "witx", "load"), ("wasi_nn", "wamr", "load")],
        [("wasi_ephemeral_nn", "witx", "get_output"), ("wasi_nn", "wamr", "load")],
    ],
)
def test_what_was_imported_under_two_names_is_known_when_it_has_one(
    functions: list[tuple[str, str, str]], host: str
) -> None:
    imports = " ".join(
        f'(import "{module}" "{name}" (func {DIALECTS[abi].signature(name)}))'
        for module, abi, name in functions
    )
    module = assemble(f'(module {imports} {MEMORY} (func (export "_start")))')
    there = rewriter.rewrite(module, RewriteOptions(host=host))
    assert on(host, there).runs is AS_IT_IS
    assert rewriter.rewrite(there, RewriteOptions(host=host)) == there
    assert on("nnshim", there).runs is AS_IT_IS
    assert run(there, NNHost()).exit_code == 0
    for other in HOSTS:
        further = rewriter.rewrite(there, RewriteOptions(host=other))
        assert on(other, further).runs is AS_IT_IS


def test_the_imports_are_read_once_for_all_hosts() -> None:
    """There can be a million of them, and dozens of releases in the table."""
    info = inspect_module(assemble('(module (import "env" "f" (func)))'))
    read: list[int] = []

    class Counted(list[ImportedItem]):
        def __iter__(self) -> Iterator[ImportedItem]:
            read.append(1)
            return super().__iter__()

    info = info._replace(imports=Counted(info.imports))
    answers = {row.name: assess(info, row).runs for row in HOSTS.values()}
    assert answers.keys() >= {"wamr-legacy", "wasmedge", "wasmtime"}
    assert len(read) == 1

"""What hosts make of imports beside wasi-nn's, and of newer parts of WebAssembly."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rewriter import check, inspect_module
from rewriter.abi.dialects import WITX
from rewriter.abi.wasi import PREVIEW_1
from rewriter.analysis.compatibility import Runs, Verdict, assess
from rewriter.hosts.table import HOSTS
from tests.support.wasm import assemble

MEMORY = '(memory (export "memory") 1)'
WASI = "wasi_snapshot_preview1"

REFUSING = ["wasmtime", "wasmtime@12", "wasmedge", "wasmedge@0.10.1", "nnshim"]
LINKING = ["wamr", "wamr@1.3.3", "wamr-legacy@2.3.1", "wamr-ephemeral@main"]


def on(host: str, content: str) -> Verdict:
    """Of a command that has this content, without what is said of the release."""
    found = check(assemble(f'(module {content} (func (export "_start")))'), [host])[0]
    return replace(found, notes=tuple(d for d in found.notes if d.code != "NN229"))


def codes(found: Verdict) -> list[str]:
    return [
        diagnostic.code
        for diagnostic in (
            *found.reasons,
            *found.conditions,
            *found.needs,
            *found.unseen,
            *found.notes,
        )
    ]


ABORT = '(import "env" "abort" (func (param i32 i32 i32 i32)))'
"""AssemblyScript's. WAMR has one with a single parameter."""


@pytest.mark.parametrize("host", REFUSING)
@pytest.mark.parametrize(
    ("imported", "named"),
    [
        (ABORT, "env.abort"),
        ('(import "env" "memory" (memory 1))', "env.memory"),
        ('(import "somewhere" "f" (func))', "somewhere.f"),
        (f'(import "{WASI}" "sock_nothing" (func))', f"{WASI}.sock_nothing"),
        (f'(import "{WASI}" "fd_write" (memory 1))', f"{WASI}.fd_write"),
    ],
)
def test_a_host_refuses_a_module_with_an_import_that_it_does_not_define(
    host: str, imported: str, named: str
) -> None:
    found = on(host, imported)
    assert found.runs is Runs.CANNOT
    assert [(reason.code, reason.message) for reason in found.reasons] == [
        ("NN212", f"the host does not define {named}")
    ]


@pytest.mark.parametrize("host", LINKING)
def test_wamr_starts_a_module_whose_functions_it_does_not_define(host: str) -> None:
    found = on(host, f'(import "somewhere" "f" (func)) {MEMORY}')
    assert found.runs is Runs.AS_IT_IS
    assert [(caveat.code, caveat.message) for caveat in found.caveats] == [
        ("NN226", "the host does not define somewhere.f, and calling it traps")
    ]
    found = on(host, f"{ABORT} {MEMORY}")
    assert found.runs is Runs.AS_IT_IS
    (caveat,) = found.caveats
    assert caveat.code == "NN226"
    assert caveat.message.startswith("the host's env.abort is (param i32), but the import is")


@pytest.mark.parametrize("host", LINKING)
@pytest.mark.parametrize(
    ("imported", "runs"),
    [
        ('(import "env" "memory" (memory 1)) (export "memory" (memory 0))', Runs.AS_IT_IS),
        (f'(import "env" "table" (table 1 funcref)) {MEMORY}', Runs.AS_IT_IS),
        (f'(import "env" "global" (global i32)) {MEMORY}', Runs.CANNOT),
    ],
)
def test_wamr_makes_memories_and_tables_of_its_own_modules_alone(
    host: str, imported: str, runs: Runs
) -> None:
    assert on(host, imported).runs is runs


@pytest.mark.parametrize("kind", ["(memory 1)", "(table 1 funcref)"])
def test_until_2_1_0_wamr_makes_memories_and_tables_of_any_module(kind: str) -> None:
    content = f'(import "somewhere" "it" {kind}) (export "memory" (memory 0))'
    if "table" in kind:
        content = content.replace('(export "memory" (memory 0))', MEMORY)
    assert on("wamr@2.1.0", content).runs is Runs.AS_IT_IS
    assert codes(on("wamr@2.1.1", content)) == ["NN212"]


def test_wamr_1_1_takes_zero_for_a_global_that_nothing_defines() -> None:
    content = f'(import "somewhere" "it" (global i32)) {MEMORY}'
    (only,) = on("wamr@1.1.2", content).conditions
    assert only.message == "the host does not define somewhere.it, and uses zero"
    assert codes(on("wamr@1.2.0", content)) == ["NN212"]


def test_hosts_have_sockets_of_their_own() -> None:
    four = f'(import "{WASI}" "sock_open" (func (param i32 i32 i32 i32) (result i32))) {MEMORY}'
    three = four.replace("i32 i32 i32 i32", "i32 i32 i32")
    assert codes(on("wamr", four)) == []
    assert codes(on("wamr", three)) == ["NN226"]
    assert codes(on("wasmedge", three)) == []
    assert codes(on("wasmedge", four)) == ["NN215"]
    assert codes(on("wasmtime", four)) == codes(on("nnshim", three)) == ["NN212"]
    second = three.replace("sock_open", "sock_open_v2")
    assert codes(on("wasmedge@0.12", second)) == []
    assert codes(on("wasmedge@0.11.2", second)) == ["NN212"]


def test_wasmedge_has_two_forms_of_sock_accept_since_0_12() -> None:
    wasis = f'(import "{WASI}" "sock_accept" (func {PREVIEW_1["sock_accept"]})) {MEMORY}'
    first = wasis.replace("i32 i32 i32", "i32 i32")
    for host in ("wasmtime", "wamr", "nnshim", "wasmedge", "wasmedge@0.12"):
        assert codes(on(host, wasis)) == []
    assert codes(on("wasmedge@0.11.2", wasis)) == ["NN215"]
    assert codes(on("wasmedge@0.11.2", first)) == codes(on("wasmedge", first)) == []
    assert codes(on("wasmedge", wasis.replace("i32 i32 i32", "i64"))) == ["NN215"]


@pytest.mark.parametrize(
    ("host", "runs"),
    [
        ("wasmtime", Runs.AS_IT_IS),
        ("wamr", Runs.AS_IT_IS),
        ("wasmedge", Runs.CANNOT),
        ("nnshim", Runs.CANNOT),
    ],
)
def test_the_version_before_wasi_0_1_is_not_everywhere(host: str, runs: Runs) -> None:
    write = PREVIEW_1["fd_write"]
    assert on(host, f'(import "wasi_unstable" "fd_write" (func {write})) {MEMORY}').runs is runs


@pytest.mark.parametrize(
    ("host", "module", "option"),
    [
        ("wasmedge", "wasmedge_image", "its plugin (without it, a call traps)"),
        ("wasmedge", "wasmedge_zlib", "its plugin (without it, the module is refused)"),
        ("wasmedge@0.11.2", "wasmedge_process", "its plugin (without it, the module is refused)"),
        ("wasmedge", "wasi_ephemeral_crypto_kx", "its plugin (without it, a call traps)"),
    ],
)
def test_what_plugins_define_is_a_condition(host: str, module: str, option: str) -> None:
    found = on(host, f'(import "{module}" "f" (func))')
    assert found.runs is Runs.AS_IT_IS
    (caveat,) = found.caveats
    assert (caveat.code, caveat.message) == (
        "NN222",
        f"the host defines {module}.f with {option}",
    )
    assert codes(on(host, f'(import "{module}" "f" (memory 1))')) == ["NN212"]


def test_of_many_imports_ten_are_named() -> None:
    imports = " ".join(f'(import "env" "f{number}" (func))' for number in (0, *range(12)))
    imports += MEMORY
    for host in ("nnshim", "wamr"):
        found = on(host, imports)
        (only,) = (*found.reasons, *found.caveats)
        assert only.message.startswith("the host does not define env.f0, env.f1, env.f2,")
        assert ", env.f9 and 2 more" in only.message


PARTS = {
    "a shared memory": '(memory (export "memory") 1 2 shared)',
    "a 64-bit memory": '(memory (export "memory") i64 1)',
    "several memories": f"{MEMORY} (memory 1)",
    "a memory with a custom page size": '(memory (export "memory") 1 (pagesize 1))',
    "garbage collection types": f"(type (struct (field i32))) {MEMORY}",
}
READ = {
    "wasmtime@14": [],
    "wasmtime@15": ["a shared memory", "several memories"],
    "wasmtime@30": ["a shared memory", "a 64-bit memory", "several memories"],
    "wasmtime@40": ["a 64-bit memory", "several memories"],
    "wasmtime": ["a 64-bit memory", "several memories", "garbage collection types"],
    "nnshim": ["a 64-bit memory", "several memories", "garbage collection types"],
    "wamr": [],
    "wamr-legacy@2.3.1": [],
    "wasmedge@0.13.5": ["a shared memory"],
    "wasmedge@0.14.1": ["a shared memory", "garbage collection types"],
    "wasmedge@0.15": ["garbage collection types"],
    "wasmedge@0.16": ["several memories", "garbage collection types"],
    "wasmedge": ["a 64-bit memory", "several memories", "garbage collection types"],
}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("host", READ)
def test_what_an_engine_reads_by_default_depends_on_the_release(host: str, part: str) -> None:
    found = on(host, PARTS[part])
    if part in READ[host]:
        assert (found.runs, codes(found)) == (Runs.AS_IT_IS, [])
    else:
        assert [(reason.code, reason.message) for reason in found.reasons] == [
            ("NN216", f"it has {part}, which the host refuses")
        ]


def test_wasi_nn_of_wasmtime_does_not_work_in_a_shared_memory() -> None:
    guest = f'(import "wasi_ephemeral_nn" "load" (func {WITX.signature("load")}))'
    shared = PARTS["a shared memory"]
    (only,) = on("wasmtime@30", f"{guest} {shared}").reasons
    assert (only.code, only.message) == (
        "NN216",
        "it exports a shared memory, which the host's wasi-nn does not support",
    )
    assert on("wasmtime@30", shared).runs is Runs.AS_IT_IS
    assert on("wasmedge@0.14.1", f"{guest} {shared}").runs is Runs.AS_IT_IS


BEGINNINGS = {
    "": ("NN218", "no function for the host's command to call; build it as a command"),
    '(func (export "go"))': ("NN218", "no _start or main for the host's command to call; name an"),
    '(func (export "_start") (param i32))': ("NN217", "its _start is (param i32)"),
    '(func (export "_start") (result i32) i32.const 0)': ("NN217", "its _start is (result i32)"),
    '(func (export "main") (param i32 i32))': ("NN221", "its main takes arguments"),
}


@pytest.mark.parametrize("content", BEGINNINGS)
def test_wamr_says_how_it_begins(content: str) -> None:
    code, words = BEGINNINGS[content]
    found = check(assemble(f"(module {MEMORY} {content})"), ["wamr"])[0]
    (only,) = (*found.reasons, *found.conditions)
    assert (only.code, words in only.text) == (code, True)


def test_what_the_table_does_not_say_of_a_host_is_not_known() -> None:
    content = f'(import "env" "f" (func)) {MEMORY} (memory 1)'
    info = inspect_module(assemble(f'(module {content} (func (export "_start")))'))
    found = assess(info, HOSTS["wasmtime"]._replace(others=None, features={}))
    assert found.runs is Runs.AS_IT_IS
    assert [(caveat.code, caveat.message) for caveat in found.caveats] == [
        ("NN222", "it is unknown whether the host defines env.f"),
        ("NN227", "it is unknown whether the host reads several memories"),
    ]

"""Adapters as a file format: their bytes, and how they are recognised after other tools ran."""

from __future__ import annotations

import re
import subprocess

import pytest

from rewriter import (
    HostMismatch,
    RewriteOptions,
    UnsupportedModule,
    compare,
    inspect_module,
    rewrite,
)
from rewriter.abi.dialects import DIALECTS, WAMR, WASMEDGE, WITX
from rewriter.adapters.adapter import Adapter
from rewriter.adapters.bodies.text import file_name
from rewriter.adapters.generations import GENERATION, MARK
from rewriter.analysis.compatibility import Runs, assess
from rewriter.files.wasm_tools import find
from rewriter.hosts.table import HOSTS
from rewriter.wasm.leb128 import encode_u32
from rewriter.wasm.sections import split
from runtime_shim import LinkError, guest_dialects
from tests.rewriter.adapters.every import MEMORIES, all_adapters, lines, pinned_lines
from tests.rewriter.adapters.unmarked import UNMARKED_MODULES, plain, unmarked
from tests.support.wasm import assemble

U8_GUEST = f"""(module
  (import "wasi_ephemeral_nn" "set_input" (func $set_input {WITX.signature("set_input")}))
  (memory (export "memory") 1)
  (func (export "_start") (drop (call $set_input (i32.const 0) (i32.const 1) (i32.const 8)))))"""


def test_the_bytes_of_every_adapter_match_their_digests() -> None:
    assert sorted(lines()) == sorted(pinned_lines()), "python -m tests.rewriter.adapters.every"


def test_a_body_starts_with_its_marker_and_declares_only_variables_that_it_uses() -> None:
    adapters: dict[str, Adapter] = {}
    for adapter in all_adapters():
        if adapter.generation == GENERATION:
            name = file_name(adapter.function, adapter.source, adapter.target, told=adapter.told)
            adapters.setdefault(name, adapter)
    for adapter in adapters.values():
        body = adapter.body(0, MEMORIES[0][1])
        assert body.count(MARK + encode_u32(GENERATION) + b"\x1a") == 1
        parameters = len(adapter.type.params)
        text = _printed(_module_with(adapter, body))
        declared = sum(len(found.split()) for found in re.findall(r"\(local ([^)]*)\)", text))
        used = {int(found) for found in re.findall(r"local\.(?:get|set|tee) (\d+)", text)}
        assert {*range(parameters, parameters + declared)} <= used, adapter


def _module_with(adapter: Adapter, body: bytes) -> bytes:
    """A module with only an adapter and the import that it calls."""
    text = (
        f'(module (import "m" "f" (func {adapter.imported_type})) (memory 1)'
        f" (func {adapter.type} unreachable))"
    )
    module = assemble(text)
    return module.replace(b"\x0a\x05\x01\x03\x00\x00\x0b", _code(body))


def _code(body: bytes) -> bytes:
    content = b"\x01" + encode_u32(len(body)) + body
    return b"\x0a" + encode_u32(len(content)) + content


def _tool(*arguments: str, data: bytes) -> bytes:
    done = subprocess.run([find(), *arguments], input=data, capture_output=True, check=True)
    return done.stdout


def _printed(module: bytes) -> str:
    return _tool("print", "-", data=module).decode()


def adapted(module: bytes, abi: str, guest: str | None = None) -> bytes:
    return rewrite(module, RewriteOptions(abi=abi, guest_abi=guest, validate=False))


@pytest.mark.parametrize("source", DIALECTS)
def test_between_any_two_abis_a_module_is_adapted_once_and_back(source: str) -> None:
    for target in DIALECTS:
        module = plain(source, target)
        there = adapted(module, target, source)
        info = inspect_module(there)
        assert info.traces == ()
        assert {found.adapter.source for found in info.adapters.values()} <= {DIALECTS[source]}
        assert adapted(there, target, None if info.adapters else source) == there
        assert compare(module, there, guest_abi=source).only_rewritten
        back = adapted(there, source, None if info.adapters else source)
        assert inspect_module(back).adapters == {}
        assert compare(module, back, guest_abi=source).adapters == ()
        assert compare(module, back, guest_abi=source).only_rewritten


@pytest.mark.parametrize("source", DIALECTS)
def test_a_layout_that_contradicts_the_adapters_is_refused(
    source: str,
) -> None:
    for target in DIALECTS:
        there = adapted(plain(source, target), target, source)
        adapters = inspect_module(there).adapters
        assert inspect_module(there, source).adapters == adapters
        for other in DIALECTS.values():
            if other.layout == DIALECTS[source].layout or not adapters:
                continue  # ABIs of one layout can share adapters
            with pytest.raises(UnsupportedModule, match=f"ABI was given as {other.name}") as caught:
                inspect_module(there, other.name)
            assert caught.value.code == "NN123"


@pytest.mark.parametrize("name", UNMARKED_MODULES)
def test_adapters_without_markers_are_recognised(name: str) -> None:
    source, _ = UNMARKED_MODULES[name]
    module, old = plain(source), unmarked(name)
    assert MARK not in old
    assert compare(module, old).only_rewritten
    assert len(inspect_module(old).adapters) == len(compare(module, old).adapters) >= 3
    back = rewrite(old, RewriteOptions(abi=source))
    assert inspect_module(back).adapters == {}
    assert compare(module, back).only_rewritten


@pytest.mark.parametrize("name", UNMARKED_MODULES)
def test_adapting_again_replaces_adapters_without_markers_by_marked_ones(name: str) -> None:
    source, target = UNMARKED_MODULES[name]
    old = unmarked(name)
    again = rewrite(old, RewriteOptions(abi=target))
    expected = inspect_module(rewrite(plain(source), RewriteOptions(abi=target, guest_abi=source)))
    assert [str(f.type) for f in inspect_module(again).wasi_nn.values()] == [
        str(f.type) for f in expected.wasi_nn.values()
    ]
    adapters = inspect_module(again).adapters
    # If the old adapters do not show the guest's ABI, names are assumed to end as the host expects.
    assert adapters.keys() >= inspect_module(old).adapters.keys()
    assert adapters.keys() <= expected.adapters.keys()
    assert again.count(MARK) == len(adapters)
    assert compare(old, again).only_rewritten
    assert rewrite(again, RewriteOptions(abi=target)) == again


@pytest.mark.parametrize("generation", ["marked", "unmarked"])
def test_a_module_that_was_stripped_is_recognised(generation: str) -> None:
    module = plain("witx")
    there = (
        rewrite(module, RewriteOptions(abi="wamr"))
        if generation == "marked"
        else unmarked("witx-to-wamr")
    )
    stripped = _tool("strip", "--all", data=there)
    assert not any(section.name for section in split(stripped))
    assert len(inspect_module(stripped).adapters) == (4 if generation == "marked" else 3)
    assert compare(_tool("strip", "--all", data=module), stripped).only_rewritten
    assert inspect_module(rewrite(stripped, RewriteOptions(abi="witx"))).adapters == {}


@pytest.mark.parametrize(
    "there",
    [rewrite(plain("witx"), RewriteOptions(abi="wamr")), unmarked("witx-to-wamr")],
    ids=["now", "unmarked"],
)
def test_a_module_that_went_through_text_is_recognised(there: bytes) -> None:
    written = _tool("parse", "-", data=_printed(there).encode())
    load = encode_u32(4, 5)
    assert load in there
    assert load not in written
    assert len(inspect_module(written).adapters) == (4 if MARK in there else 3)
    again = rewrite(written, RewriteOptions(abi="wamr"))
    assert (again == written) is (MARK in there)
    assert rewrite(again, RewriteOptions(abi="wamr")) == again
    assert inspect_module(rewrite(written, RewriteOptions(abi="witx"))).adapters == {}


def test_exports_of_adapters_are_removed_with_them() -> None:
    module = plain("witx")
    there = rewrite(module, RewriteOptions(abi="wamr"))
    names = (("get_output", 5), ("load", 4), ("load_by_name", 0), ("set_input", 2))
    assert sorted(set(inspect_module(there).exports) - {"memory"}) == [
        "nnshim.encoding.0",
        *(f"nnshim.{name}.witx-to-wamr.0.{slot}" for name, slot in names),
    ]
    other = inspect_module(rewrite(there, RewriteOptions(abi="wasmedge-0.14")))
    assert [*other.exports] == ["memory", "nnshim.set_input.witx-to-wasmedge-0.14.0.2"]
    back = rewrite(other.module, RewriteOptions(abi="witx"))
    assert [*inspect_module(back).exports] == ["memory"]


def optimized(module: bytes, keep_names: bool = False) -> bytes:
    """A module as optimizers leave it: with changed adapters, without markers, and in another
    order."""
    text = _printed(module).replace(
        "i32.const 1752395374\n    drop\n    i32.const 0\n    drop\n", ""
    )
    changed = _tool("parse", "-", data=text.encode())
    assert MARK not in changed
    return changed if keep_names else _tool("strip", "--all", data=changed)


U8_ADAPTED = rewrite(assemble(U8_GUEST), RewriteOptions(host="wamr-2.1"))


def without_exports(module: bytes) -> bytes:
    text = re.sub(r'\(export "nnshim[^)]*\)\)', "", _printed(module))
    return _tool("parse", "-", data=text.encode())


def with_another_function(module: bytes) -> bytes:
    text = _printed(module).rstrip().removesuffix(")") + "(func))"
    return _tool("strip", "--all", data=_tool("parse", "-", data=text.encode()))


CHANGED = [
    pytest.param(optimized(U8_ADAPTED), id="an export is left"),
    pytest.param(without_exports(optimized(U8_ADAPTED, keep_names=True)), id="a name is left"),
    pytest.param(with_another_function(U8_ADAPTED), id="another function is behind them"),
]


@pytest.mark.parametrize("changed", CHANGED)
def test_adapters_that_another_tool_has_changed_are_not_adapted_again(changed: bytes) -> None:
    assert inspect_module(changed).adapters == {}
    (trace,) = inspect_module(changed).traces
    assert trace.diagnostic.message.startswith(
        "its adapter nnshim.set_input.witx-to-wamr-2.2 was changed by"
    )
    for goal in ({"host": "wasmtime"}, {"abi": "wamr"}, {"abi": "witx"}):
        with pytest.raises(HostMismatch, match=r"was changed by another tool.*adapt the module"):
            rewrite(changed, RewriteOptions(**goal))  # type: ignore[arg-type]


@pytest.mark.parametrize("changed", CHANGED)
def test_a_module_with_changed_adapters_runs_on_their_host(changed: bytes) -> None:
    info = inspect_module(changed)
    verdicts = {name: assess(info, host).runs for name, host in HOSTS.items()}
    assert verdicts.pop("wamr-2.1") is Runs.AS_IT_IS
    assert verdicts.pop("nnshim") is Runs.AS_IT_IS
    assert {*verdicts.values()} == {Runs.CANNOT}
    assert rewrite(changed, RewriteOptions(host="wamr-2.1")) == changed
    (dialect,) = guest_dialects(info).values()
    assert dialect.tensor_types is DIALECTS["wamr-2.2"].tensor_types
    assert dialect.told


def test_a_marker_alone_is_a_trace_too() -> None:
    text = re.sub(r'\(export "nnshim[^)]*\)\)', "", _printed(with_another_function(U8_ADAPTED)))
    changed = _tool("strip", "--all", data=_tool("parse", "-", data=text.encode()))
    (trace,) = inspect_module(changed).traces
    assert trace.diagnostic.message.startswith("one of its adapters was changed by another tool")
    assert changed[trace.offset :].startswith(MARK)
    for host in HOSTS:
        with pytest.raises(HostMismatch, match="one of its adapters was changed"):
            rewrite(changed, RewriteOptions(host=host))
    with pytest.raises(LinkError, match="module's ABI is unknown"):
        guest_dialects(inspect_module(changed))


@pytest.mark.parametrize(
    "old",
    [
        pytest.param(MARK + b"\0\x1a", id="in the marker"),
        pytest.param(b"wamr-2.2.0.0", id="in the export"),
    ],
)
def test_another_generation_is_refused_by_its_number(old: bytes) -> None:
    new = {MARK + b"\0\x1a": MARK + b"\7\x1a", b"wamr-2.2.0.0": b"wamr-2.2.7.0"}[old]
    later = U8_ADAPTED.replace(MARK + b"\0\x1a", MARK + b"\7\x1a").replace(old, new)
    assert later != U8_ADAPTED
    for host in HOSTS:
        with pytest.raises(
            HostMismatch, match="has generation 7, which this release of nnshim does not know"
        ):
            rewrite(later, RewriteOptions(host=host))
    with pytest.raises(LinkError, match="generation 7"):
        guest_dialects(inspect_module(later))


def test_an_optimized_guest_runs_with_the_numbers_that_its_adapter_passes_on() -> None:
    there = rewrite(plain("witx"), RewriteOptions(abi="wamr"))
    assert {d.name for d in guest_dialects(inspect_module(optimized(there))).values()} == {
        d.name for d in guest_dialects(inspect_module(there)).values()
    }
    assert {d.name for d in guest_dialects(inspect_module(there)).values()} != {WAMR.name}


def test_of_two_abis_with_the_same_adapter_the_right_one_is_named() -> None:
    there = rewrite(plain("wasmedge"), RewriteOptions(abi="wamr"))
    names = [found.adapter.name for found in inspect_module(there).adapters.values()]
    assert "nnshim.get_output.wasmedge-to-wamr" in names
    assert {found.adapter.source for found in inspect_module(there).adapters.values()} == {WASMEDGE}


def test_an_adapter_that_is_exported_as_another_one_is_a_trace() -> None:
    other = U8_ADAPTED.replace(b"witx-to-wamr-2.2.0.0", b"wktx-to-wamr-2.2.0.0")
    assert other != U8_ADAPTED
    for host in HOSTS:
        with pytest.raises(HostMismatch, match=r"wktx-to-wamr-2\.2 was changed"):
            rewrite(other, RewriteOptions(host=host))


def test_another_function_that_is_named_as_the_adapter_is_a_trace() -> None:
    text = _printed(U8_ADAPTED).replace("(func $nnshim.set_input.witx-to-wamr-2.2 ", "(func ")
    text = text.replace("call $nnshim.set_input.witx-to-wamr-2.2", "call 2")
    text = text.replace("(func $nnshim.set_input.witx-to-wamr-2.2))", "(func 2))")
    named = text.replace("(func (;1;)", "(func $nnshim.set_input.witx-to-wamr-2.2")
    changed = _tool("parse", "-", data=named.encode())
    (standing,) = inspect_module(changed).adapters.values()
    assert standing.function_index == 2
    for host in ("wasmtime", "wasmedge"):
        with pytest.raises(HostMismatch, match=r"witx-to-wamr-2\.2 was changed"):
            rewrite(changed, RewriteOptions(host=host))


def test_an_import_that_has_moved_does_not_change_an_adapter() -> None:
    moved = U8_ADAPTED.replace(b"wamr-2.2.0.0", b"wamr-2.2.0.9")
    assert moved != U8_ADAPTED
    assert rewrite(moved, RewriteOptions(host="wamr-2.1")) == moved
    back = rewrite(moved, RewriteOptions(host="wasmtime"))
    assert [*inspect_module(back).exports] == ["memory", "_start"]


def test_exports_of_adapters_may_stand_among_others() -> None:
    text = _printed(U8_ADAPTED)
    lines = re.findall(r'\(export "nnshim.*\n', text)
    assert len(lines) == 2  # of the adapter, and of the adapters' global
    first = text
    for line in lines:
        first = first.replace(line, "").replace('(export "memory"', line + '(export "memory"')
    moved = _tool("parse", "-", data=first.encode())
    assert next(iter(inspect_module(moved).exports)).startswith("nnshim.")
    back = rewrite(moved, RewriteOptions(host="wasmtime"))
    assert [*inspect_module(back).exports] == ["memory", "_start"]
    assert compare(moved, back).only_rewritten


def exporting(*names: str) -> bytes:
    exports = " ".join(f'(export "{name}" (func $set_input))' for name in names)
    return assemble(f"{U8_GUEST[:-1]} {exports})")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("nnshim.load.witx-to-wamr." + "9" * 5000 + ".0", id="a long number"),
        pytest.param("nnshim.a.b" + "-to-" * 20_000 + " ", id="much to try"),
        pytest.param("nnshim.load", id="a part of one"),
    ],
)
def test_an_export_with_another_name_is_not_a_trace(name: str) -> None:
    assert inspect_module(exporting(name)).traces == ()


def test_a_name_with_unknown_abis_is_a_trace_without_a_remedy() -> None:
    module = exporting("nnshim.load.wit-to-wamr.0.0", "nnshim.load.witx-to-wamr.9999999999.0")
    for host in HOSTS:
        with pytest.raises(HostMismatch, match=r"wit-to-wamr was changed.*generation 9999999999"):
            rewrite(module, RewriteOptions(host=host))


def test_more_names_of_adapters_than_there_can_be_adapters_are_refused() -> None:
    module = exporting(*(f"nnshim.f{number}.a-to-b" for number in range(1001)))
    with pytest.raises(UnsupportedModule, match="adapters"):
        inspect_module(module)

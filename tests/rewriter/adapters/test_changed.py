"""Adapters that other tools have changed: they are traces, and refused."""

from __future__ import annotations

import re
from typing import Any

import pytest

from rewriter import (
    HostMismatch,
    RewriteOptions,
    UnsupportedModule,
    compare,
    inspect_module,
    rewrite,
)
from rewriter.abi.dialects import DIALECTS, WAMR, WITX
from rewriter.adapters.generations import MARK
from rewriter.analysis.compatibility import Runs, assess
from rewriter.hosts.table import HOSTS
from runtime_shim import LinkError, guest_dialects
from tests.rewriter.adapters.unmarked import plain
from tests.support.wasm import assemble
from tests.support.wasm_tools import printed, tool

U8_GUEST = f"""(module
  (import "wasi_ephemeral_nn" "set_input" (func $set_input {WITX.signature("set_input")}))
  (memory (export "memory") 1)
  (func (export "_start") (drop (call $set_input (i32.const 0) (i32.const 1) (i32.const 8)))))"""


def optimized(module: bytes, keep_names: bool = False) -> bytes:
    """A module as optimizers leave it: with changed adapters, without markers, and in another
    order."""
    text = printed(module).replace(
        "i32.const 1752395374\n    drop\n    i32.const 0\n    drop\n", ""
    )
    changed = tool("parse", "-", data=text.encode())
    assert MARK not in changed
    return changed if keep_names else tool("strip", "--all", data=changed)


U8_ADAPTED = rewrite(assemble(U8_GUEST), RewriteOptions(host="wamr-2.1"))


def without_exports(module: bytes) -> bytes:
    text = re.sub(r'\(export "nnshim[^)]*\)\)', "", printed(module))
    return tool("parse", "-", data=text.encode())


def with_another_function(module: bytes) -> bytes:
    text = printed(module).rstrip().removesuffix(")") + "(func))"
    return tool("strip", "--all", data=tool("parse", "-", data=text.encode()))


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
    goals: list[dict[str, Any]] = [{"host": "wasmtime"}, {"abi": "wamr"}, {"abi": "witx"}]
    for goal in goals:
        with pytest.raises(HostMismatch, match=r"was changed by another tool.*adapt the module"):
            rewrite(changed, RewriteOptions(**goal))


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
    text = re.sub(r'\(export "nnshim[^)]*\)\)', "", printed(with_another_function(U8_ADAPTED)))
    changed = tool("strip", "--all", data=tool("parse", "-", data=text.encode()))
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


def test_an_adapter_that_is_exported_as_another_one_is_a_trace() -> None:
    other = U8_ADAPTED.replace(b"witx-to-wamr-2.2.0.0", b"wktx-to-wamr-2.2.0.0")
    assert other != U8_ADAPTED
    for host in HOSTS:
        with pytest.raises(HostMismatch, match=r"wktx-to-wamr-2\.2 was changed"):
            rewrite(other, RewriteOptions(host=host))


def test_another_function_that_is_named_as_the_adapter_is_a_trace() -> None:
    text = printed(U8_ADAPTED).replace("(func $nnshim.set_input.witx-to-wamr-2.2 ", "(func ")
    text = text.replace("call $nnshim.set_input.witx-to-wamr-2.2", "call 2")
    text = text.replace("(func $nnshim.set_input.witx-to-wamr-2.2))", "(func 2))")
    named = text.replace("(func (;1;)", "(func $nnshim.set_input.witx-to-wamr-2.2")
    changed = tool("parse", "-", data=named.encode())
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
    text = printed(U8_ADAPTED)
    lines = re.findall(r'\(export "nnshim.*\n', text)
    assert len(lines) == 2  # of the adapter, and of the adapters' global
    first = text
    for line in lines:
        first = first.replace(line, "").replace('(export "memory"', line + '(export "memory"')
    moved = tool("parse", "-", data=first.encode())
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

"""Adapters as a file format: their bytes, and how they are recognised after other tools ran."""

from __future__ import annotations

import re

import pytest

from rewriter import (
    RewriteOptions,
    UnsupportedModule,
    compare,
    inspect_module,
    rewrite,
)
from rewriter.abi.dialects import DIALECTS, WASMEDGE
from rewriter.adapters.adapter import Adapter
from rewriter.adapters.bodies.text import file_name
from rewriter.adapters.generations import GENERATION, MARK
from rewriter.wasm.leb128 import encode_u32
from rewriter.wasm.sections import split
from tests.rewriter.adapters.every import MEMORIES, all_adapters, lines, pinned_lines
from tests.rewriter.adapters.unmarked import UNMARKED_MODULES, plain, unmarked
from tests.support.wasm import assemble
from tests.support.wasm_tools import printed, tool


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
        text = printed(_module_with(adapter, body))
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
    stripped = tool("strip", "--all", data=there)
    assert not any(section.name for section in split(stripped))
    assert len(inspect_module(stripped).adapters) == (4 if generation == "marked" else 3)
    assert compare(tool("strip", "--all", data=module), stripped).only_rewritten
    assert inspect_module(rewrite(stripped, RewriteOptions(abi="witx"))).adapters == {}


@pytest.mark.parametrize(
    "there",
    [rewrite(plain("witx"), RewriteOptions(abi="wamr")), unmarked("witx-to-wamr")],
    ids=["now", "unmarked"],
)
def test_a_module_that_went_through_text_is_recognised(there: bytes) -> None:
    written = tool("parse", "-", data=printed(there).encode())
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


def test_of_two_abis_with_the_same_adapter_the_right_one_is_named() -> None:
    there = rewrite(plain("wasmedge"), RewriteOptions(abi="wamr"))
    names = [found.adapter.name for found in inspect_module(there).adapters.values()]
    assert "nnshim.get_output.wasmedge-to-wamr" in names
    assert {found.adapter.source for found in inspect_module(there).adapters.values()} == {WASMEDGE}

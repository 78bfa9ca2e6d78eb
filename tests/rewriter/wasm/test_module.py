"""A module is parsed only once. The tests count how often its magic number is read."""

from __future__ import annotations

from typing import SupportsIndex, overload

import pytest

from rewriter import Module, RewriteOptions, compare, inspect_module, rewrite
from rewriter.errors import MalformedModule
from rewriter.functions.storage import storage
from rewriter.wasm.sections import SectionId
from runtime_shim import run
from runtime_shim.engine.embedding import NNHost
from runtime_shim.host.limits import Limits
from tests.support.wasm import HEADER, assemble, section

GUEST = assemble(
    """(module
      (import "wasi_ephemeral_nn" "load" (func (param i32 i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1) (func (export "_initialize")) (func (export "_start")))"""
)
ADAPTED = rewrite(GUEST, RewriteOptions(abi="wamr"))


class Counted(bytes):
    """Bytes of a module. `headers` counts how often their magic number is read."""

    headers = 0

    @overload
    def __getitem__(self, key: SupportsIndex) -> int: ...
    @overload
    def __getitem__(self, key: slice) -> bytes: ...
    def __getitem__(self, key: SupportsIndex | slice) -> int | bytes:
        if key == slice(None, 4):
            self.headers += 1
        return super().__getitem__(key)


def test_parsing_a_module_reads_its_magic_number() -> None:
    data = Counted(GUEST)
    inspect_module(data)
    inspect_module(data)
    assert data.headers == 2


@pytest.mark.parametrize("before", [GUEST, ADAPTED], ids=["guest", "adapted"])
@pytest.mark.parametrize("abi", ["witx", "wamr", "wasmedge"])
def test_a_rewrite_parses_its_input_once(before: bytes, abi: str) -> None:
    data = Counted(before)
    made = rewrite(Module(data), RewriteOptions(abi=abi, record=True))
    assert data.headers == 1
    assert made == rewrite(before, RewriteOptions(abi=abi, record=True))


def test_a_comparison_parses_each_side_once() -> None:
    original, rewritten = Counted(GUEST), Counted(ADAPTED)
    assert compare(original, rewritten).only_rewritten
    assert (original.headers, rewritten.headers) == (1, 1)


def test_a_run_parses_the_guest_once() -> None:
    data = Counted(GUEST)
    assert run(data, NNHost(limits=Limits(memory=1 << 20))).exit_code == 0
    assert data.headers == 1


def test_a_parsed_module_is_not_parsed_again() -> None:
    module = Module(ADAPTED)
    assert inspect_module(module).module is module
    assert compare(module, module).renames == ()
    assert storage(module).memories
    assert Module.of(module) is module


def test_types_are_read_once_on_first_access() -> None:
    module = Module(HEADER + section(SectionId.TYPE, b"\1\x3f"))
    with pytest.raises(MalformedModule, match="unknown type form"):
        _ = module.types
    module = Module(GUEST)
    assert module.types is module.types

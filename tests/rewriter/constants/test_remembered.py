from __future__ import annotations

import pytest

from rewriter.constants.callers import REMEMBERED, Functions, Imported
from rewriter.constants.found import Wanted, reached
from rewriter.constants.state import Effect
from rewriter.wasm.module import Module
from rewriter.wasm.types import FuncType
from tests.support.wasm import assemble

SET_INPUT = '(import "n" "set_input" (func $set (param i32 i32 i32) (result i32)))'
SILENT = "(func $other nop)"
LOUD = "(func $other (i32.store8 (i32.const 0) (i32.const 1)))"
DEEP = "(func $other call $deeper) (func $deeper (i32.store8 (i32.const 0) (i32.const 1)))"
GUEST = """(func (export "_start") (local i32)
    (i32.store8 offset=8 (local.tee 0 (i32.sub (global.get $sp) (i32.const 32))) (i32.const 3))
    (call $other)
    (drop (call $set (i32.const 0) (i32.const 0) (local.get 0))))"""


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    REMEMBERED.forget()


def types(functions: str) -> list[tuple[int, ...] | None]:
    glob = "(global $sp (mut i32) (i32.const 4096))"
    module = Module(assemble(f"(module {SET_INPUT} (memory 1) {glob} {functions})"))
    imported = [Imported(FuncType(("i32",) * 3, ("i32",)), Effect.NOTHING)]
    found = reached(Functions(module, imported, 0, 0, {}), {0: (Wanted((2, 8), 1),)})
    return [one.numbers[0] for one in found]


@pytest.mark.parametrize("other", [LOUD, DEEP])
def test_a_function_is_followed_anew_if_what_it_calls_does_something_else(other: str) -> None:
    functions = {SILENT: [(3,)], other: [None]}
    for order in (functions, reversed(functions)):
        for called in (*order, SILENT):
            guest = GUEST if called != DEEP else f"(func nop) {GUEST}"
            assert types(f"{called} {guest}") == functions[called]


def test_equal_functions_have_places_of_their_own() -> None:
    module = f"{SILENT} {GUEST} {GUEST.replace('_start', 'again')}"
    binary = assemble(
        f"(module {SET_INPUT} (memory 1) (global $sp (mut i32) (i32.const 0)) {module})"
    )
    imported = [Imported(FuncType(("i32",) * 3, ("i32",)), Effect.NOTHING)]
    found = reached(Functions(Module(binary), imported, 0, 0, {}), {0: (Wanted((2, 8), 1),)})
    places = [one.place.offset for one in found if one.place]
    assert [binary[place : place + 2] for place in places] == [b"\x10\x00"] * 2
    assert len(set(places)) == 2


def test_a_remembered_function_takes_as_many_steps() -> None:
    """So that the limit on the steps in a module does not depend on other modules."""
    many = "".join(GUEST.replace("_start", f"f{number}") for number in range(12_000))
    alone = types(f"{SILENT} {many}")
    assert types(f"{SILENT} {many}") == alone
    assert alone.count((3,)) == 250_000 // 27 < len(alone) == 12_000  # each takes 27 steps

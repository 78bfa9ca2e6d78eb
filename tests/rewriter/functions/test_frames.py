"""The stack that functions take: for variables, for constants, each once, and for results."""

from __future__ import annotations

import pytest

from rewriter.functions.frames import wanted_stack
from rewriter.wasm.module import Module
from tests.support.wasm import assemble

NUMBERS = " ".join(f"i32.const {number} drop" for number in range(9000))
WIDE = " ".join(f"i64.const {number} drop" for number in range(9000))
LABELS = "block i32.const 0 br_table 0 0 0 0 0 0 end"


def bytes_of(function: str) -> int | None:
    """The stack bytes that a function takes if 64 KiB are too few, beside a small function."""
    module = Module(assemble(f"(module (memory 1) (func (local i32)) (func {function}))"))
    wanted = wanted_stack(module, 65536)
    return None if wanted is None else wanted.taken


@pytest.mark.parametrize(
    ("function", "taken"),
    [
        (f"(local {'i32 ' * 8192})", None),
        (f"(local {'i32 ' * 8193})", 4 * 8193),
        (f"(local {'f64 ' * 4097})", 8 * 4097),
        (f"(param {'i64 ' * 900}) (local {'i64 ' * 4000})", 8 * 4900),
        (NUMBERS, 4 * 9000),
        (f"{LABELS} {NUMBERS}", 4 * 9000),
        (f"{NUMBERS} {NUMBERS}", 4 * 9000),
        (WIDE, 8 * 9000),
        ("i32.const 7 drop " * 9000, None),
        (f"(local {'i32 ' * 5000}) {NUMBERS}", 4 * 14000),
        ("memory.size " * 30000 + "drop " * 30000, 4 * 30000),
    ],
)
def test_what_a_function_takes(function: str, taken: int | None) -> None:
    assert bytes_of(function) == taken


def test_the_suggested_stack_size_is_enough() -> None:
    module = Module(assemble(f"(module (func (local {'i32 ' * 8200})))"))
    wanted = wanted_stack(module, 65536)
    assert wanted is not None
    assert wanted_stack(module, wanted.enough) is None


def test_a_host_without_such_a_stack_needs_none() -> None:
    assert wanted_stack(Module(assemble(f"(module (func (local {'i32 ' * 9000})))")), 0) is None

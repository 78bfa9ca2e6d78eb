"""The stack that functions take: for variables, for constants, each once, and for results."""

from __future__ import annotations

import random

import pytest

from rewriter.functions import frames
from rewriter.functions.frames import largest_frame, wanted_stack
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


@pytest.mark.parametrize("batch", range(8))
def test_bodies_that_are_read_together_take_what_they_take_one_by_one(
    batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(batch)
    text = "".join(map(function, [chance] * chance.randrange(1, 40)))
    data = assemble(f"(module {text})")
    together = largest_frame(Module(data))
    monkeypatch.setattr(frames, "_SMALL_RESULTS", -1)
    assert together == largest_frame(Module(data))


def function(chance: random.Random) -> str:
    """One whose frame may be small or not."""
    params = " ".join(chance.choices(["i32", "i64", "f32", "f64"], k=chance.choice([0, 1, 5])))
    variables = " ".join(
        f"(local {f'{kind} ' * chance.choice([0, 1, 30, 127, 128, 700])})"
        for kind in chance.choices(["i32", "i64", "f64", "v128"], k=chance.choice([0, 0, 1, 1, 3]))
    )
    constants = range(chance.choice([0, 0, 1, 200, 400, 1500]))
    code = " ".join(f"i64.const {number} drop" for number in constants)
    return f"(func (param {params}) {variables} {code})\n"


def test_the_suggested_stack_size_is_enough() -> None:
    module = Module(assemble(f"(module (func (local {'i32 ' * 8200})))"))
    wanted = wanted_stack(module, 65536)
    assert wanted is not None
    assert wanted_stack(module, wanted.enough) is None


def test_a_host_without_such_a_stack_needs_none() -> None:
    assert wanted_stack(Module(assemble(f"(module (func (local {'i32 ' * 9000})))")), 0) is None

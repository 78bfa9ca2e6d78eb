"""Comparisons of numbers that are known, as an engine makes them."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import wasmtime

from rewriter.constants.arithmetic import binary
from tests.support.wasm import assemble

COMPARISONS = ("eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u")


@pytest.mark.parametrize(("kind", "first"), [("i32", 0x46), ("i64", 0x51)])
def test_numbers_are_compared_as_by_an_engine(kind: str, first: int) -> None:
    functions = "".join(
        f'(func (export "{name}") (param {kind} {kind}) (result i32)'
        f" ({kind}.{name} (local.get 0) (local.get 1)))"
        for name in COMPARISONS
    )
    store = wasmtime.Store()
    module = wasmtime.Module(store.engine, assemble(f"(module {functions})"))
    exports: Any = wasmtime.Instance(store, module, []).exports(store)
    bits = int(kind[1:])
    edges = (0, 1, 5, (1 << bits - 1) - 1, 1 << bits - 1, (1 << bits) - 1)
    for place, name in enumerate(COMPARISONS):
        for one, other in product(edges, edges):
            engines = exports[name](store, *(_signed(each, bits) for each in (one, other)))
            assert binary(first + place, one, other) == engines, (name, one, other)


def _signed(number: int, bits: int) -> int:
    return number - (1 << bits) if number >> bits - 1 else number

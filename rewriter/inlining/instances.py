"""Instances of components inside a component, and what is passed to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rewriter.components.items import Item
from rewriter.components.sections import ComponentCursor
from rewriter.components.types import sort
from rewriter.wasm.reader import Data

__all__ = ["Argument", "Instantiation", "read_instantiation"]


class Argument(NamedTuple):
    """What is passed for an import: its name, the sort and its bytes, and the index."""

    name: str
    sort: str
    code: bytes
    number: int


class Instantiation(NamedTuple):
    """An instance of a component: where it is made, in bytes, the index of the component, and the
    arguments."""

    start: int
    component: int
    arguments: Sequence[Argument]


def read_instantiation(data: Data, item: Item) -> Instantiation | None:
    """Read an item that adds an instance. None for an instance of things that exist."""
    cursor = ComponentCursor(data, item.start, item.end)
    if cursor.byte() != 0:
        return None
    component = cursor.u32()
    arguments = []
    for _ in range(cursor.count("arguments")):
        name, start = cursor.name().text, cursor.pos
        kind = sort(cursor)
        code = data[start : cursor.pos]
        arguments.append(Argument(name, kind, code, cursor.u32()))
    return Instantiation(item.start, component, arguments)

"""The numbers of tensor types, and how many bits of one are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rewriter.probing.command import End
from rewriter.probing.encodings import TYPE_NUMBERS, Way, answer, type_items
from rewriter.probing.host import Host, Item
from rewriter.probing.measured import Answer, Layout, TypeWidth
from rewriter.probing.modules.models import TYPES

__all__ = ["Types", "types", "width"]


class Types(NamedTuple):
    """As in rewriter.probing.measured.Backend."""

    numbers: dict[str, int]
    refused: frozenset[str]
    answers: dict[int, Answer]
    ignored: bool


def types(host: Host, way: Way) -> Types:
    """What numbers mean to a backend. One means a type if a model of that type gives the right
    output under it, and under no other number; or one of floats does, to which a host converts."""
    found = {type_: type_items(host, way, type_) for type_ in TYPES}
    numbers = {type_: only for type_, items in found.items() if (only := _only(items)) is not None}
    ignored = all(map(_right, found["f32"]))
    for type_ in found:
        if type_ not in numbers and not ignored:
            only = _only(type_items(host, way, type_, model="f32"))
            if only is not None and only not in numbers.values():
                numbers[type_] = only
    answers = {
        number: answer(item, "set_input", "compute", "get_output")
        for number, item in zip(TYPE_NUMBERS, found["f32"], strict=True)
    }
    return Types(
        numbers,
        frozenset(
            name for name in TYPES if name not in numbers and all(map(_refused, found[name]))
        ),
        {number: each for number, each in answers.items() if each is not None},
        ignored,
    )


def _only(items: Sequence[Item]) -> int | None:
    """The number under which the output is right, None where there are more or fewer."""
    right = [number for number, item in zip(TYPE_NUMBERS, items, strict=True) if _right(item)]
    return right[0] if len(right) == 1 else None


def _right(item: Item) -> bool:
    return item.end is None and item.values.get("right") == 1


def _refused(item: Item) -> bool:
    """Whether set_input did not take a tensor; what could not be tried was not refused."""
    return bool(item.values.get("set_input")) or (
        item.end in (End.TRAPS, End.ABORTS) and "set_input" not in item.values
    )


def width(host: Host, way: Way, is_ignored: bool) -> TypeWidth | None:
    """How many bits of a type are read: tried with a tensor whose padding is not zero."""
    if way.layouts[1] is not Layout.WITX or is_ignored:
        return None
    (item,) = type_items(host, way, "f32", (way.f32 | 0x5A5A5A00,))
    if _right(item):
        return TypeWidth.BYTE
    return TypeWidth.WORD if item.values or item.end else None

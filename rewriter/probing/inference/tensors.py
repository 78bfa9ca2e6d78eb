"""Measures the numbers of tensor types, and how many bits of a type the host reads."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from struct import calcsize
from typing import NamedTuple

from rewriter.probing.command import End
from rewriter.probing.host import Host, Item
from rewriter.probing.inference.encodings import TYPE_NUMBERS, Way, answer, type_items
from rewriter.probing.measured import Answer, Layout, TypeWidth
from rewriter.probing.modules.models import TYPES

__all__ = ["Types", "types", "width"]


class Types(NamedTuple):
    """Fields of rewriter.probing.measured.Backend. `own` has, for each type, the numbers under
    which the model of that type gave the right output."""

    numbers: dict[str, int]
    refused: frozenset[str]
    answers: dict[int, Answer]
    ignored: bool
    told: bool
    own: dict[str, list[int]]


def types(host: Host, way: Way) -> Types:
    """What the numbers mean to a backend. A number means a type if a model of that type gives the
    right output under this number only, or if a model of floats does and the host converts."""
    found = {type_: type_items(host, way, type_) for type_ in TYPES}
    right = {type_: _numbers(items) for type_, items in found.items()}
    numbers = {type_: each[0] for type_, each in right.items() if len(each) == 1}
    refused = {type_ for type_, items in found.items() if _is_refused(items, ())}
    ignored = len(right["f32"]) == len(TYPE_NUMBERS)
    for type_ in TYPES:
        if not (right[type_] or type_ in refused or ignored):
            converted = _numbers(type_items(host, way, type_, model="f32"))
            if len(converted) == 1 and converted[0] not in numbers.values():
                numbers[type_] = converted[0]
    refused |= {
        type_
        for type_, items in found.items()
        if not (right[type_] or type_ in numbers or ignored)
        and _is_refused(items, numbers.values())
    }
    answers = {
        number: answer(item, "set_input", "compute", "get_output")
        for number, item in zip(TYPE_NUMBERS, found["f32"], strict=True)
    }
    return Types(
        numbers,
        frozenset(refused),
        {number: each for number, each in answers.items() if each is not None},
        ignored,
        len(right["f32"]) == 1 and _shared(right),
        {type_: each for type_, each in right.items() if each},
    )


def _numbers(items: Sequence[Item]) -> list[int]:
    """The numbers under which the output is right."""
    return [number for number, item in zip(TYPE_NUMBERS, items, strict=True) if _right(item)]


def _shared(right: Mapping[str, Sequence[int]]) -> bool:
    """Whether types of different sizes are right under one number."""
    sizes: dict[int, set[int]] = {}
    for type_, numbers in right.items():
        for number in numbers:
            sizes.setdefault(number, set()).add(calcsize(TYPES[type_]))
    return any(len(each) > 1 for each in sizes.values())


def _right(item: Item) -> bool:
    return item.end is None and item.values.get("right") == 1


def _is_refused(items: Sequence[Item], others: Collection[int]) -> bool:
    """Whether a type's tensors are refused under every number except those of other types."""
    pairs = zip(TYPE_NUMBERS, items, strict=True)
    return all(
        _refused(item) or (number in others and item.end is not End.HANGS) for number, item in pairs
    )


def _refused(item: Item) -> bool:
    """Whether set_input refused a tensor. A tensor that could not be tried was not refused."""
    return bool(item.values.get("set_input")) or (
        item.end in (End.TRAPS, End.ABORTS, End.UNCLEAR) and "set_input" not in item.values
    )


def width(host: Host, way: Way, is_ignored: bool) -> TypeWidth | None:
    """How many bits of a type the host reads, tried with a tensor whose padding is not zero."""
    if way.layouts[1] is not Layout.WITX or is_ignored:
        return None
    (item,) = type_items(host, way, "f32", (way.f32 | 0x5A5A5A00,))
    if _right(item):
        return TypeWidth.BYTE
    return TypeWidth.WORD if item.values or item.end else None

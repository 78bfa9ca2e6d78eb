"""What is known of a value while a function is followed: a number, a few numbers, or where it came
from.

A value is known byte by byte, so that what compilers pack into 64 bits, and take apart again, stays
known. What is said of one is always so, whatever made the module: what is not sure is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple, TypeGuard

__all__ = [
    "MASK",
    "Byte",
    "Compared",
    "Numbers",
    "Origin",
    "Pieces",
    "Root",
    "Symbol",
    "Value",
    "bytes_of",
    "is_numbers",
    "join",
    "joined",
    "mentions",
]

MASK = 0xFFFFFFFF
"""Addresses have 32 bits."""

_MOST_NUMBERS = 4
"""What can be more numbers than these is unknown."""


class Root(Enum):
    """Kinds of origins: a parameter and a global as they were when the function was entered, and a
    word of memory as it was then; what an instruction gave when it was last executed."""

    PARAMETER = "parameter"
    GLOBAL = "global"
    MEMORY = "memory"
    MADE = "made"


class Origin(NamedTuple):
    """`number` is the index of the parameter or the global, or where the instruction stands. `of`
    is the address of the word of memory, or the index of the global that a call has left.

    The `number` of a word of memory is one more than the index of a global if the function has
    written right below the address that was in that global: the word is what it was only if it is
    not there. It is 0 where nothing was written that the word could be part of."""

    root: Root
    number: int = 0
    of: int | Symbol = 0


class Symbol(NamedTuple):
    """An origin and what was added to it, modulo 2^32: more than the low 32 bits is not known."""

    origin: Origin
    plus: int = 0


class Compared(NamedTuple):
    """1 if a symbol is less than a number, both taken with their signs, else 0."""

    symbol: Symbol
    bound: int


Numbers = int | frozenset[int]
"""A number, without sign, or one of a few."""

Byte = int | frozenset[int] | tuple[Symbol, int] | None
"""A number, one of a few, or a byte of a symbol, the lowest being 0; None is unknown."""


class Pieces(NamedTuple):
    """Bytes that are not one number or one symbol, from the lowest."""

    parts: tuple[Byte, ...]


Value = int | frozenset[int] | Symbol | Pieces | Compared | None
"""None is unknown."""


def is_numbers(value: Value) -> TypeGuard[Numbers]:
    return isinstance(value, int | frozenset)


def bytes_of(value: Value, size: int) -> tuple[Byte, ...]:
    """The lowest bytes of a value that has `size` of them or more."""
    if isinstance(value, int):
        return tuple(value >> 8 * place & 0xFF for place in range(size))
    if isinstance(value, Symbol):
        return tuple((value, place) if place < 4 else None for place in range(size))
    if isinstance(value, Pieces):
        return (value.parts + (None,) * size)[:size]
    if isinstance(value, frozenset):
        return tuple(_union(n >> 8 * place & 0xFF for n in value) for place in range(size))
    return (None,) * size


def joined(parts: tuple[Byte, ...]) -> Value:
    """The value that has these bytes."""
    if all(isinstance(part, int) for part in parts):
        return sum(part << 8 * place for place, part in enumerate(parts))  # type: ignore[operator, misc]
    first, *others = parts
    if isinstance(first, frozenset) and all(isinstance(part, int) for part in others):
        rest = sum(part << 8 * place for place, part in enumerate(others, 1))  # type: ignore[operator, misc]
        return frozenset(number | rest for number in first)
    if isinstance(first, tuple) and len(parts) == 4:
        symbol = first[0]
        if all(part == (symbol, place) for place, part in enumerate(parts)):
            return symbol
    return None if all(part is None for part in parts) else Pieces(parts)


def join(one: Value, other: Value) -> Value:
    """What is so of both."""
    if one == other:
        return one
    if is_numbers(one) and is_numbers(other):
        return _union([*_each(one), *_each(other)])
    if isinstance(one, Pieces) and isinstance(other, Pieces) and len(one.parts) == len(other.parts):
        return joined(tuple(map(join_bytes, one.parts, other.parts)))
    return None


def join_bytes(one: Byte, other: Byte) -> Byte:
    """What is so of both."""
    if one == other:
        return one
    if isinstance(one, int | frozenset) and isinstance(other, int | frozenset):
        return _union([*_each(one), *_each(other)])
    return None


def mentions(value: Value | Byte, position: int) -> bool:
    """Whether it is of what the instruction at a position gave."""
    if isinstance(value, Pieces):
        return any(mentions(part, position) for part in value.parts)
    if isinstance(value, Symbol):
        return value.origin.root is Root.MADE and value.origin.number == position
    return isinstance(value, tuple) and mentions(value[0], position)


def _each(numbers: Numbers) -> frozenset[int]:
    return numbers if isinstance(numbers, frozenset) else frozenset((numbers,))


def _union(numbers: Iterable[int]) -> Numbers | None:
    found = frozenset(numbers)
    if len(found) > _MOST_NUMBERS:
        return None
    return next(iter(found)) if len(found) == 1 else found

"""What is known of a value while a function is followed: a number, a few numbers, or its origin.

A value is known byte by byte, so that values stay known if compilers pack them into 64 bits and
unpack them again. Everything that is known is certain, whatever produced the module. Anything
uncertain is unknown.
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
    "symbol",
]

MASK = 0xFFFFFFFF
"""Addresses have 32 bits."""

_MOST_NUMBERS = 4
"""The most possible numbers of a value. With more, it is unknown."""


class Root(Enum):
    """Kinds of origins: a parameter, a global or a word of memory at the entry of the function, or
    the result of an instruction when it was last executed."""

    PARAMETER = "parameter"
    GLOBAL = "global"
    MEMORY = "memory"
    MADE = "made"


class Origin(NamedTuple):
    """The origin of a value.

    `number` is the index of the parameter or global, or the position of the instruction. `of` is
    the address of the word of memory. For an instruction that is a call, it is the index of the
    global that the call left, or -1 minus the index of a result.

    For a word of memory, `number` is 0 if nothing was written that could overlap the word. If the
    function has written right below the address in a global, `number` is one more than the index of
    that global: the word is unchanged only if it is not right below that address.
    """

    root: Root
    number: int = 0
    of: int | Symbol = 0


class Symbol(NamedTuple):
    """An origin plus a number, modulo 2^32. Only the low 32 bits are known."""

    origin: Origin
    plus: int = 0


class Compared(NamedTuple):
    """1 if a symbol is less than a number in signed comparison, else 0."""

    symbol: Symbol
    bound: int


Numbers = int | frozenset[int]
"""An unsigned number, or a few possible numbers."""

Byte = int | frozenset[int] | tuple[Symbol, int] | None
"""A number, a few possible numbers, or a byte of a symbol, where 0 is the lowest. None is
unknown."""


class Pieces(NamedTuple):
    """The bytes of a value that is neither a number nor a symbol, the lowest first."""

    parts: tuple[Byte, ...]


Value = int | frozenset[int] | Symbol | Pieces | Compared | None
"""None is unknown."""


def is_numbers(value: Value) -> TypeGuard[Numbers]:
    return isinstance(value, int | frozenset)


def symbol(origin: Origin, plus: int) -> Symbol:
    """The same as Symbol(origin, plus), but faster."""
    return tuple.__new__(Symbol, (origin, plus))


def bytes_of(value: Value, size: int) -> tuple[Byte, ...]:
    """The lowest `size` bytes of a value that has at least as many."""
    if value is None:
        return (None,) * size
    if isinstance(value, int):
        return tuple((value & (1 << 8 * size) - 1).to_bytes(size, "little"))
    if isinstance(value, Symbol):
        low = ((value, 0), (value, 1), (value, 2), (value, 3))
        return low if size == 4 else (low + (None,) * size)[:size]
    if isinstance(value, Pieces):
        return (value.parts + (None,) * size)[:size]
    if isinstance(value, frozenset):
        return tuple(_union(n >> 8 * place & 0xFF for n in value) for place in range(size))
    return (None,) * size


def joined(parts: tuple[Byte, ...]) -> Value:
    """The value with these bytes, the lowest first."""
    first = parts[0]
    numbers = [part for part in parts if isinstance(part, int)]
    if len(numbers) == len(parts):
        return int.from_bytes(numbers, "little")
    if isinstance(first, frozenset) and len(numbers) == len(parts) - 1:
        rest = int.from_bytes((0, *numbers), "little")
        return frozenset(number | rest for number in first)
    if isinstance(first, tuple) and len(parts) == 4:
        whole = first[0]
        if parts == ((whole, 0), (whole, 1), (whole, 2), (whole, 3)):
            return whole
    return None if first is None and not any(part is not None for part in parts) else Pieces(parts)


def join(one: Value, other: Value) -> Value:
    """What is true of both values."""
    if one == other:
        return one
    if is_numbers(one) and is_numbers(other):
        return _union([*_each(one), *_each(other)])
    if isinstance(one, Pieces) and isinstance(other, Pieces) and len(one.parts) == len(other.parts):
        return joined(tuple(map(join_bytes, one.parts, other.parts)))
    return None


def join_bytes(one: Byte, other: Byte) -> Byte:
    """What is true of both bytes."""
    if one == other:
        return one
    if isinstance(one, int | frozenset) and isinstance(other, int | frozenset):
        return _union([*_each(one), *_each(other)])
    return None


def mentions(value: Value | Byte, position: int) -> bool:
    """Whether a value depends on the result of the instruction at a position."""
    if value is None or isinstance(value, int):
        return False
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

"""Reads protobuf messages without their full schema.

https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Mapping, Set
from types import MappingProxyType

__all__ = ["BYTES", "VARINT", "Data", "Messages", "entries", "fields", "find", "varint", "varints"]

Data = bytes | mmap.mmap

Messages = Mapping[str, Mapping[int, str]]
"""The fields of each message that are messages themselves, by number."""

VARINT, _64_BITS, BYTES, _32_BITS = 0, 1, 2, 5
"""Wire types of fields."""

_SIZES: Mapping[int, int] = MappingProxyType({_32_BITS: 4, _64_BITS: 8})

_DEEPEST = 100
"""The deepest nesting of messages. protobuf's libraries have the same limit."""

_LARGEST_TAG = 0xFFFFFFFF
"""The largest tag. protobuf's libraries drop the bits above it, and would find another field."""

_CONTINUED = bytes(range(0x80, 0x100))
"""The possible bytes of a varint, except for its last byte."""


def find(
    data: Data,
    messages: Messages,
    outermost: str,
    wanted: str,
    single: Mapping[str, Set[int]] = MappingProxyType({}),
    at: tuple[int, int] | None = None,
) -> Iterator[tuple[int, int]]:
    """The start and end of each message of a kind.

    `at` is the range of the outermost message (default: all of the data). Raises IndexError and
    ValueError for invalid protobuf, and if a field of `single` occurs twice in its message, because
    protobuf's libraries would merge the two."""
    levels = [_inside(data, messages, single, outermost, *(at or (0, len(data))))]
    while levels:
        for found, start, stop in levels[-1]:
            if found == wanted:
                yield start, stop
            elif start < stop:
                if len(levels) > _DEEPEST:
                    raise ValueError("messages are nested too deeply")
                levels.append(_inside(data, messages, single, found, start, stop))
                break
        else:
            levels.pop()


def _inside(
    data: Data,
    messages: Messages,
    single: Mapping[str, Set[int]],
    message: str,
    start: int,
    stop: int,
) -> Iterator[tuple[str, int, int]]:
    """The messages in one message. This is an iterator, because a list could take a hundred times
    as much memory as the data."""
    inside, once, seen = messages[message], single.get(message, ()), set()
    for number, kind, begin, end in fields(data, start, stop):
        found = inside.get(number)
        if found is None or kind != BYTES:
            continue
        if number in once:
            if number in seen:
                raise ValueError(f"field {number} occurs twice at byte {begin}")
            seen.add(number)
        yield found, begin, end


def fields(data: Data, pos: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """The number and wire type of each field, and the start and end of its value. Raises IndexError
    and ValueError."""
    while pos < end:
        tag, start = data[pos], pos + 1
        if tag >= 0x80:  # rare; a call for every tag would take most of the time
            tag, start = varint(data, pos)
        number, kind = tag >> 3, tag & 7
        if kind == BYTES:
            size, start = data[start], start + 1
            if size >= 0x80:
                size, start = varint(data, start - 1)
            pos = start + size
        elif kind == VARINT:
            _, pos = varint(data, start)
        elif kind in _SIZES:
            pos = start + _SIZES[kind]
        else:
            raise ValueError(f"a field of the unknown kind {kind} at byte {pos}")
        if pos > end:
            raise ValueError(f"a field at byte {start} extends beyond its message")
        if not number or tag > _LARGEST_TAG:
            raise ValueError(f"a field before byte {start} cannot have the number {number}")
        yield number, kind, start, pos


def varint(data: Data, pos: int) -> tuple[int, int]:
    """A number and the offset after it. Raises IndexError and ValueError."""
    value = shift = 0
    while True:
        byte = data[pos]
        pos += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, pos
        shift += 7
        if shift > 63:
            raise ValueError(f"a number at byte {pos} is too long")


def varints(data: Data, kind: int, start: int, stop: int) -> Iterator[int]:
    """The numbers in a repeated field, packed or not. Raises IndexError and ValueError."""
    while kind in (VARINT, BYTES) and start < stop:
        value, start = varint(data, start)
        if start > stop:
            raise ValueError(f"a number at byte {stop} extends beyond its message")
        yield value


def entries(data: Data, element: int, kind: int, start: int, stop: int) -> int:
    """The number of elements in a repeated field, packed or not. `element` is their wire type.
    Raises ValueError."""
    if kind == element:
        return 1
    if kind != BYTES:
        return 0  # protobuf's libraries treat it as an unknown field
    if element == VARINT:
        packed = data[start:stop]
        if packed and packed[-1] >= 0x80:
            raise ValueError(f"a number at byte {stop} is cut off")
        return len(packed.translate(None, _CONTINUED))
    if (stop - start) % _SIZES[element]:
        raise ValueError(f"a number at byte {stop} is cut off")
    return (stop - start) // _SIZES[element]

"""Finds its way through protobuf messages without a description of them all.

https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Mapping, Set
from types import MappingProxyType

__all__ = ["BYTES", "VARINT", "Data", "Messages", "entries", "fields", "find", "varint", "varints"]

Data = bytes | mmap.mmap

Messages = Mapping[str, Mapping[int, str]]
"""The fields of messages that are messages themselves, by number."""

VARINT, _64_BITS, BYTES, _32_BITS = 0, 1, 2, 5
"""Wire types of fields."""

_SIZES: Mapping[int, int] = MappingProxyType({_32_BITS: 4, _64_BITS: 8})

_DEEPEST = 100
"""Messages inside messages, as protobuf has it too."""

_LARGEST_TAG = 0xFFFFFFFF
"""Readers of protobuf drop the bits above, and so would find another field."""

_CONTINUED = bytes(range(0x80, 0x100))
"""All bytes of a varint but its last."""


def find(
    data: Data,
    messages: Messages,
    outermost: str,
    wanted: str,
    single: Mapping[str, Set[int]] = MappingProxyType({}),
    at: tuple[int, int] | None = None,
) -> Iterator[tuple[int, int]]:
    """Where each message of a kind begins and ends, in the outermost one, which is all the data if
    it is not said where it is. Raises IndexError and ValueError for what is
    not protobuf, and for a field of `single`, which may be in its message once, that is there
    again: readers of protobuf would merge the two."""
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
    """The messages in one message, one after the other: a list of them could take a hundred times
    as many bytes as the data."""
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
    """The number and wire type of each field, and where its value begins and ends. Raises
    IndexError and ValueError."""
    while pos < end:
        tag, start = data[pos], pos + 1
        if tag >= 0x80:  # almost none is, and a call for each would take most of the time
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
    """A number, and where what comes after it begins. Raises IndexError and ValueError."""
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
    """How many numbers there are in a repeated field whose elements are of a wire type, packed or
    not. Raises ValueError."""
    if kind == element:
        return 1
    if kind != BYTES:
        return 0  # readers of protobuf take it for an unknown field
    if element == VARINT:
        packed = data[start:stop]
        if packed and packed[-1] >= 0x80:
            raise ValueError(f"a number at byte {stop} is cut off")
        return len(packed.translate(None, _CONTINUED))
    if (stop - start) % _SIZES[element]:
        raise ValueError(f"a number at byte {stop} is cut off")
    return (stop - start) // _SIZES[element]

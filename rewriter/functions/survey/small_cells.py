"""The local variables of function bodies that are too small for any host's limits."""

from __future__ import annotations

import functools
from array import array
from collections.abc import Iterator, Mapping, Sequence
from weakref import WeakKeyDictionary

from rewriter.functions.code import Bodies

__all__ = ["LONGEST", "MOST_CELLS", "NOT_SMALL", "not_small", "small_cells"]

LONGEST = 13_000
"""The most bytes of a small body."""

MOST_CELLS = 1000
"""The most 32-bit cells of local variables in a small body."""

NOT_SMALL = -1

_FOUND: WeakKeyDictionary[Bodies, Sequence[int]] = WeakKeyDictionary()
"""Cache: several parts of the analysis ask for the same bodies."""


def small_cells(bodies: Bodies) -> Sequence[int]:
    """The number of 32-bit cells of each body's local variables, or NOT_SMALL. That is also for
    variables of types that are newer than the first release of WebAssembly."""
    if bodies not in _FOUND:
        _FOUND[bodies] = _read(bodies)
    return _FOUND[bodies]


def not_small(bodies: Bodies) -> Iterator[int]:
    """The numbers of the bodies that are not small."""
    cells = small_cells(bodies)
    place = -1
    for _ in range(cells.count(NOT_SMALL)):
        place = cells.index(NOT_SMALL, place + 1)
        yield place


def _read(bodies: Bodies) -> Sequence[int]:
    found, of_one_group = array("h"), _of_one_group()
    add = found.append
    data, places = bodies.in_memory()
    for start, end in places:
        content = start + 1
        while data[content - 1] > 0x7F:
            content += 1
        if end - content > LONGEST:
            add(NOT_SMALL)
        elif end - content < _SHORTEST:
            add(_cells(data[content:end]))
        elif (cells := of_one_group.get(data[content : content + 3])) is not None:
            add(cells)
        else:
            add(_cells(data[content : min(end, content + _LONGEST_HEADER)]) if data[content] else 0)
    return found


_SHORTEST = 4
"""In bytes: of a body with a group of variables, and `end`."""

_LONGEST_HEADER = 255
"""In bytes, of what is read of the local variables: two for each of up to 127 groups, and one for
the number of groups."""

_WIDTHS: Mapping[int, int] = {0x7F: 1, 0x7E: 2, 0x7D: 1, 0x7C: 2}
"""The cells of i32, i64, f32 and f64."""


@functools.cache
def _of_one_group() -> Mapping[bytes, int]:
    """The cells of each header of one group, which most functions have that have any."""
    return {
        bytes((1, count, type_)): count * width
        for count in range(0x80)
        for type_, width in _WIDTHS.items()
    }


def _cells(header: bytes) -> int:
    cells = 0
    try:
        groups = header[0]
        if groups > 0x7F:  # a number of several bytes
            return NOT_SMALL
        for pos in range(1, 2 * groups, 2):
            count = header[pos]
            if count > 0x7F:
                return NOT_SMALL
            cells += count * _WIDTHS[header[pos + 1]]
    except (IndexError, KeyError):
        return NOT_SMALL
    return cells if cells <= MOST_CELLS else NOT_SMALL

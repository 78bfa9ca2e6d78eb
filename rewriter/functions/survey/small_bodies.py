"""Reads the function bodies that are too small for any host's limits, and remembers them by their
bytes. Most bodies are small, so that the rest of the analysis reads only few."""

from __future__ import annotations

import functools
import re
from array import array
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from weakref import WeakKeyDictionary

from rewriter.errors import MalformedModule
from rewriter.functions.code import Bodies
from rewriter.functions.feature import Feature
from rewriter.functions.features import Found, newer
from rewriter.functions.instructions import BASE, BR_TABLE, several
from rewriter.functions.survey.remembered import Remembered
from rewriter.wasm.reader import Cursor

__all__ = ["LONGEST", "MOST_CELLS", "NOT_SMALL", "REMEMBERED", "SmallBodies", "small_bodies"]

LONGEST = 13_000
"""The most bytes of a small body."""

MOST_CELLS = 1000
"""The most 32-bit cells of local variables in a small body."""

NOT_SMALL = -1

_Features = tuple[tuple[Feature, int], ...]
"""Features, each with the offset of its first use in bytes from the start of the body."""


class SmallBodies(NamedTuple):
    """`cells` has the number of 32-bit cells of each body's local variables, or NOT_SMALL.
    `features` has the features of small bodies by the body's number, if it has any."""

    cells: Sequence[int]
    features: Mapping[int, _Features]


REMEMBERED: Remembered[bytes, tuple[int, _Features]] = Remembered(4 << 20)

_FOUND: WeakKeyDictionary[Bodies, SmallBodies] = WeakKeyDictionary()
"""Cache: several parts of the analysis ask for the same bodies."""


def small_bodies(bodies: Bodies) -> SmallBodies:
    """Read the small bodies. A body counts as not small if it cannot be read, or if it has many
    instructions that are newer than the first release of WebAssembly."""
    if bodies not in _FOUND:
        _FOUND[bodies] = _read(bodies)
    return _FOUND[bodies]


def _read(bodies: Bodies) -> SmallBodies:
    all_cells, all_features = array("h"), dict[int, _Features]()
    data, known = bodies.data, REMEMBERED.known
    for content, end in bodies.contents:
        if end - content > LONGEST:
            all_cells.append(NOT_SMALL)
            continue
        body = data[content:end]
        found = known.get(body) or REMEMBERED.keep(body, len(body), _body(body))
        cells, features = found
        if features:
            all_features[len(all_cells)] = features
        all_cells.append(cells)
    return SmallBodies(all_cells, all_features)


_WIDTHS: Mapping[int, int] = {0x7F: 1, 0x7E: 2, 0x7D: 1, 0x7C: 2}
"""The cells of i32, i64, f32 and f64."""

_MOST_NEWER = 20
"""The most instructions that are read one by one."""

_REFUSED: tuple[int, _Features] = (NOT_SMALL, ())


@functools.cache
def _run() -> re.Pattern[bytes]:
    return several(b"|".join(BASE))


def _body(body: bytes) -> tuple[int, _Features]:
    """The cells and the features of a body, without its size field."""
    found: Found = {}
    try:
        pos, cells = 1, 0
        for _ in range(body[0]):
            count, width = body[pos], _WIDTHS[body[pos + 1]]
            if count > 0x7F:  # of several bytes
                return _REFUSED
            cells += count * width
            pos += 2
        if body[0] > 0x7F or cells > MOST_CELLS:
            return _REFUSED
        run, end, left = _run(), len(body), _MOST_NEWER
        while pos < end:
            if matched := run.match(body, pos):
                pos = matched.end()
                continue
            cursor = Cursor(body, pos, end)
            if body[pos] == BR_TABLE:
                cursor.pos += 1
                for _ in range(cursor.count("labels") + 1):
                    cursor.u32()
            elif not left or not newer(cursor, found):
                return _REFUSED
            else:
                left -= 1
            pos = cursor.pos
    except (IndexError, KeyError, MalformedModule):
        return _REFUSED
    return cells, tuple(found.items())

"""Reads the features of the function bodies that are too small for any host's limits, and remembers
them by their bytes. Most bodies are small, so that the rest of the analysis reads only few."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

from rewriter.errors import MalformedModule
from rewriter.functions.code import Bodies
from rewriter.functions.feature import Feature
from rewriter.functions.features import Found, newer
from rewriter.functions.instructions import BASE, BR_TABLE, several
from rewriter.functions.survey.remembered import Remembered
from rewriter.functions.survey.small_cells import NOT_SMALL, small_cells
from rewriter.wasm.reader import Cursor

__all__ = ["REMEMBERED", "Features", "small_bodies"]

Features = tuple[tuple[Feature, int], ...]
"""Features, each with the offset of its first use in bytes from the start of the body."""

_Known = Features | None
"""The features of a body, or None for one that cannot be read, or that has many instructions that
are newer than the first release of WebAssembly."""

REMEMBERED: Remembered[bytes, tuple[_Known]] = Remembered(4 << 20)


def small_bodies(bodies: Bodies) -> Mapping[int, _Known]:
    """The features of the small bodies by the body's number, if it has any. It is None for a body
    that has to be read in another way, because it is not small, or of another kind."""
    found = dict[int, _Known]()
    all_cells, data, known = small_cells(bodies), bodies.data, REMEMBERED.known
    for place, (content, end) in enumerate(bodies.contents):
        if all_cells[place] == NOT_SMALL:
            found[place] = None
            continue
        body = data[content:end]
        (features,) = known.get(body) or REMEMBERED.keep(body, len(body), (_features(body),))
        if features != ():
            found[place] = features
    return found


_MOST_NEWER = 20
"""The most instructions that are read one by one."""


@functools.cache
def _run() -> re.Pattern[bytes]:
    return several(b"|".join(BASE))


def _features(body: bytes) -> _Known:
    """The features of a body, without its size field."""
    found: Found = {}
    try:
        run, pos, end, left = _run(), 1 + 2 * body[0], len(body), _MOST_NEWER
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
                return None
            else:
                left -= 1
            pos = cursor.pos
    except MalformedModule:
        return None
    return tuple(found.items())

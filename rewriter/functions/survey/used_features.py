"""Finds the features that function bodies use.

One regular expression skips thousands of instructions of the first release and of features already
seen. It stops at an instruction of another feature.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

from rewriter.functions.code import Bodies, Body
from rewriter.functions.depth import MOST_SLOTS, Around, too_deep
from rewriter.functions.feature import Feature
from rewriter.functions.features import CELLS, PARTS, Found, add, newer, of_value_type
from rewriter.functions.instructions import BASE, BR_TABLE, several
from rewriter.functions.survey.small_bodies import Features, small_bodies
from rewriter.functions.survey.small_cells import LONGEST, MOST_CELLS, not_small
from rewriter.wasm.limits import MOST_VALUES
from rewriter.wasm.reader import Cursor
from rewriter.wasm.types import value_type

__all__ = ["in_bodies"]


@functools.lru_cache(maxsize=64)
def _run(seen: frozenset[Feature]) -> re.Pattern[bytes]:
    """Matches a run of instructions of the first release and of the features `seen`."""
    known = [pattern for features, pattern in PARTS if seen.issuperset(features)]
    return several(b"|".join((*BASE, *known)))


_MOST_OF_PARAMETERS = MOST_VALUES * max(CELLS.values())


def in_bodies(bodies: Bodies, found: Found, around: Around, *, only_large: bool = False) -> None:
    """Add the features that function bodies use, or only the large ones. Raises MalformedModule
    for a truncated body."""
    per_two = max(around.widest, CELLS["v128"])
    if LONGEST * per_two // 2 + MOST_CELLS + _MOST_OF_PARAMETERS > MOST_SLOTS:
        for place in range(len(bodies)):
            _in_body(bodies, place, found, around)
        return
    if only_large:
        read: Mapping[int, Features | None] = dict.fromkeys(not_small(bodies))
    else:
        read = small_bodies(bodies)
    for place, features in read.items():
        if features is None:
            _in_body(bodies, place, found, around)
            continue
        content = bodies[place].content
        for feature, offset in features:
            found.setdefault(feature, content + offset)


def _in_body(bodies: Bodies, place: int, found: Found, around: Around) -> None:
    body = bodies[place]
    cursor = Cursor(bodies.data, body.content, body.end)
    variables: list[tuple[int, int]] = []
    for _ in range(cursor.count("local variables")):
        start = cursor.pos
        count = cursor.u32()
        spelled = value_type(cursor)
        variables.append((count, CELLS.get(spelled, 1)))
        add(found, of_value_type(spelled), start)
    taken = sum(count * width for count, width in variables) + _MOST_OF_PARAMETERS
    per_two = max(around.widest, CELLS["v128"])
    if (body.end - cursor.pos) * per_two // 2 + taken > MOST_SLOTS:
        add(found, _too_large(cursor, body, variables, place, around), body.start)
    run = _run(frozenset(found))
    while cursor.pos < body.end:
        if matched := run.match(bodies.data, cursor.pos, body.end):
            cursor.pos = matched.end()
        elif bodies.data[cursor.pos] == BR_TABLE:
            _pass_labels(cursor, found)
        else:
            if not newer(cursor, found):
                break
            run = _run(frozenset(found))


def _too_large(
    cursor: Cursor, body: Body, variables: list[tuple[int, int]], place: int, around: Around
) -> tuple[Feature, ...]:
    """The features of a body that may have too many variables or operands for some engines."""
    type_ = around.of_body(place)
    params = [CELLS.get(spelled, 1) for spelled in type_.params] if type_ else []
    if sum(params) + sum(count * width for count, width in variables) > MOST_SLOTS:
        return (Feature.MANY_LOCALS,)
    widths = params + [width for count, width in variables for _ in range(count)]
    return tuple(too_deep(Cursor(cursor.data, cursor.pos, body.end), widths, around))


_MOST_LABELS = 65520
"""The limit of Cranelift, in wasmtime 49 on PyPI and later."""


def _pass_labels(cursor: Cursor, found: Found) -> None:
    start = cursor.pos
    cursor.byte()
    count = cursor.count("labels")
    if count > _MOST_LABELS:
        add(found, (Feature.MANY_LABELS,), start)
    for _ in range(count + 1):
        cursor.u32()

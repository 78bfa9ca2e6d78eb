"""Tables and wrapped lines: the same in every terminal, and in a pipe."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

__all__ = ["UNBROKEN", "WIDTH", "columns", "side_by_side", "wrapped"]

UNBROKEN = "\N{NO-BREAK SPACE}"
"""Joins words that stay on one line. It is printed as a space."""

WIDTH = 100
"""Characters on a line."""

_GAP = "  "
_NARROWEST = 30
"""Characters that the last column has at least, where a line may be longer than WIDTH."""


def columns(
    heads: Sequence[str], rows: Sequence[Sequence[str]], indent: int = 0, first: int = 40
) -> list[str]:
    """A table with heads. The first column wraps after `first` characters, the last one at WIDTH;
    words joined by UNBROKEN that do not fit there have a line of their own below the row."""
    cells = [(_wrap(row[0], first), row) for row in rows]
    width = max(len(heads[0]), 0, *(len(part) for parts, _ in cells for part in parts))
    middle = [
        max(map(len, column)) for column in zip(heads[1:-1], *(r[1:-1] for r in rows), strict=True)
    ]
    start = indent + sum(len(_GAP) + each for each in (width, *middle))
    room = max(WIDTH - start, _NARROWEST)
    lines = [_line(indent, (heads[0], *heads[1:]), (width, *middle))]
    for names, row in cells:
        whole = row[-1].replace(UNBROKEN, " ")
        too_long = UNBROKEN in row[-1] and len(row[-1]) > room
        told = [""] if too_long else _wrap(row[-1], room) or [""]
        for place in range(max(len(names), len(told))):
            name = names[place] if place < len(names) else ""
            text = told[place] if place < len(told) else ""
            between = row[1:-1] if place == 0 else ("",) * len(middle)
            lines.append(_line(indent, (name, *between, text), (width, *middle)))
        if too_long:
            lines.append(f"{' ' * (indent + 2)}{whole}")
    return lines


def side_by_side(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table of three columns, of which the last two share what the first leaves of WIDTH, and
    wrap. A longer word makes its line longer."""
    first = max(len(row[0]) for row in rows)
    room = max((WIDTH - first - 2 * len(_GAP)) // 2, _NARROWEST)
    second = max(min(room, max(len(row[1]) for row in (heads, *rows))), len(heads[1]))
    lines = []
    for row in (heads, *rows):
        parts = [[row[0]], _wrap(row[1], room), _wrap(row[2], room)]
        for place in range(max(map(len, parts))):
            cells = [each[place] if place < len(each) else "" for each in parts]
            lines.append(_line(0, cells, (first, second)))
    return lines


def _wrap(text: str, room: int) -> list[str]:
    parts = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False)
    return [part.replace(UNBROKEN, " ") for part in parts]


def _line(indent: int, cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=False)]
    return (" " * indent + _GAP.join((*padded, cells[-1]))).rstrip()


def wrapped(text: str) -> list[str]:
    """A line, continued further in where it is longer than WIDTH."""
    indent = " " * (len(text) - len(text.lstrip()) + 4)
    wrapper = textwrap.TextWrapper(
        WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return [part.replace(UNBROKEN, " ") for part in wrapper.wrap(text)]

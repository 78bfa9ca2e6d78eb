"""The lines that a module prints as answers. Each names its module, because a script between the
host and the probe may lose lines, repeat them, or deliver those of another module."""

from __future__ import annotations

import re
from typing import NamedTuple

from rewriter.probing.command import MARK

__all__ = ["NOBODY", "Lines", "line", "read"]

NOBODY = b"~module~"
"""The placeholder in an assembled module for its identity, of the same length."""

_LINE = re.compile(
    re.escape(MARK) + rb"([0-9a-f]{%d}) ((\d+) ([a-z_0-9]+) (\d+)) (\d+)\]" % len(NOBODY)
)


class Lines(NamedTuple):
    """The answers of a module, in order, up to the first missing line. `lost`: a line is missing,
    or arrived in two forms. `others`: there are lines of another module."""

    told: tuple[tuple[str, int], ...]
    lost: bool
    others: bool


def line(place: int, key: str, value: int) -> bytes:
    """The line that a module prints for its answer number `place`, counted from 0."""
    text = f"{place} {key} {value}".encode()
    return MARK + NOBODY + b" %b %d]\n" % (text, sum(text))


def read(output: bytes, module: bytes) -> Lines:
    """The answers of the module with this identity. A repeated line counts once."""
    found: dict[int, set[tuple[str, int]]] = {}
    others = False
    for whose, text, place, key, value, total in _LINE.findall(output):
        if sum(text) == int(total):
            others |= whose != module
            if whose == module:
                found.setdefault(int(place), set()).add((key.decode(), int(value)))
    told: list[tuple[str, int]] = []
    while len(answers := found.get(len(told), set())) == 1:
        told += answers
    return Lines(tuple(told), len(told) < len(found), others)

"""The lines by which a module says how far it came, and whose they are: what is between a host and
the probe may lose them, double them, or hand over those of another module."""

from __future__ import annotations

import re
from typing import NamedTuple

from rewriter.probing.command import MARK

__all__ = ["NOBODY", "Lines", "line", "read"]

NOBODY = b"~module~"
"""Stands in an assembled module for its identity, of as many bytes."""

_LINE = re.compile(
    re.escape(MARK) + rb"([0-9a-f]{%d}) ((\d+) ([a-z_0-9]+) (\d+)) (\d+)\]" % len(NOBODY)
)


class Lines(NamedTuple):
    """What a module told, in order, up to the first line that is missing. `lost` is whether there
    is such a line, or one came in two forms; `others` whether there are lines of another module."""

    told: tuple[tuple[str, int], ...]
    lost: bool
    others: bool


def line(place: int, key: str, value: int) -> bytes:
    """The line that a module prints as its answer of that place, from 0."""
    text = f"{place} {key} {value}".encode()
    return MARK + NOBODY + b" %b %d]\n" % (text, sum(text))


def read(output: bytes, module: bytes) -> Lines:
    """The answers of the module of that identity. One that was printed twice is one."""
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

"""The codes that nnshim's own messages have, by their text.

`python -m tests.tools.message_table` collects the messages from the sources into messages.json: for
each code, and for errors without one, texts with `{}` for what differs.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

__all__ = ["Recognized", "recognize"]

_ANY = "{}"
_BEFORE = re.compile(
    r"nnshim: |(?:error|warning|note|condition|need|unseen)(?:\[\w*\])?: |[^\s:]+: "
)
"""What may stand before a message: who says it, how bad it is, a file, a function, an error."""

_AFTER = re.compile(r" \((?:at byte offset|original)[^)]*\)$")
_MOST_HELP = 4
"""So many parts that begin with a semicolon may be advice, and not the message."""

_CERTAIN = 20
"""A message with so many letters besides names is nnshim's; a shorter one if most of it is that."""

_LONGEST = 10_000
"""Characters of a message that is looked for."""

_OF_THE_SYSTEM = ("NN001", "NN002")
"""What errors of the operating system have, whose texts end messages."""

_OF_REGISTRIES = re.compile(r"config\.json\b|\boci(?:-layout)?:")
"""Names whose errors of the operating system have other codes, such as Docker's passwords."""

_MOST_BEFORE = 8
"""So many names may stand before a message."""


class Recognized(NamedTuple):
    """The codes of a message: several if their texts are the same, none if it has no code. It is
    `certain` if nothing else is likely to say the same."""

    codes: Sequence[str]
    certain: bool


def recognize(text: str) -> Recognized | None:
    """The codes of a whole message of nnshim; None if it is none, or a part of one."""
    line = " ".join(text.split())
    if len(line) > _LONGEST:
        return None
    best: dict[str, None] = {}
    most = 0
    is_whole = False
    for candidate in dict.fromkeys(_candidates(line)):
        for pieces, weight, codes in _messages():
            if weight >= most and _fits(candidate, pieces):
                if weight > most:
                    best, most = {}, weight
                    is_whole = 2 * weight >= sum(map(str.isalpha, candidate))
                best.update(dict.fromkeys(codes))
    if not best:
        return None
    coded = [code for code in best if code]
    system = [code for code in _OF_THE_SYSTEM if code in coded and _is_of_the_system(line)]
    if system and not _OF_REGISTRIES.search(line):
        return Recognized(system[:1], True)
    return Recognized(coded, len(best) == 1 and (most >= _CERTAIN or is_whole))


def _candidates(line: str) -> Iterator[str]:
    """The message without what may stand before and after it, the whole of it first."""
    starts = [line]
    while len(starts) <= _MOST_BEFORE and (before := _BEFORE.match(starts[-1])):
        starts.append(starts[-1][before.end() :])
    for start in starts:
        for whole in (start, _AFTER.sub("", start)):
            parts = whole.split("; ")
            for count in range(max(len(parts) - _MOST_HELP, 1), len(parts) + 1):
                yield "; ".join(parts[:count])


def _fits(text: str, pieces: Sequence[str]) -> bool:
    """Whether a text has these pieces in order, the first at its start and the last at its end. A
    name at its start may be left out."""
    first, *others = pieces
    if not others:
        return text == first
    if not first:
        text = f" {text}"
    if not (text.startswith(first) and text.endswith(others[-1])):
        return False
    at = len(first)
    for piece in others[:-1]:
        found = text.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return at <= len(text) - len(others[-1])


@functools.cache
def _messages() -> Sequence[tuple[Sequence[str], int, Sequence[str]]]:
    """Pieces of text, how many letters they have, and the codes of messages that consist of them,
    those with the most letters first."""
    codes: dict[str, list[str]] = {}
    for code, texts in _table().items():
        for text in texts:
            codes.setdefault(text, []).append(code)
    return sorted(
        ((text.split(_ANY), sum(map(str.isalpha, text)), of) for text, of in codes.items()),
        key=lambda each: -each[1],
    )


def _table() -> Mapping[str, Sequence[str]]:
    import json
    from importlib.resources import files

    table: Mapping[str, Sequence[str]] = json.loads(
        (files("rewriter.codes") / "messages.json").read_text(encoding="utf-8")
    )
    return table


def _is_of_the_system(line: str) -> bool:
    import errno

    return line.endswith(tuple(os.strerror(number) for number in errno.errorcode))

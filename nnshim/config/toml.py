"""Parses TOML, and finds the line of a key, which tomllib does not tell."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from rewriter.errors import UsageError

__all__ = ["line_of", "parse"]

_LONGEST = 1 << 13
"""The longest line, in characters: tomllib's time grows with the square of a key's length."""

_MOST_PARSED = 1 << 20
"""How many characters, of beginnings of a file, are parsed to find a key's line. They take about a
second."""


def parse(data: bytes, name: str) -> dict[str, Any]:
    """The tables of a file. Errors call it `name`. Raises UsageError for what is not TOML."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"{name} is not UTF-8 (at byte {error.start})") from error
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > _LONGEST:
            raise UsageError(f"{name}:{number}: the line is longer than {_LONGEST} characters")
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{name} is not TOML: {error}") from error
    except ValueError as error:  # Python raises it for a number of more than 4,300 digits
        raise UsageError(f"{name} is not valid: a number has too many digits") from error


def line_of(data: bytes, path: Sequence[str]) -> int | None:
    """The number of the line that sets a key: the first line of the statement after which the
    beginning of the file has it. None if too many beginnings would have to be parsed."""
    lines = data.decode().split("\n")
    beginnings = _Beginnings(lines)
    without, with_ = 0, len(lines)  # the numbers of lines of a beginning without, and with the key
    while (between := beginnings.between(without, with_)) is not None:
        count, table = between
        if _has(table, path):
            with_ = count
        else:
            without = count
    if beginnings.left < 0:
        return None
    while without < with_ - 1 and _is_blank(lines[without]):
        without += 1
    return without + 1


class _Beginnings:
    """What the first lines of a file mean, where they are whole statements."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self.left = _MOST_PARSED

    def between(self, low: int, high: int) -> tuple[int, dict[str, Any]] | None:
        """The beginning with a number of lines that is between two numbers, the closer to the
        middle the better; None if there is none."""
        middle = (low + high) // 2
        for count in (*range(middle, high), *range(middle - 1, low, -1)):
            if count == low or self.left < 0:
                continue
            text = "".join(f"{line}\n" for line in self._lines[:count])
            self.left -= len(text)
            with suppress(ValueError, RecursionError):
                return count, tomllib.loads(text)
        return None


def _is_blank(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _has(table: object, path: Sequence[str]) -> bool:
    for key in path:
        if not isinstance(table, dict) or key not in table:
            return False
        table = table[key]
    return True

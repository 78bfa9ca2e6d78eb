"""Colours for a terminal: which words of a line have one."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import TextIO

__all__ = ["styled", "wanted"]

_STYLES: Mapping[str, str] = {
    "error": "1;31",  # bold red
    "warning": "1;33",  # bold yellow
    "condition": "33",  # yellow
    "need": "36",  # cyan
    "unseen": "36",
    "note": "36",
    "help": "1;32",  # bold green
}
"""The parameters of SGR for each label at the start of a line."""

_HEADING = "1"
"""Bold."""

_LABEL = rf"(?:nnshim: )?( *)((?:{'|'.join(_STYLES)})(?:\[NN\d{{3}}\])?:)"
_TITLE = r"(?:Usage:|[A-Z][A-Za-z ]*:$)"
"""A heading of a help text."""


def wanted(stream: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether to write colours: to a terminal that has them. NO_COLOR and FORCE_COLOR decide
    otherwise if they are not empty, NO_COLOR first, as in Python's own tracebacks.

    https://no-color.org and https://docs.python.org/3/using/cmdline.html#controlling-color
    """
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR"):
        return True
    # A console of Windows has to be told to read escape sequences.
    return os.name != "nt" and environment.get("TERM") != "dumb" and stream.isatty()


def styled(line: str) -> Iterator[tuple[str, str]]:
    """The parts of a line, each with its style, which may be empty."""
    found = re.match(_LABEL, line)
    if found:
        label = found[2]
        yield line[: found.start(2)], ""
        yield label, _STYLES[re.split(r"[\[:]", label)[0]]
        yield line[found.end() :], ""
        return
    title = re.match(_TITLE, line)
    end = title.end() if title else 0
    yield line[:end], _HEADING if title else ""
    yield line[end:], ""

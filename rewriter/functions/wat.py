"""Templates in the WebAssembly text format, with names for numbers that are defined in Python.

    (i32.load offset=$TENSOR_TYPE (local.get $tensor))

A name in capitals is a value from Python. Locals, functions, labels and memories have names in
lower case, so that they cannot be confused. If a value is not a number but instructions, the
comment at the top of the file says so.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

__all__ = ["fill", "named_in", "read"]

_NAME = re.compile(r"\$([A-Z][A-Z0-9_]*)")


@functools.cache
def read(path: str) -> str:
    """The text of a template, read only once. Raises FileNotFoundError."""
    with open(path, encoding="utf-8") as file:
        return file.read()


def fill(text: str, values: Mapping[str, int | str]) -> str:
    """The text with each name replaced by its value. Raises KeyError for a name without a value."""
    return _NAME.sub(lambda match: str(values[match[1]]), text)


def named_in(text: str) -> set[str]:
    """The names in a text that need a value."""
    return {*_NAME.findall(text)}

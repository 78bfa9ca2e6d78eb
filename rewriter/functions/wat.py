"""Files of WebAssembly text, in which numbers that stand in Python have names.

    (i32.load offset=$TENSOR_TYPE (local.get $tensor))

A name in capitals is a value from Python; locals, functions, labels and memories have small
letters, so that nothing else in a file looks like one. Where it is not a number but instructions,
the file says so at its top.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

__all__ = ["fill", "named_in", "read"]

_NAME = re.compile(r"\$([A-Z][A-Z0-9_]*)")


@functools.cache
def read(path: str) -> str:
    """A file that belongs to the program, read once. Raises FileNotFoundError."""
    with open(path, encoding="utf-8") as file:
        return file.read()


def fill(text: str, values: Mapping[str, int | str]) -> str:
    """The text with the values in the places of their names. Raises KeyError for a name that has
    no value."""
    return _NAME.sub(lambda match: str(values[match[1]]), text)


def named_in(text: str) -> set[str]:
    """The names that need a value."""
    return {*_NAME.findall(text)}

"""The limits that engines put on modules, which also apply here.

https://webassembly.github.io/spec/js-api/#limits
"""

from __future__ import annotations

from rewriter.errors import UnsupportedModule

__all__ = [
    "LARGEST_MODULE",
    "LONGEST_NAME",
    "MOST",
    "MOST_MEMORIES",
    "MOST_VALUES",
    "check_number",
]

LARGEST_MODULE = 1 << 30
"""In bytes."""

LONGEST_NAME = 100_000
"""In bytes, for the names of imports and exports."""

MOST = 1_000_000
"""The most types, functions, imports, exports and globals of a module. Here it applies to all items
that take memory."""

MOST_MEMORIES = 100
"""The most memories of a module."""

MOST_VALUES = 1000
"""The most parameters of a function, and the most results."""


def check_number(count: int, what: str, offset: int, most: int = MOST) -> None:
    """Raise UnsupportedModule if `count` is more than `most`."""
    if count > most:
        raise UnsupportedModule(f"there are more than {most} {what}", offset, "NN104")

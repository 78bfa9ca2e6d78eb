"""What engines take of a module, and so what is worked on.

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
"""Bytes."""

LONGEST_NAME = 100_000
"""Bytes of the name of an import or export."""

MOST = 1_000_000
"""Types, functions, imports, exports and globals of a module. What is worked on here takes memory
for each, and has no more of anything."""

MOST_MEMORIES = 100
"""Of a module."""

MOST_VALUES = 1000
"""Parameters of a function, and results."""


def check_number(count: int, what: str, offset: int, most: int = MOST) -> None:
    """Raise UnsupportedModule for more than `most`."""
    if count > most:
        raise UnsupportedModule(f"there are more than {most} {what}", offset, "NN104")

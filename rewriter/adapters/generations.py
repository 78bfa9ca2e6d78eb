"""Adapters as a file format: what they look like in each generation, and what they are known by.

A body starts with a marker that names its generation. Strippers leave it alone; optimizers take it
out, and may put the body into its callers. What they have to leave is what a module exports, so
each adapter is exported too, under a name that says what it is.

tests/rewriter/adapters/adapter_bytes.txt has a digest of every body. Whatever changes one of them,
be it a .wat file, the assembler or a number in rewriter.abi.dialects, is a new generation: give it
a number, keep what makes the old one, as rewriter.adapters.unmarked does, and add its digests.
Until the first release, generation 0 may still change.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from rewriter.wasm.leb128 import encode_signed

if TYPE_CHECKING:
    from rewriter.functions.assembler import Function

__all__ = [
    "GENERATION",
    "GENERATIONS",
    "MARK",
    "PREFIX",
    "UNMARKED",
    "AdapterName",
    "marked",
    "read_name",
]

GENERATION = 0
"""The one that is written."""

UNMARKED = -1
"""The one before there were markers and exports: rewriter.adapters.unmarked."""

GENERATIONS = (GENERATION, UNMARKED)
"""Those that are known."""

_MAGIC = int.from_bytes(b"nnsh", "little")
_CONST, _DROP = b"\x41", b"\x1a"

MARK = _CONST + encode_signed(_MAGIC) + _DROP + _CONST
"""The start of every marker, after which the generation stands."""

PREFIX = b"nnshim."
"""What the names of adapters start with."""

_NAME = r"(?a)nnshim\.(\w+)\.([\w.-]+?)-to-([\w.-]+?)(?:\.(\d{1,10})\.(\d+))?"

_LONGEST_NAME = 200
"""Characters. Matching takes the square of it."""


class AdapterName(NamedTuple):
    """The name of an adapter; in an export it also has the generation, and the index of the import
    that the adapter was made for."""

    function: str
    source: str
    target: str
    generation: int | None


def read_name(text: str) -> AdapterName | None:
    """None where it is not the name of an adapter."""
    match = re.fullmatch(_NAME, text) if len(text) <= _LONGEST_NAME else None
    if match is None:
        return None
    return AdapterName(match[1], match[2], match[3], int(match[4]) if match[4] else None)


def marked(function: Function) -> Function:
    """An adapter with its marker, and without the variables that it has no use for."""
    marker = ("i32.const", str(_MAGIC), "drop", "i32.const", str(GENERATION), "drop")
    used = {*function.instructions}
    variables = {name: kind for name, kind in function.variables.items() if name in used}
    return function._replace(variables=variables, instructions=[*marker, *function.instructions])

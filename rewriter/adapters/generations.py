"""Adapters as a file format: their generations, and how they are recognised.

Each body starts with a marker that contains its generation. Strippers keep the marker, but
optimizers remove it and may inline the body into its callers. They must keep exports, so each
adapter is also exported under a name that identifies it.

tests/rewriter/adapters/adapter_bytes.txt has a digest of every body. Any change to these bytes,
whether by a .wat file, the assembler or a number in rewriter.abi.dialects, makes a new generation.
Give it a number, keep the code that makes the old one, as in rewriter.adapters.unmarked, and add
its digests. Generation 0 may still change until the first release.
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
"""The generation of new adapters."""

UNMARKED = -1
"""The generation that had neither markers nor exports: rewriter.adapters.unmarked."""

GENERATIONS = (GENERATION, UNMARKED)
"""The generations that are recognised."""

_MAGIC = int.from_bytes(b"nnsh", "little")
_CONST, _DROP = b"\x41", b"\x1a"

MARK = _CONST + encode_signed(_MAGIC) + _DROP + _CONST
"""The start of every marker. The generation follows it."""

PREFIX = b"nnshim."
"""The prefix of every adapter's name."""

_NAME = r"(?a)nnshim\.(\w+)\.([\w.-]+?)-to-([\w.-]+?)(?:\.(\d{1,10})\.(\d+))?"

_LONGEST_NAME = 200
"""In characters. Matching takes time that grows with its square."""


class AdapterName(NamedTuple):
    """The name of an adapter. In an export, the name also contains the generation and the index of
    the import that the adapter was made for."""

    function: str
    source: str
    target: str
    generation: int | None


def read_name(text: str) -> AdapterName | None:
    """The parts of an adapter's name, or None if `text` is not the name of an adapter."""
    match = re.fullmatch(_NAME, text) if len(text) <= _LONGEST_NAME else None
    if match is None:
        return None
    return AdapterName(match[1], match[2], match[3], int(match[4]) if match[4] else None)


def marked(function: Function) -> Function:
    """An adapter with its marker added and its unused variables removed."""
    marker = ("i32.const", str(_MAGIC), "drop", "i32.const", str(GENERATION), "drop")
    used = {*function.instructions}
    variables = {name: kind for name, kind in function.variables.items() if name in used}
    return function._replace(variables=variables, instructions=[*marker, *function.instructions])

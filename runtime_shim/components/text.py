"""The core modules that are added to a component, from the text in this folder."""

from __future__ import annotations

import functools
from collections.abc import Collection
from pathlib import Path

import wasmtime

from rewriter.abi.snapshots import AUGUST, JUNE, OCTOBER
from rewriter.errors import UnsupportedModule
from rewriter.functions.wat import fill, read
from runtime_shim.components.layout import VALUES

__all__ = ["FOLDER", "PAGE", "early", "late", "most_pages"]

FOLDER = Path(__file__).parent

_LATE = {
    JUNE.version: ("late.wat", "late.steps.wat", "late.made.wat"),
    AUGUST.version: ("late.wat", "late.steps.wat"),
    OCTOBER.version: ("late.wat", "late.named.wat"),
}

_MOST_PAGES = 65535
"""Of a memory of 32 bits, less the last page, so that no end of a block is 0."""


PAGE = 1 << 16


def most_pages(declared: Collection[int]) -> int:
    """The maximum of the added memory's type, in pages: the largest one that none of the guest's
    memories has, so that it can be told from them. `declared` are theirs, in bytes.

    Raises UnsupportedModule for a guest that declares thousands of them.
    """
    for pages in range(_MOST_PAGES, _MOST_PAGES // 2, -1):
        if pages * PAGE not in declared:
            return pages
    raise UnsupportedModule("the component has too many memories", None, "NN104")


def early(pages: int) -> bytes:
    """The module whose functions need no memory of the guest's. `pages` are of its own memory."""
    return _built(("early.wat",), pages)


def late(version: str, pages: int) -> bytes:
    """The module with the other functions of a version of wasi:nn."""
    return _built(_LATE[version], pages)


@functools.cache
def _built(files: tuple[str, ...], pages: int) -> bytes:
    text = "".join(read(f"{FOLDER}/{name}") for name in files)
    filled = fill(text, {**VALUES, "MOST_PAGES": pages})
    return bytes(wasmtime.wat2wasm(f"(module $wasi:nn {filled})"))

"""The global in which adapters keep a value from one call to the next.

It is an i32 that starts as zero. The module defines and exports it, so that later rewrites find it
again. A rewrite adds it as the last global, together with the first adapter that needs it.
"""

from __future__ import annotations

from typing import NamedTuple

from rewriter.errors import UnsupportedModule
from rewriter.wasm.imports import ExternKind, imports_of
from rewriter.wasm.module import Module
from rewriter.wasm.names import encode_name
from rewriter.wasm.reader import Cursor
from rewriter.wasm.sections import SectionId
from rewriter.wasm.types import value_type

__all__ = ["GLOBAL", "GLOBAL_EXPORT", "AdapterGlobal", "adapter_global", "not_ours"]

GLOBAL_EXPORT = "nnshim.encoding.0"
"""The name of its export. The number is a generation, like those of adapters."""

GLOBAL = b"\x7f\x01\x41\x00\x0b"
"""Its bytes in the global section: i32, mutable; i32.const 0, end."""


class AdapterGlobal(NamedTuple):
    """`number` is the index of the global, or the index that a new one would get. If it exists,
    `item` is its byte range in the global section and `export` that of its export. It is the `last`
    global unless another tool has added one after it."""

    number: int
    item: range | None = None
    export: range | None = None
    last: bool = False


def adapter_global(module: Module) -> AdapterGlobal:
    """The adapters' global of a module. Raises MalformedModule for unreadable sections, and
    UnsupportedModule if something else is exported under its name."""
    imported = sum(item.extern.kind is ExternKind.GLOBAL for _, item in imports_of(module))
    section = module.find(SectionId.GLOBAL)
    cursor = section.cursor() if section else None
    count = cursor.items("globals") if cursor else 0
    found = _exported(module)
    if found is None:
        return AdapterGlobal(imported + count)
    number, export = found
    if cursor and imported <= number < imported + count:
        for _ in range(number - imported):
            _pass_over(cursor)
        start = cursor.pos
        _pass_over(cursor)
        if cursor.data[start : cursor.pos] == GLOBAL:
            return AdapterGlobal(number, range(start, cursor.pos), export, cursor.pos == cursor.end)
    raise not_ours(export)


def not_ours(export: range) -> UnsupportedModule:
    """The error for an export with the name of the adapters' global that is something else."""
    return UnsupportedModule(
        f"its export {GLOBAL_EXPORT!r} was changed by another tool, and is not the global that "
        "adapters use",
        export.start,
        "NN121",
        "adapt the module from before that tool ran",
    )


def _pass_over(cursor: Cursor) -> None:
    from rewriter.functions.code import constant_expression  # few modules need it

    value_type(cursor)
    cursor.byte()
    constant_expression(cursor, ())


def _exported(module: Module) -> tuple[int, range] | None:
    """The index of the global that is exported under this name (-1 if it is not a global), and the
    byte range of the export."""
    section = module.find(SectionId.EXPORT)
    if section is None:
        return None
    name = encode_name(GLOBAL_EXPORT)
    if section.data.find(name, section.content, section.end) < 0:
        return None
    cursor = section.cursor()
    for _ in range(cursor.items("exports")):
        start = cursor.pos
        text, kind, number = cursor.name().text, cursor.byte(), cursor.u32()
        if text == GLOBAL_EXPORT:
            return number if kind == ExternKind.GLOBAL else -1, range(start, cursor.pos)
    return None

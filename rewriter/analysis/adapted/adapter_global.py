"""The global that adapters keep something in from one call to the next.

It is a module's own, an i32 that starts as zero, and is exported, so that it is found again; a
rewrite puts it in as the last global, with the first adapter that needs it.
"""

from __future__ import annotations

from typing import NamedTuple

from rewriter.errors import UnsupportedModule
from rewriter.wasm.imports import ExternKind, groups
from rewriter.wasm.module import Module
from rewriter.wasm.names import encode_name
from rewriter.wasm.reader import Cursor
from rewriter.wasm.sections import SectionId
from rewriter.wasm.types import value_type

__all__ = ["GLOBAL", "GLOBAL_EXPORT", "AdapterGlobal", "adapter_global", "not_ours"]

GLOBAL_EXPORT = "nnshim.encoding.0"
"""What it is exported as; the number is a generation, as adapters have them."""

GLOBAL = b"\x7f\x01\x41\x00\x0b"
"""It in the global section: i32, mutable; i32.const 0, end."""


class AdapterGlobal(NamedTuple):
    """`number` is the index of the global, or of the one that would be put in. Where there is one,
    `item` is where it stands in the global section, and `export` where its export does; it is the
    `last` one unless another tool has put one behind it."""

    number: int
    item: range | None = None
    export: range | None = None
    last: bool = False


def adapter_global(module: Module) -> AdapterGlobal:
    """The adapters' global of a module. Raises MalformedModule for what cannot be read, and
    UnsupportedModule where its name is that of something else."""
    imports = module.find(SectionId.IMPORT)
    imported = sum(
        item.extern.kind is ExternKind.GLOBAL
        for group in (groups(imports) if imports else ())
        for item in group.imports
    )
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
    """The error for an export that has the name of the adapters' global, and is not that."""
    return UnsupportedModule(
        f"its export {GLOBAL_EXPORT!r} was changed by another tool, and is not the global that "
        "adapters use",
        export.start,
        "NN121",
        "adapt the module from before that",
    )


def _pass_over(cursor: Cursor) -> None:
    from rewriter.functions.code import constant_expression  # which few modules need

    value_type(cursor)
    cursor.byte()
    constant_expression(cursor, ())


def _exported(module: Module) -> tuple[int, range] | None:
    """The index of the global that is exported by this name, -1 for anything else, and where its
    export stands."""
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

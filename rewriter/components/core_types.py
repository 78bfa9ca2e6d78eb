"""The core types in a component: those of core modules, and of what these have in them."""

from __future__ import annotations

from rewriter.components.sections import ComponentCursor, check_depth
from rewriter.errors import MalformedModule
from rewriter.wasm.imports import ExternKind, read_extern
from rewriter.wasm.types import skip_recursive_types

__all__ = ["skip_core_type"]

_CORE_MODULE_TYPE, _FUNCTION = 0x50, b"\x60"


def skip_core_type(cursor: ComponentCursor, depth: int = 0) -> None:
    """Read a core type: that of a module, or types as a core module has them."""
    check_depth(depth, cursor.pos)
    start = cursor.pos
    form = cursor.byte()
    if form == 0:  # before a type that is open to subtypes, whose code is that of a module type
        start = cursor.pos
        if cursor.byte() != _CORE_MODULE_TYPE:
            raise MalformedModule("expected a type that is open to subtypes", start)
        cursor.pos = start
        _types(cursor)
    elif form == _CORE_MODULE_TYPE:
        for _ in range(cursor.count("declarations")):
            _module_declaration(cursor)
    else:
        cursor.pos = start
        _types(cursor)


def _module_declaration(cursor: ComponentCursor) -> None:
    start = cursor.pos
    form = cursor.byte()
    if form in (0, 3):  # an import, which has two names, or an export
        cursor.name()
        if form == 0:
            cursor.name()
        if read_extern(cursor).kind is ExternKind.TAG:
            cursor.see_newer("tags", start)
    elif form == 1:
        _types(cursor)
    elif form == 2:
        if (cursor.byte(), cursor.byte()) != (0x10, 1):
            raise MalformedModule("unknown alias in the type of a core module", start)
        cursor.u32()
        cursor.u32()
    else:
        raise MalformedModule(f"unknown declaration {form:#04x}", start)


def _types(cursor: ComponentCursor) -> None:
    if cursor.data[cursor.pos : cursor.pos + 1] != _FUNCTION:
        cursor.see_newer("types of garbage collection", cursor.pos)
    skip_recursive_types(cursor)

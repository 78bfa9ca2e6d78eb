"""What is in a component's sections, item by item, each read in full.

Specification: https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from rewriter.components.core_types import skip_core_type
from rewriter.components.sections import ComponentCursor, ComponentSection, SectionKind
from rewriter.components.types import (
    extern_name,
    extern_type,
    result_list,
    skip_alias,
    skip_type,
    skip_value_type,
    sort,
)
from rewriter.errors import MalformedModule, UnsupportedModule
from rewriter.wasm.reader import Name

__all__ = ["ComponentExport", "ComponentImport", "check", "exports", "imports"]


class ComponentImport(NamedTuple):
    """An import: its name, its sort (`instance`, `func`), and the index of its type, or None for a
    new resource and for a value."""

    name: Name
    sort: str
    type_index: int | None


class ComponentExport(NamedTuple):
    """An export: its name, its sort, and the index of what is exported among all of that sort."""

    name: Name
    sort: str
    item_index: int


def imports(cursor: ComponentCursor) -> Iterator[ComponentImport]:
    """The imports in an import section, of which this reads the content."""
    for _ in range(cursor.count("imports")):
        yield ComponentImport(extern_name(cursor), *extern_type(cursor))
    cursor.finish("the imports")


def exports(cursor: ComponentCursor) -> Iterator[ComponentExport]:
    """The exports in an export section, of which this reads the content."""
    for _ in range(cursor.count("exports")):
        name = extern_name(cursor)
        kind, index = sort(cursor), cursor.u32()
        start = cursor.pos
        described = cursor.byte()
        if described > 1:
            raise MalformedModule(f"expected 0 or 1, not {described:#04x}", start)
        if described:
            extern_type(cursor)
        yield ComponentExport(name, kind, index)
    cursor.finish("the exports")


def check(section: ComponentSection) -> tuple[str, int] | None:
    """Read every item of a section, and return the first thing that is newer than the component
    model of WASI 0.2, with its position in bytes. Core modules, components and custom sections are
    left alone.

    Raises MalformedModule at the first byte that is wrong, and UnsupportedModule for a section of
    values, which no tool reads.
    """
    kind = section.kind
    cursor = section.cursor()
    if kind in (SectionKind.CUSTOM, SectionKind.CORE_MODULE, SectionKind.COMPONENT):
        return None
    if kind is SectionKind.VALUE:
        raise UnsupportedModule("a component with values", section.start, "NN104")
    if kind is SectionKind.IMPORT:
        for _ in imports(cursor):
            pass
    elif kind is SectionKind.EXPORT:
        for _ in exports(cursor):
            pass
    elif kind is SectionKind.START:
        cursor.see_newer("a start function", section.start)
        _start(cursor)
        cursor.finish("the start function")
    else:
        for _ in range(cursor.count("items")):
            _READERS[kind](cursor)
        cursor.finish("the items of a section")
    return cursor.newer


def _start(cursor: ComponentCursor) -> None:
    cursor.u32()
    for _ in range(cursor.count("arguments")):
        cursor.u32()
    cursor.u32()


def _core_instance(cursor: ComponentCursor) -> None:
    start = cursor.pos
    form = cursor.byte()
    if form == 0:
        cursor.u32()
        for _ in range(cursor.count("arguments")):
            cursor.name()
            at = cursor.pos
            if cursor.byte() != 0x12:
                raise MalformedModule("an argument that is not an instance", at)
            cursor.u32()
    elif form == 1:
        for _ in range(cursor.count("exports")):
            cursor.name()
            cursor.byte()
            cursor.u32()
    else:
        raise MalformedModule(f"unknown form of an instance {form:#04x}", start)


def _instance(cursor: ComponentCursor) -> None:
    start = cursor.pos
    form = cursor.byte()
    if form == 0:
        cursor.u32()
    elif form != 1:
        raise MalformedModule(f"unknown form of an instance {form:#04x}", start)
    for _ in range(cursor.count("arguments or exports")):
        if form == 0:
            cursor.name()
        else:
            extern_name(cursor)
        sort(cursor)
        cursor.u32()


def _canonical_function(cursor: ComponentCursor) -> None:
    start = cursor.pos
    code = cursor.byte()
    if code in (0, 1):
        at = cursor.pos
        if cursor.byte() != 0:
            raise MalformedModule("only functions can be lifted and lowered", at)
        cursor.u32()
        _options(cursor)
        if code == 0:
            cursor.u32()
        return
    if code not in _BUILT_IN:
        raise MalformedModule(f"unknown canonical function {code:#04x}", start)
    if code > _LAST_OF_RESOURCES:
        cursor.see_newer("asynchronous functions", start)
    for read in _BUILT_IN[code]:
        read(cursor)


def _options(cursor: ComponentCursor) -> None:
    for _ in range(cursor.count("options")):
        start = cursor.pos
        code = cursor.byte()
        if code > 9:
            raise MalformedModule(f"unknown option {code:#04x}", start)
        if code > 5:
            cursor.see_newer("asynchronous functions", start)
        if code in (3, 4, 5, 7, 8):  # memory, realloc, post-return, callback, core type
            cursor.u32()


def _index(cursor: ComponentCursor) -> None:
    cursor.u32()


def _flag(cursor: ComponentCursor) -> None:
    start = cursor.pos
    if cursor.byte() > 1:
        raise MalformedModule("expected 0 or 1", start)


_LAST_OF_RESOURCES = 0x04
_INDEX = (_index,)
_WITH_OPTIONS = (_index, _options)
_WITH_FLAG = (_index, _flag)
_BUILT_IN: dict[int, tuple[Callable[[ComponentCursor], None], ...]] = {
    **dict.fromkeys((0x02, 0x03, 0x04), _INDEX),  # resource.new, drop and rep
    **dict.fromkeys((0x05, 0x0D, 0x1E, 0x1F, 0x22, 0x23, 0x24, 0x25, 0x26, 0x28, 0x42), ()),
    0x06: (_flag,),
    0x07: _WITH_FLAG,
    0x09: (result_list, _options),
    **dict.fromkeys((0x0A, 0x0B), (skip_value_type, _index)),
    **dict.fromkeys((0x0C, 0x29, 0x2A, 0x2B, 0x2C, 0x2D), (_flag,)),
    **dict.fromkeys((0x0E, 0x13, 0x14, 0x15, 0x1A, 0x1B), _INDEX),  # streams and futures
    **dict.fromkeys((0x0F, 0x10, 0x16, 0x17), _WITH_OPTIONS),
    **dict.fromkeys((0x11, 0x12, 0x18, 0x19), _WITH_FLAG),
    **dict.fromkeys((0x1C, 0x1D), (_options,)),
    **dict.fromkeys((0x20, 0x21), (_flag, _index)),
    **dict.fromkeys((0x27, 0x41), (_index, _index)),
    0x40: _INDEX,
}
"""What follows the code of a function that the component model defines.

https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md#canonical-definitions
"""

_READERS: dict[SectionKind, Callable[[ComponentCursor], object]] = {
    SectionKind.CORE_INSTANCE: _core_instance,
    SectionKind.CORE_TYPE: skip_core_type,
    SectionKind.INSTANCE: _instance,
    SectionKind.ALIAS: skip_alias,
    SectionKind.TYPE: skip_type,
    SectionKind.CANONICAL_FUNCTION: _canonical_function,
}

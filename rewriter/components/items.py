"""What is in a component's sections, item by item, each read in full.

Specification: https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from rewriter.components.core_types import skip_core_type
from rewriter.components.sections import ComponentCursor, ComponentSection, Reference, SectionKind
from rewriter.components.types import (
    core_sort,
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

__all__ = [
    "ComponentExport",
    "ComponentImport",
    "Item",
    "check",
    "exports",
    "imports",
    "items",
    "options",
    "read_import",
]


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


class Item(NamedTuple):
    """An item of a section, at data[start:end], read or not: `adds` is the sort of things that it
    adds one to, None for a start function and a custom section."""

    start: int
    end: int
    adds: str | None
    references: Sequence[Reference] = ()


def items(section: ComponentSection, scope: int = 0) -> Iterator[Item]:
    """The items of a section of the component that is `scope` deep. A core module, a component and
    a custom section are one item, which is not read. Raises ModuleError like `check`."""
    kind = section.kind
    if kind in _WHOLE:
        yield Item(section.content, section.end, _ADDED.get(kind))
        return
    cursor = section.cursor()
    cursor.scope = scope
    number = 1 if kind is SectionKind.START else cursor.count("items")
    for _ in range(number):
        start = cursor.pos
        cursor.references = []
        added = _READERS[kind](cursor)
        yield Item(start, cursor.pos, _ADDED.get(kind, added), cursor.references)


def imports(cursor: ComponentCursor) -> Iterator[ComponentImport]:
    """The imports in an import section, of which this reads the content."""
    for _ in range(cursor.count("imports")):
        yield read_import(cursor)
    cursor.finish("the imports")


def exports(cursor: ComponentCursor) -> Iterator[ComponentExport]:
    """The exports in an export section, of which this reads the content."""
    for _ in range(cursor.count("exports")):
        yield _export(cursor)
    cursor.finish("the exports")


def read_import(cursor: ComponentCursor) -> ComponentImport:
    return ComponentImport(extern_name(cursor), *extern_type(cursor))


def _export(cursor: ComponentCursor) -> ComponentExport:
    name = extern_name(cursor)
    kind = sort(cursor)
    index = cursor.index(kind)
    start = cursor.pos
    described = cursor.byte()
    if described > 1:
        raise MalformedModule(f"expected 0 or 1, not {described:#04x}", start)
    if described:
        extern_type(cursor)
    return ComponentExport(name, kind, index)


def check(section: ComponentSection) -> tuple[str, int] | None:
    """Read every item of a section, and return the first thing that is newer than the component
    model of WASI 0.2, with its position in bytes. Core modules, components and custom sections are
    left alone.

    Raises MalformedModule at the first byte that is wrong, and UnsupportedModule for a section of
    values, which no tool reads.
    """
    kind = section.kind
    cursor = section.cursor()
    if kind in _WHOLE:
        return None
    if kind is SectionKind.VALUE:
        raise UnsupportedModule("a component with values", section.start, "NN104")
    number = 1 if kind is SectionKind.START else cursor.count("items")
    for _ in range(number):
        _READERS[kind](cursor)
    cursor.finish("the items of a section")
    return cursor.newer


def _start(cursor: ComponentCursor) -> None:
    cursor.see_newer("a start function", cursor.pos)
    cursor.index("func")
    for _ in range(cursor.count("arguments")):
        cursor.index("value")
    cursor.u32()


def _type(cursor: ComponentCursor) -> None:
    skip_type(cursor)


def _core_instance(cursor: ComponentCursor) -> None:
    start = cursor.pos
    form = cursor.byte()
    if form == 0:
        cursor.index("core module")
        for _ in range(cursor.count("arguments")):
            cursor.name()
            at = cursor.pos
            if cursor.byte() != 0x12:
                raise MalformedModule("an argument that is not an instance", at)
            cursor.index("core instance")
    elif form == 1:
        for _ in range(cursor.count("exports")):
            cursor.name()
            cursor.index(core_sort(cursor))
    else:
        raise MalformedModule(f"unknown form of an instance {form:#04x}", start)


def instantiated(cursor: ComponentCursor) -> Iterator[int]:
    """The indices of the core modules that a section of core instances, of which this reads the
    content, makes instances of, in their order."""
    cursor.references = []
    for _ in range(cursor.count("core instances")):
        _core_instance(cursor)
    cursor.finish("the core instances")
    return (each.number for each in cursor.references if each.sort == "core module")


def _instance(cursor: ComponentCursor) -> None:
    start = cursor.pos
    form = cursor.byte()
    if form == 0:
        cursor.index("component")
    elif form != 1:
        raise MalformedModule(f"unknown form of an instance {form:#04x}", start)
    for _ in range(cursor.count("arguments or exports")):
        if form == 0:
            cursor.name()
        else:
            extern_name(cursor)
        cursor.index(sort(cursor))


def _canonical_function(cursor: ComponentCursor) -> str:
    start = cursor.pos
    code = cursor.byte()
    if code in (0, 1):
        at = cursor.pos
        if cursor.byte() != 0:
            raise MalformedModule("only functions can be lifted and lowered", at)
        cursor.index("func" if code else "core func")
        options(cursor)
        if code == 0:
            cursor.index("type")
        return "core func" if code else "func"
    if code not in _BUILT_IN:
        raise MalformedModule(f"unknown canonical function {code:#04x}", start)
    if code > _LAST_OF_RESOURCES:
        cursor.see_newer("asynchronous functions", start)
    for read in _BUILT_IN[code]:
        read(cursor)
    return "core func"


def options(cursor: ComponentCursor) -> dict[int, int | None]:
    """Read the options of a canonical function: the code of each, and its index if it has one."""
    found: dict[int, int | None] = {}
    for _ in range(cursor.count("options")):
        start = cursor.pos
        code = cursor.byte()
        if code > 9:
            raise MalformedModule(f"unknown option {code:#04x}", start)
        if code > 5:
            cursor.see_newer("asynchronous functions", start)
        found[code] = cursor.index(_INDEX_OPTIONS[code]) if code in _INDEX_OPTIONS else None
    return found


_INDEX_OPTIONS = {
    3: "core memory",
    4: "core func",  # realloc
    5: "core func",  # post-return
    7: "core func",  # callback
    8: "core type",
}


def _of(sort: str) -> Callable[[ComponentCursor], object]:
    return lambda cursor: cursor.index(sort)


def _number(cursor: ComponentCursor) -> None:
    cursor.u32()


def _flag(cursor: ComponentCursor) -> None:
    start = cursor.pos
    if cursor.byte() > 1:
        raise MalformedModule("expected 0 or 1", start)


_LAST_OF_RESOURCES = 0x04
_TYPE, _MEMORY = _of("type"), _of("core memory")
_SPAWNED = _of("core type"), _of("core table")
_BUILT_IN: dict[int, tuple[Callable[[ComponentCursor], object], ...]] = {
    **dict.fromkeys((0x02, 0x03, 0x04), (_TYPE,)),  # resource.new, drop and rep
    **dict.fromkeys((0x05, 0x0D, 0x1E, 0x1F, 0x22, 0x23, 0x24, 0x25, 0x26, 0x28, 0x42), ()),
    0x06: (_flag,),
    0x07: (_TYPE, _flag),
    0x09: (result_list, options),
    **dict.fromkeys((0x0A, 0x0B), (skip_value_type, _number)),
    **dict.fromkeys((0x0C, 0x29, 0x2A, 0x2B, 0x2C, 0x2D), (_flag,)),
    **dict.fromkeys((0x0E, 0x13, 0x14, 0x15, 0x1A, 0x1B), (_TYPE,)),  # streams and futures
    **dict.fromkeys((0x0F, 0x10, 0x16, 0x17), (_TYPE, options)),
    **dict.fromkeys((0x11, 0x12, 0x18, 0x19), (_TYPE, _flag)),
    **dict.fromkeys((0x1C, 0x1D), (options,)),
    **dict.fromkeys((0x20, 0x21), (_flag, _MEMORY)),
    **dict.fromkeys((0x27, 0x41), _SPAWNED),
    0x40: (_of("core type"),),
}
"""What follows the code of a function that the component model defines.

https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md#canonical-definitions
"""

_WHOLE = (SectionKind.CUSTOM, SectionKind.CORE_MODULE, SectionKind.COMPONENT)

_READERS: dict[SectionKind, Callable[[ComponentCursor], str | None]] = {
    SectionKind.CORE_INSTANCE: _core_instance,
    SectionKind.CORE_TYPE: skip_core_type,
    SectionKind.INSTANCE: _instance,
    SectionKind.ALIAS: skip_alias,
    SectionKind.TYPE: _type,
    SectionKind.CANONICAL_FUNCTION: _canonical_function,
    SectionKind.START: _start,
    SectionKind.IMPORT: lambda cursor: read_import(cursor).sort,
    SectionKind.EXPORT: lambda cursor: _export(cursor).sort,
}
"""Each returns the sort of what an item adds, if it depends on the item."""

_ADDED: dict[SectionKind, str] = {
    SectionKind.CORE_MODULE: "core module",
    SectionKind.CORE_INSTANCE: "core instance",
    SectionKind.CORE_TYPE: "core type",
    SectionKind.COMPONENT: "component",
    SectionKind.INSTANCE: "instance",
    SectionKind.TYPE: "type",
}

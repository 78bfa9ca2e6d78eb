"""The types in a component: read in full, kept only where a caller asks.

Specification: https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md#type-definitions
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from rewriter.components.core_types import skip_core_type
from rewriter.components.sections import ComponentCursor, check_depth
from rewriter.errors import MalformedModule
from rewriter.wasm.reader import Name
from rewriter.wasm.types import value_type

__all__ = [
    "INSTANCE_TYPE",
    "MEMORIES_64",
    "TypeExport",
    "core_sort",
    "exports_of_instance_type",
    "extern_name",
    "extern_type",
    "optional_value_type",
    "result_list",
    "skip_alias",
    "skip_type",
    "skip_value_type",
    "sort",
]

_PRIMITIVES = frozenset(range(0x73, 0x80)) | {0x64}
"""bool, the integers, floats, char and string, and error-context."""

_RECORD, _VARIANT, _LIST, _FIXED_LIST, _TUPLE = 0x72, 0x71, 0x70, 0x67, 0x6F
_FLAGS, _ENUM, _OPTION, _RESULT, _OWN, _BORROW = 0x6E, 0x6D, 0x6B, 0x6A, 0x69, 0x68
_STREAM, _FUTURE, _MAP = 0x66, 0x65, 0x63
_RESOURCE, _ASYNC_RESOURCE = 0x3F, 0x3E
_FUNCTION, _ASYNC_FUNCTION = 0x40, 0x43
_COMPONENT = 0x41

INSTANCE_TYPE = 0x42

_MOST_FLAGS = 32
"""In one type, in WASI 0.2.

https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md#type-definitions
"""

_ERROR_CONTEXT = 0x64
MEMORIES_64 = "64-bit memories"
"""What functions of components use, and the numbers that stand for resources."""

_ASYNC = "asynchronous functions"
_NEWER = {
    _ERROR_CONTEXT: "error contexts",
    _FIXED_LIST: "lists of a fixed length",
    _MAP: "maps",
    _STREAM: _ASYNC,
    _FUTURE: _ASYNC,
    _ASYNC_FUNCTION: _ASYNC,
    _ASYNC_RESOURCE: _ASYNC,
}


_SORTS = {1: "func", 2: "value", 3: "type", 4: "component", 5: "instance"}
_CORE_SORTS = {
    0x00: "func",
    0x01: "table",
    0x02: "memory",
    0x03: "global",
    0x04: "tag",
    0x10: "type",
    0x11: "module",
    0x12: "instance",
}


class TypeExport(NamedTuple):
    """An export in an instance type: its name, its sort, and the index of its type in the instance
    type, or None for a new resource and for a value."""

    name: Name
    sort: str
    type_index: int | None


def core_sort(cursor: ComponentCursor) -> str:
    """Read a sort of core modules: `core func`."""
    start = cursor.pos
    code = cursor.byte()
    if code in _CORE_SORTS:
        return f"core {_CORE_SORTS[code]}"
    raise MalformedModule(f"unknown core sort {code:#04x}", start)


def sort(cursor: ComponentCursor) -> str:
    """Read a sort: `func`, `core module`."""
    start = cursor.pos
    code = cursor.byte()
    if code == 0:
        return core_sort(cursor)
    if code in _SORTS:
        return _SORTS[code]
    raise MalformedModule(f"unknown sort {code:#04x}", start)


def extern_name(cursor: ComponentCursor) -> Name:
    """Read the name of an import or export. The byte before it is 0, or 1 in older files; behind 2
    the name has options, such as the rest of a version."""
    start = cursor.pos
    form = cursor.byte()
    if form > 2:
        raise MalformedModule(f"unknown form of a name {form:#04x}", start)
    name = cursor.name()
    if form == 2:
        cursor.see_newer("names with options", start)
        for _ in range(cursor.count("options of a name")):
            option = cursor.pos
            if cursor.byte() > 2:
                raise MalformedModule("unknown option of a name", option)
            cursor.name()
    return name


def extern_type(cursor: ComponentCursor) -> tuple[str, int | None]:
    """Read what an import or export is declared as: its sort, and the index of its type, if it is a
    function, an instance, a component, a core module or a type that equals another."""
    start = cursor.pos
    kind = sort(cursor)
    if kind == "value":
        cursor.see_newer("values", start)
        skip_value_type(cursor)
        return kind, None
    if kind == "type":
        return kind, _type_bound(cursor)
    if kind.startswith("core ") and kind != "core module":
        raise MalformedModule(f"a {kind} cannot be imported or exported", start)
    return kind, cursor.index("core type" if kind == "core module" else "type")


def _type_bound(cursor: ComponentCursor) -> int | None:
    start = cursor.pos
    bound = cursor.byte()
    if bound == 0:
        return cursor.index("type")
    if bound == 1:
        return None
    raise MalformedModule(f"unknown bound of a type {bound:#04x}", start)


def skip_value_type(cursor: ComponentCursor) -> None:
    """Read a primitive type, or the index of a type."""
    if cursor.pos < cursor.end and cursor.data[cursor.pos] in _PRIMITIVES:
        if cursor.byte() == _ERROR_CONTEXT:
            cursor.see_newer(_NEWER[_ERROR_CONTEXT], cursor.pos - 1)
        return
    start = cursor.pos
    if cursor.signed_index("type") < 0:
        raise MalformedModule("not a type of a value", start)


def optional_value_type(cursor: ComponentCursor) -> None:
    """Read 0, or 1 and the type of a value."""
    start = cursor.pos
    given = cursor.byte()
    if given > 1:
        raise MalformedModule(f"expected 0 or 1, not {given:#04x}", start)
    if given:
        skip_value_type(cursor)


def result_list(cursor: ComponentCursor) -> None:
    """Read the results of a function: one type, or none."""
    start = cursor.pos
    form = cursor.byte()
    if form == 0:
        skip_value_type(cursor)
    elif form != 1 or cursor.byte() != 0:
        raise MalformedModule("not the results of a function", start)


def skip_type(cursor: ComponentCursor, depth: int = 0) -> int:
    """Read a type definition, which stands in `depth` types, and return its first byte.

    Raises MalformedModule at the first byte that is wrong, and UnsupportedModule for types nested
    deeper than DEEPEST.
    """
    check_depth(depth, cursor.pos)
    start = cursor.pos
    form = cursor.byte()
    if form in _NEWER:
        cursor.see_newer(_NEWER[form], start)
    if form in _PRIMITIVES:
        return form
    if form in (_FUNCTION, _ASYNC_FUNCTION):
        _labelled(cursor, "parameters")
        result_list(cursor)
    elif form in (_COMPONENT, INSTANCE_TYPE):
        cursor.scope += 1
        for _ in range(cursor.count("declarations")):
            _declaration(cursor, depth + 1, imports=form == _COMPONENT)
        cursor.scope -= 1
    elif form in (_RESOURCE, _ASYNC_RESOURCE):
        if value_type(cursor) == "i64":
            cursor.see_newer(MEMORIES_64, start)
        _optional_function(cursor)
        if form == _ASYNC_RESOURCE:
            _optional_function(cursor)
    elif form in _DEFINED:
        _DEFINED[form](cursor)
    else:
        raise MalformedModule(f"unknown form of a type {form:#04x}", start)
    return form


def _labelled(cursor: ComponentCursor, what: str) -> None:
    for _ in range(cursor.count(what)):
        cursor.name()
        skip_value_type(cursor)


def _optional_function(cursor: ComponentCursor) -> None:
    start = cursor.pos
    given = cursor.byte()
    if given > 1:
        raise MalformedModule(f"expected 0 or 1, not {given:#04x}", start)
    if given:
        cursor.index("core func")


def _cases(cursor: ComponentCursor) -> None:
    for _ in range(cursor.count("cases")):
        cursor.name()
        optional_value_type(cursor)
        start = cursor.pos
        if cursor.byte() != 0:
            raise MalformedModule("a case of a variant has to end with 0", start)


def _names(cursor: ComponentCursor) -> None:
    for _ in range(cursor.count("names")):
        cursor.name()


def _flags(cursor: ComponentCursor) -> None:
    start = cursor.pos
    number = cursor.count("names")
    if number > _MOST_FLAGS:
        cursor.see_newer(f"more than {_MOST_FLAGS} flags", start)
    for _ in range(number):
        cursor.name()


def _tuple(cursor: ComponentCursor) -> None:
    for _ in range(cursor.count("types of a tuple")):
        skip_value_type(cursor)


def _result(cursor: ComponentCursor) -> None:
    optional_value_type(cursor)
    optional_value_type(cursor)


def _map(cursor: ComponentCursor) -> None:
    skip_value_type(cursor)
    skip_value_type(cursor)


def _fixed_list(cursor: ComponentCursor) -> None:
    skip_value_type(cursor)
    cursor.u32()


def _handle(cursor: ComponentCursor) -> None:
    cursor.index("type")


_DEFINED: dict[int, Callable[[ComponentCursor], None]] = {
    _RECORD: lambda cursor: _labelled(cursor, "fields"),
    _VARIANT: _cases,
    _LIST: skip_value_type,
    _FIXED_LIST: _fixed_list,
    _TUPLE: _tuple,
    _FLAGS: _flags,
    _ENUM: _names,
    _OPTION: skip_value_type,
    _RESULT: _result,
    _OWN: _handle,
    _BORROW: _handle,
    _STREAM: optional_value_type,
    _FUTURE: optional_value_type,
    _MAP: _map,
}


def _declaration(cursor: ComponentCursor, depth: int, *, imports: bool) -> TypeExport | None:
    """Read a declaration in a component type or an instance type; return an export."""
    start = cursor.pos
    form = cursor.byte()
    if form == 0:
        skip_core_type(cursor, depth)
    elif form == 1:
        skip_type(cursor, depth)
    elif form == 2:
        skip_alias(cursor)
    elif form == 4 or (form == 3 and imports):
        name = extern_name(cursor)
        kind, index = extern_type(cursor)
        return TypeExport(name, kind, index) if form == 4 else None
    else:
        raise MalformedModule(f"unknown declaration {form:#04x}", start)
    return None


def exports_of_instance_type(cursor: ComponentCursor) -> Iterator[TypeExport]:
    """The exports of the instance type that the cursor stands at."""
    start = cursor.pos
    if cursor.byte() != INSTANCE_TYPE:
        raise MalformedModule("not an instance type", start)
    cursor.scope += 1
    for _ in range(cursor.count("declarations")):
        found = _declaration(cursor, 1, imports=False)
        if found is not None:
            yield found


def skip_alias(cursor: ComponentCursor) -> str:
    """Read an alias, and return the sort of what it names."""
    kind = sort(cursor)
    start = cursor.pos
    target = cursor.byte()
    if target in (0, 1):
        cursor.index("core instance" if target else "instance")
        cursor.name()
    elif target == 2:
        cursor.index(kind, outwards=cursor.u32())
    else:
        raise MalformedModule(f"unknown target of an alias {target:#04x}", start)
    return kind

"""The types of the functions that a component imports, as text that can be compared.

Names of parameters and of types are left out, because hosts do not compare them. A resource is
named by the interface that it comes from, without a version: `own<wasi:nn/tensor.tensor>`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from rewriter.components.sections import ComponentCursor, ComponentSection, SectionKind
from rewriter.components.types import (
    INSTANCE_TYPE,
    extern_name,
    extern_type,
    skip_alias,
    skip_type,
    sort,
)
from rewriter.wasm.reader import Data

__all__ = ["UNKNOWN", "Shapes"]

UNKNOWN = "?"
"""The text of a type that was not read: types of asynchronous functions, or too many types."""

_TOO_LONG = "..."
"""Stands for a text that is longer than _LONGEST."""

_LONGEST = 500
"""Characters. Those of wasi:nn have at most 250. The text of a type can be exponentially longer
than the type itself."""

_MOST_TYPES = 2000
"""Types of a component, or declarations of an instance type, that are read. The largest known
components have a few hundred."""

_MOST_DECLARATIONS = 20_000
"""Declarations that are read of all instance types. Many imports can have the same large type."""

_PRIMITIVES = {
    0x7F: "bool",
    0x7E: "s8",
    0x7D: "u8",
    0x7C: "s16",
    0x7B: "u16",
    0x7A: "s32",
    0x79: "u32",
    0x78: "s64",
    0x77: "u64",
    0x76: "f32",
    0x75: "f64",
    0x74: "char",
    0x73: "string",
}
"""https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md#type-definitions"""


class _Target(NamedTuple):
    """What an alias of a type stands for: an `export` of the instance with this index, or, with
    `outer` components between, the type with this index."""

    number: int
    export: str | None = None
    outer: int = 0


def _alias_target(cursor: ComponentCursor) -> tuple[str, _Target | None]:
    """Read an alias: the sort of what it names, and its target, None for an export of a core
    instance."""
    start = cursor.pos
    kind = skip_alias(cursor)
    after, cursor.pos = cursor.pos, start
    sort(cursor)
    form, index, target = cursor.byte(), cursor.u32(), None
    if form == 0:
        target = _Target(index, cursor.name().text)
    elif form == 2:
        target = _Target(cursor.u32(), outer=index)
    cursor.pos = after
    return kind, target


class _Types:
    """The types in one index space: UNKNOWN beyond the first _MOST_TYPES."""

    def __init__(self) -> None:
        self._kept: list[str] = []

    @property
    def is_full(self) -> bool:
        return len(self._kept) >= _MOST_TYPES

    def add(self, shape: str) -> None:
        if not self.is_full:
            self._kept.append(shape)

    def __getitem__(self, index: int) -> str:
        return self._kept[index] if index < len(self._kept) else UNKNOWN


class Shapes:
    """The types of a component that stand in its outermost level. Sections are added in order."""

    def __init__(self, data: Data) -> None:
        self._data = data
        self._types = _Types()
        self._instance_types: dict[int, ComponentCursor] = {}
        """Cursors at instance types, by their index among the types."""
        self._instances: dict[int, Mapping[str, str]] = {}
        """The types that imported instances export, by their index among the instances."""
        self.exported: dict[str, Mapping[str, str]] = {}
        """The types that imported instances export, by the name of the import."""
        self._declarations = 0
        self._number = self._number_of_instances = 0

    def add(self, section: ComponentSection) -> Iterator[tuple[str, Mapping[str, str]]]:
        """Add a section, and return the functions of each instance that it imports."""
        cursor = section.cursor()
        if section.kind is SectionKind.TYPE:
            for _ in range(cursor.count("types")):
                self._define(cursor)
        elif section.kind is SectionKind.ALIAS:
            for _ in range(cursor.count("aliases")):
                self._alias(*_alias_target(cursor))
        elif section.kind is SectionKind.INSTANCE:
            self._number_of_instances += cursor.count("instances")
        elif section.kind is SectionKind.EXPORT:
            for _ in range(cursor.count("exports")):
                self._export(cursor)
        elif section.kind is SectionKind.IMPORT:
            for _ in range(cursor.count("imports")):
                name = extern_name(cursor).text
                kind, index = extern_type(cursor)
                if kind == "type":
                    self._add(name if index is None else self._types[index])
                elif kind == "instance" and index is not None:
                    number = self._number_of_instances
                    yield name, self._import(name.partition("@")[0], index)
                    self.exported[name] = self._instances.get(number, {})

    def _add(self, shape: str) -> None:
        self._types.add(shape)
        self._number += 1

    def _define(self, cursor: ComponentCursor) -> None:
        start = cursor.pos
        if self._types.is_full:
            skip_type(cursor)
        elif cursor.data[start] == INSTANCE_TYPE:
            self._instance_types[self._number] = ComponentCursor(self._data, start, cursor.end)
            skip_type(cursor)
            self._types.add(UNKNOWN)
        else:
            self._types.add(_read_shape(cursor, self._types))
        self._number += 1

    def _alias(self, kind: str, target: _Target | None) -> None:
        if kind == "instance":
            self._number_of_instances += 1
        elif kind == "type":
            shape = UNKNOWN
            if target is not None and target.export is not None:
                shape = self._instances.get(target.number, {}).get(target.export, UNKNOWN)
            elif target is not None and target.outer == 0:
                shape = self._types[target.number]
            self._add(shape)

    def _export(self, cursor: ComponentCursor) -> None:
        extern_name(cursor)
        kind, index = sort(cursor), cursor.u32()
        if cursor.byte():
            extern_type(cursor)
        if kind == "type":
            self._add(self._types[index])
        elif kind == "instance":
            self._number_of_instances += 1

    def _import(self, interface: str, type_index: int) -> Mapping[str, str]:
        """The functions of an instance that is imported."""
        number = self._number_of_instances
        self._number_of_instances += 1
        found = self._instance_types.get(type_index)
        if found is None:
            return {}
        cursor = ComponentCursor(self._data, found.pos + 1, found.end)
        count = cursor.count("declarations")
        self._declarations += count
        if count > _MOST_TYPES or self._declarations > _MOST_DECLARATIONS:
            return {}
        types, functions = _read_instance_type(cursor, count, interface, self._types)
        self._instances[number] = types
        return functions


def _read_instance_type(
    cursor: ComponentCursor, count: int, interface: str, outside: _Types
) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The types and the functions that an instance exports, by name. The cursor stands at the first
    of `count` declarations; `outside` are the component's types."""
    types, exported, functions = _Types(), dict[str, str](), dict[str, str]()
    for _ in range(count):
        form = cursor.byte()
        if form == 1:
            types.add(_read_shape(cursor, types))
        elif form == 2:
            kind, target = _alias_target(cursor)
            if kind == "type":
                types.add(_aliased(target, types, outside))
        elif form == 4:
            name = extern_name(cursor).text
            kind, index = extern_type(cursor)
            if kind == "type":
                exported[name] = f"{interface}.{name}" if index is None else types[index]
                types.add(exported[name])
            elif kind == "func" and index is not None:
                functions[name] = types[index]
        else:  # types of core modules, which no function has
            return exported, functions
    return exported, functions


def _aliased(target: _Target | None, types: _Types, outside: _Types) -> str:
    if target is None or target.export is not None or target.outer > 1:
        return UNKNOWN
    return (outside if target.outer else types)[target.number]


def _read_shape(cursor: ComponentCursor, types: _Types) -> str:
    """Read a type definition, and return its text. `types` are those that it can name."""
    start = cursor.pos
    skip_type(cursor)
    after, cursor.pos = cursor.pos, start
    text = ""
    for part in _parts(cursor, cursor.byte(), types):
        if part in (UNKNOWN, _TOO_LONG):
            text = part
            break
        text += part
        if len(text) > _LONGEST:
            text = _TOO_LONG
            break
    cursor.pos = after
    return text


def _parts(cursor: ComponentCursor, form: int, types: _Types) -> Iterator[str]:
    if form in _PRIMITIVES:
        yield _PRIMITIVES[form]
    elif form in _WRAPPING:
        yield f"{_WRAPPING[form]}<"
        yield from _value(cursor, types)
        yield ">"
    elif form in _HANDLES:
        yield f"{_HANDLES[form]}<"
        yield types[cursor.u32()]
        yield ">"
    elif form in (_ENUM, _FLAGS):
        names = (cursor.name().text for _ in range(cursor.count("names")))
        yield f"{'enum' if form == _ENUM else 'flags'}<{' '.join(names)}>"
    elif form in _LISTED:
        yield f"{_LISTED[form]}("
        for number in range(cursor.count("members")):
            yield ", " if number else ""
            name = "" if form == _TUPLE else cursor.name().text
            yield f"{name}: " if form == _RECORD else ""
            yield from _value(cursor, types)
        yield ")"
        if form == _FUNCTION and cursor.byte() == 0:
            yield " -> "
            yield from _value(cursor, types)
    elif form == _RESULT:
        yield "result<"
        yield from _optional(cursor, types)
        yield ", "
        yield from _optional(cursor, types)
        yield ">"
    elif form == _VARIANT:
        yield "variant("
        for number in range(cursor.count("cases")):
            yield ", " if number else ""
            yield f"{cursor.name().text}: "
            yield from _optional(cursor, types)
            cursor.byte()
        yield ")"
    else:
        yield UNKNOWN


_RECORD, _VARIANT, _TUPLE, _FLAGS = 0x72, 0x71, 0x6F, 0x6E
_ENUM, _RESULT, _FUNCTION = 0x6D, 0x6A, 0x40
_WRAPPING = {0x70: "list", 0x6B: "option"}
_HANDLES = {0x69: "own", 0x68: "borrow"}
_LISTED = {_FUNCTION: "func", _RECORD: "record", _TUPLE: "tuple"}


def _optional(cursor: ComponentCursor, types: _Types) -> Iterator[str]:
    if cursor.byte():
        yield from _value(cursor, types)
    else:
        yield "_"


def _value(cursor: ComponentCursor, types: _Types) -> Iterator[str]:
    code = cursor.data[cursor.pos]
    if code in _PRIMITIVES:
        cursor.pos += 1
        yield _PRIMITIVES[code]
    else:
        index = cursor.s33()
        yield types[index] if index >= 0 else UNKNOWN

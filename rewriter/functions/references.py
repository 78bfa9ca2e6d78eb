"""References to functions outside of function bodies: in tables, globals, exports, start, elements.

Specification: https://webassembly.github.io/spec/core/binary/modules.html
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

from rewriter.functions.code import bounded, constant_expression
from rewriter.functions.instructions import Reference
from rewriter.functions.storage import TABLE_WITH_VALUE
from rewriter.wasm.imports import ExternKind
from rewriter.wasm.reader import Cursor
from rewriter.wasm.sections import Section, SectionId
from rewriter.wasm.types import table_type, value_type

__all__ = ["REFERRING_SECTIONS", "section_references"]

# Bits of an element segment's flags.
_NOT_ACTIVE, _HAS_TABLE_OR_DECLARES, _HAS_EXPRESSIONS = 0x01, 0x02, 0x04


def section_references(section: Section, wanted: Collection[int]) -> list[Reference]:
    """The references to the `wanted` functions in one of REFERRING_SECTIONS, in order."""
    cursor = section.cursor()
    found = bounded(r for r in _READERS[section.id](cursor, wanted) if r.index in wanted)
    cursor.finish(f"the {section.title}")
    return found


def _index(cursor: Cursor) -> Reference:
    start = cursor.pos
    index = cursor.u32()
    return Reference(start, cursor.pos, index)


def _tables(cursor: Cursor, wanted: Collection[int]) -> Iterator[Reference]:
    for _ in range(cursor.count("tables")):
        start = cursor.pos
        has_value = cursor.byte() == TABLE_WITH_VALUE
        if has_value:
            cursor.byte()
        else:
            cursor.pos = start
        table_type(cursor)
        if has_value:
            yield from constant_expression(cursor, wanted)


def _globals(cursor: Cursor, wanted: Collection[int]) -> Iterator[Reference]:
    for _ in range(cursor.count("globals")):
        value_type(cursor)
        cursor.byte()
        yield from constant_expression(cursor, wanted)


def _exports(cursor: Cursor, _wanted: Collection[int]) -> Iterator[Reference]:
    for _ in range(cursor.count("exports")):
        cursor.name()
        kind = cursor.byte()
        reference = _index(cursor)
        if kind in (ExternKind.FUNC, ExternKind.FUNC_EXACT):
            yield reference


def _start(cursor: Cursor, _wanted: Collection[int]) -> Iterator[Reference]:
    yield _index(cursor)


def _elements(cursor: Cursor, wanted: Collection[int]) -> Iterator[Reference]:
    for _ in range(cursor.count("element segments")):
        flags = cursor.u32()
        if not flags & _NOT_ACTIVE:
            if flags & _HAS_TABLE_OR_DECLARES:
                cursor.u32()
            yield from constant_expression(cursor, wanted)
        if flags & _HAS_EXPRESSIONS:
            if flags & (_NOT_ACTIVE | _HAS_TABLE_OR_DECLARES):
                value_type(cursor)
            for _ in range(cursor.count("elements")):
                yield from constant_expression(cursor, wanted)
        else:
            if flags & (_NOT_ACTIVE | _HAS_TABLE_OR_DECLARES):
                cursor.byte()
            for _ in range(cursor.count("elements")):
                yield _index(cursor)


_READERS: Mapping[SectionId, Callable[[Cursor, Collection[int]], Iterator[Reference]]] = {
    SectionId.TABLE: _tables,
    SectionId.GLOBAL: _globals,
    SectionId.EXPORT: _exports,
    SectionId.START: _start,
    SectionId.ELEMENT: _elements,
}

REFERRING_SECTIONS = frozenset(_READERS)
"""The sections besides the code section that can refer to functions."""

"""What a module makes that holds data: memories, tables, and a heap for objects.

Specification: https://webassembly.github.io/spec/core/binary/modules.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rewriter.wasm.reader import Cursor, Data
from rewriter.wasm.sections import Section, SectionId, split
from rewriter.wasm.types import MemoryType, TableType, Types, memory_type, table_type

__all__ = ["TABLE_WITH_VALUE", "Storage", "storage"]

TABLE_WITH_VALUE = 0x40
"""Before the type of a table whose elements have a value from the start; a zero follows it."""


class Storage(NamedTuple):
    """The memories and tables that a module defines, none that it imports. `has_heap` is whether it
    can make structures, arrays or exceptions, which engines keep in a memory of their own."""

    memories: tuple[MemoryType, ...]
    tables: tuple[TableType, ...]
    has_heap: bool


def storage(data: Data) -> Storage:
    """Read a core module. Raises MalformedModule for what cannot be read."""
    by_id = split(data).standard
    memories: tuple[MemoryType, ...] = ()
    tables: tuple[TableType, ...] = ()
    if section := by_id.get(SectionId.MEMORY):
        cursor = Cursor(data, section.content, section.end)
        memories = tuple(memory_type(cursor) for _ in range(cursor.items("memories")))
    if section := by_id.get(SectionId.TABLE):
        tables = tuple(_tables(data, section))
    types = Types(data, by_id.get(SectionId.TYPE))
    return Storage(memories, tables, SectionId.TAG in by_id or None in types)


def _tables(data: Data, section: Section) -> Iterator[TableType]:
    cursor = Cursor(data, section.content, section.end)
    for _ in range(cursor.items("tables")):
        start = cursor.pos
        has_value = cursor.byte() == TABLE_WITH_VALUE
        cursor.pos = start + 2 if has_value else start
        yield table_type(cursor)
        if has_value:
            from rewriter.functions.code import constant_expression  # which few modules need

            constant_expression(cursor, ())

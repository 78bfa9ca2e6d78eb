"""What a module makes that holds data: memories, tables, and a heap for objects.

Specification: https://webassembly.github.io/spec/core/binary/modules.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rewriter.wasm.module import Module
from rewriter.wasm.sections import Section, SectionId
from rewriter.wasm.types import MemoryType, TableType, memory_type, table_type

__all__ = ["TABLE_WITH_VALUE", "Storage", "storage"]

TABLE_WITH_VALUE = 0x40
"""Before the type of a table whose elements have a value from the start; a zero follows it."""


class Storage(NamedTuple):
    """The memories and tables that a module defines, none that it imports. `has_heap` is whether it
    can make structures, arrays or exceptions, which engines keep in a memory of their own."""

    memories: tuple[MemoryType, ...]
    tables: tuple[TableType, ...]
    has_heap: bool


def storage(module: Module) -> Storage:
    """Raises MalformedModule for what cannot be read."""
    memories: tuple[MemoryType, ...] = ()
    tables: tuple[TableType, ...] = ()
    if section := module.find(SectionId.MEMORY):
        cursor = section.cursor()
        memories = tuple(memory_type(cursor) for _ in range(cursor.items("memories")))
    if section := module.find(SectionId.TABLE):
        tables = tuple(_tables(section))
    has_tags = module.find(SectionId.TAG) is not None
    return Storage(memories, tables, has_tags or None in module.types)


def _tables(section: Section) -> Iterator[TableType]:
    cursor = section.cursor()
    for _ in range(cursor.items("tables")):
        start = cursor.pos
        has_value = cursor.byte() == TABLE_WITH_VALUE
        cursor.pos = start + 2 if has_value else start
        yield table_type(cursor)
        if has_value:
            from rewriter.functions.code import constant_expression  # which few modules need

            constant_expression(cursor, ())

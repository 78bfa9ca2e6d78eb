"""The storage that a module defines: memories, tables, and a heap for objects.

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
"""The byte before the type of a table whose elements have an initial value. A zero follows it."""


class Storage(NamedTuple):
    """The memories and tables that a module defines, without those that it imports. `has_heap` says
    whether it can create structures, arrays or exceptions, which engines keep in their own heap."""

    memories: tuple[MemoryType, ...]
    tables: tuple[TableType, ...]
    has_heap: bool


def storage(module: Module) -> Storage:
    """The storage that a module defines. Raises MalformedModule if it cannot be read."""
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
            from rewriter.functions.code import constant_expression  # rarely needed

            constant_expression(cursor, ())

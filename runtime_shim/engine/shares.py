"""How a guest's limit of memory is shared out among its memories and tables.

wasmtime bounds each memory of a guest and each table, and not their sum, so the bounds are chosen
before it starts, from what the module declares: whatever grows then, the sum stays within the
limit. What cannot grow takes what it takes, and what is alone in being able to grow gets all the
rest. The heap for objects of the GC proposal and for exceptions is one more memory to wasmtime.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rewriter.functions.storage import Storage
from rewriter.wasm.types import MemoryType, TableType
from runtime_shim.errors import LinkError

__all__ = ["Bounds", "share_out"]

_ELEMENT = 8
"""Bytes of a table's element, at most.

https://docs.wasmtime.dev/api/wasmtime/struct.StoreLimitsBuilder.html#method.table_elements
"""

_TABLES_SHARE = 16
"""Tables that can grow beside memories that can get this part of what both could take. Most such
guests register callbacks, in tables of thousands, and need their memory for everything else."""

_MOST = (1 << 63) - 1
"""That wasmtime_store_limiter takes."""

Range = tuple[int, int]
"""Bytes at the start, and at most."""

_HEAP: Range = (0, 1 << 32)
"""References to objects have 32 bits."""


class Bounds(NamedTuple):
    """Of each memory, in bytes, and of each table, in elements."""

    memory: int
    elements: int


def share_out(limit: int, storage: Storage) -> Bounds:
    """The highest bounds with which all memories and tables together have at most `limit` bytes.

    Raises LinkError where there are none: more is there from the start, or one of several that can
    grow has to be allowed more at the start than all of them may have.
    """
    memories = list(map(_of_memory, storage.memories))
    if storage.has_heap:
        memories.append(_HEAP)
    tables = list(map(_of_table, storage.tables))
    least_memory = _reached(memories, _first(memories))
    least_tables = _reached(tables, _first(tables))
    spare = limit - least_memory - least_tables
    if spare < 0:
        raise LinkError(
            f"the module's memories and tables need {limit - spare} bytes, but the memory limit "
            f"(--max-memory) is {limit}"
        )
    not_for_memories = limit - sum(high for _, high in memories)
    for_tables = max(least_tables + spare // _TABLES_SHARE, not_for_memories)
    elements = min(_bound(tables, for_tables) // _ELEMENT, _MOST)
    for_memories = limit - _reached(tables, elements * _ELEMENT)
    return Bounds(min(_bound(memories, for_memories), _MOST), elements)


def _of_memory(kind: MemoryType) -> Range:
    most = 1 << (64 if kind.is_64 else 32)
    pages = kind.maximum
    return kind.minimum * kind.page_size, most if pages is None else pages * kind.page_size


def _of_table(kind: TableType) -> Range:
    most = 1 << (64 if kind.is_64 else 32)
    return kind.minimum * _ELEMENT, (most if kind.maximum is None else kind.maximum) * _ELEMENT


def _first(ranges: Sequence[Range]) -> int:
    """The lowest bound with which all of them can be made."""
    return max((low for low, _ in ranges), default=0)


def _reached(ranges: Sequence[Range], bound: int) -> int:
    """Bytes of all of them when each is as large as this bound lets it be."""
    return sum(min(high, max(low, bound)) for low, high in ranges)


def _bound(ranges: Sequence[Range], room: int) -> int:
    """The highest bound with which all of them stay within `room` bytes, which is enough for the
    lowest."""
    low, high = _first(ranges), room
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _reached(ranges, middle) <= room else (low, middle - 1)
    return low

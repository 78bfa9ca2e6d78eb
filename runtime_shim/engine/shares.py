"""How a guest's memory limit is divided among its memories and tables.

wasmtime limits each memory and each table of a guest, not their sum. So the bounds are chosen
before the guest starts, from what the module declares, such that the sum stays within the limit
whatever grows. Memories and tables that cannot grow get their size. If only one can grow, it gets
all the rest. To wasmtime, the heap for objects of the GC proposal and for exceptions is one more
memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rewriter.functions.storage import Storage
from rewriter.wasm.types import MemoryType, TableType
from runtime_shim.errors import LinkError

__all__ = ["Bounds", "share_out"]

_ELEMENT = 8
"""Maximum size of a table's element in bytes.

https://docs.wasmtime.dev/api/wasmtime/struct.StoreLimitsBuilder.html#method.table_elements
"""

_TABLES_SHARE = 16
"""If both memories and tables can grow, tables get one part in this many of what is left. Most such
guests register callbacks, in tables of thousands, and need their memory for everything else."""

_MOST = (1 << 63) - 1
"""The maximum for wasmtime_store_limiter."""

Range = tuple[int, int]
"""Size in bytes at the start, and at most."""

_HEAP: Range = (0, 1 << 32)
"""References to objects have 32 bits."""


class Bounds(NamedTuple):
    """The bound for each memory, in bytes, and for each table, in elements."""

    memory: int
    elements: int


def share_out(limit: int, storage: Storage) -> Bounds:
    """The highest bounds that keep all memories and tables together within `limit` bytes.

    Raises LinkError if there are none: the initial sizes exceed the limit, or together they would
    exceed it if each could grow as far as the largest initial size.
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
    """The lowest bound that allows all initial sizes."""
    return max((low for low, _ in ranges), default=0)


def _reached(ranges: Sequence[Range], bound: int) -> int:
    """The total size in bytes if each grows as far as this bound allows."""
    return sum(min(high, max(low, bound)) for low, high in ranges)


def _bound(ranges: Sequence[Range], room: int) -> int:
    """The highest bound that keeps the total size within `room` bytes, which is enough for the
    lowest bound."""
    low, high = _first(ranges), room
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _reached(ranges, middle) <= room else (low, middle - 1)
    return low

"""How a component's memory limit is divided among its memories and tables.

The memories are made by the host, which counts their sum. wasmtime limits the number of tables and
the size of each.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from rewriter.components.component import Component
from rewriter.functions.storage import storage
from rewriter.wasm.types import TableType
from runtime_shim.errors import LinkError

__all__ = ["Bounds", "maxima", "share_out"]

_ELEMENT = 8
"""Maximum size of a table's element in bytes: see runtime_shim.engine.shares."""

_MOST = 1 << 32
"""Elements of a table without a maximum."""

_TABLES_SHARE = 16
"""Tables that can grow get one part in this many of the limit, or what they need at the start if
that is more."""

_MOST_TABLES = 64
"""A component can instantiate a module more than once, so there can be more tables than modules
define: twice as many, or this many, as far as the share for tables allows."""


class Bounds(NamedTuple):
    """The bound for all memories together, in bytes, for the number of tables, and for each table,
    in elements."""

    memories: int
    tables: int
    elements: int


def share_out(limit: int, component: Component) -> Bounds:
    """Bounds that keep all memories and tables together within `limit` bytes.

    Raises LinkError if the tables need more at the start, and ModuleError for a core module that
    cannot be read.
    """
    tables = list(_tables(component))
    if not tables:
        return Bounds(limit, 0, 0)
    share = limit // _TABLES_SHARE // _ELEMENT
    most = max(_MOST if table.maximum is None else table.maximum for table in tables)
    if 2 * len(tables) * most <= share:  # no table can grow further: they need no more
        count, elements = 2 * len(tables), most
    else:
        least = max(1, max(table.minimum for table in tables))
        count = max(len(tables), min(_MOST_TABLES, share // least))
        elements = max(least, share // count)
    memories = limit - count * elements * _ELEMENT
    if memories < 0:
        raise LinkError(
            f"the component's tables need {limit - memories} bytes, but the memory limit "
            f"(--max-memory) is {limit}"
        )
    return Bounds(memories, count, elements)


def _tables(component: Component) -> Iterable[TableType]:
    for part in component.parts():
        if not part.is_component:
            with part.offsets():
                yield from storage(part.module()).tables


def maxima(component: Component) -> set[int]:
    """The maximum of each memory that a core module in a component defines, in bytes."""
    found = set()
    for part in component.parts():
        if not part.is_component:
            with part.offsets():
                memories = storage(part.module()).memories
            found |= {memory.maximum * memory.page_size for memory in memories if memory.maximum}
    return found

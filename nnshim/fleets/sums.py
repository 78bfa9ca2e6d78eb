"""Sums of what hosts have loaded and run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runtime_shim import GraphStats

__all__ = ["StatsSum", "added_since"]

_KEY = 4
"""The first fields of a row, which say what it is about."""


class StatsSum:
    """Of rows from any number of hosts."""

    def __init__(self) -> None:
        self._rows: dict[tuple[object, ...], GraphStats] = {}

    def add(self, rows: Iterable[GraphStats]) -> None:
        for row in rows:
            key = tuple(row[:_KEY])
            before = self._rows.get(key)
            self._rows[key] = row if before is None else _changed(before, row, 1)

    def rows(self) -> list[GraphStats]:
        return list(self._rows.values())


def added_since(before: Sequence[GraphStats], now: Sequence[GraphStats]) -> Sequence[GraphStats]:
    """What a host's rows have more than before, where that is anything."""
    known = {tuple(row[:_KEY]): row for row in before}
    rows = []
    for row in now:
        old = known.get(tuple(row[:_KEY]))
        more = row if old is None else _changed(row, old, -1)
        if more.loads or more.inferences:
            rows.append(more)
    return rows


def _changed(row: GraphStats, by: GraphStats, sign: int) -> GraphStats:
    return row._replace(
        loads=row.loads + sign * by.loads,
        load_seconds=row.load_seconds + sign * by.load_seconds,
        inferences=row.inferences + sign * by.inferences,
        inference_seconds=row.inference_seconds + sign * by.inference_seconds,
    )

"""The ABIs of wasi-nn as lines for people, with the hosts and libraries that have each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rewriter.abi.dialects import Dialect
    from rewriter.hosts.table import Family

__all__ = ["abis"]

_NONE = "no release in the table"


def abis(dialects: Iterable[Dialect], families: Iterable[Family]) -> list[str]:
    """A line for each ABI: its name, its layout, and the releases that have it."""
    known = list(families)
    rows = [
        (dialect.name, f"{dialect.layout} layout", "; ".join(_having(dialect, known)) or _NONE)
        for dialect in dialects
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _having(dialect: Dialect, families: Iterable[Family]) -> Iterator[str]:
    """Each family, with the first and the last of its releases in a row that have the ABI."""
    for family in families:
        for has, group in groupby(family.rows, lambda row: dialect in row.dialects):
            rows = list(group)
            if not has:
                continue
            first, last = rows[0].first, rows[-1].last
            yield " ".join((family.name, first if first == last else f"{first} to {last}")).strip()

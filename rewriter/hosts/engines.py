"""Splits rows of hosts where the engine changed between releases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rewriter.hosts.host import Host

__all__ = ["parted"]


def parted(
    rows: Iterable[Host], releases: Sequence[str], changes: Sequence[tuple[str, Mapping[str, Any]]]
) -> Iterator[Host]:
    """The rows, split so that each has the engine of its releases.

    Each of `changes` has the first release of an engine, one of `releases`, and the fields of a row
    that describe the engine. It holds until the next change."""
    starts = [releases.index(first) for first, _ in changes]
    ends = [start - 1 for start in starts[1:]] + [len(releases) - 1]
    for row in rows:
        begin, end = releases.index(row.first), releases.index(row.last)
        for start, stop, (_, fields) in zip(starts, ends, changes, strict=True):
            low, high = max(begin, start), min(end, stop)
            if low <= high:
                yield row._replace(first=releases[low], last=releases[high], **fields)

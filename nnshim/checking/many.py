"""Judges all that is found, over all cores."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from nnshim.checking.settings import Settings
from nnshim.checking.together import Judged, judge_items, lost
from nnshim.many.carried import carried, size_of
from nnshim.many.order import in_cluster, in_order
from nnshim.many.searching import Search
from nnshim.many.work import Work
from rewriter.trees.item import Found, Item

__all__ = ["judge_all"]


def judge_all(where: Search, settings: Settings, *, fail_fast: bool = False) -> Iterator[Judged]:
    """A report on each file, in order; on each input, where there is no WebAssembly in any. If this
    may end early, with `fail_fast`, no file is rewritten that has no report.

    Raises DependencyMissing and ToolError for wasm-tools, ToolError if processes cannot be started,
    and for a cluster what `for_cluster` and `in_cluster` raise.
    """
    any_found = False
    for judged in _judged(where, settings, singly=fail_fast and settings.fix):
        any_found |= judged.report.unsearched is None
        yield judged
    if not any_found:
        yield from judge_items(settings, list(where.nothing))


def _judged(where: Search, settings: Settings, *, singly: bool) -> Iterator[Judged]:
    if where.cluster is not None:
        work = Work(partial(judge_items, settings.for_cluster()), lost, _is_here)
        items = map(carried, where.found())
        return in_cluster(work, items, size_of, where.cluster)
    work = Work(partial(judge_items, settings), lost, _is_here)
    jobs = where.jobs if settings.travels else 1
    return in_order(work, where.found(), jobs, singly=singly)


def _is_here(item: Found) -> bool:
    return isinstance(item, Item) and item.here

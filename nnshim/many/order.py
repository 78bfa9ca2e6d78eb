"""Works on many items, here or in processes, and gives back what is found in their order."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from itertools import chain, count, islice
from typing import TypeVar

from nnshim.many.work import Work

__all__ = ["in_cluster", "in_order"]

Item = TypeVar("Item")
Found = TypeVar("Found")

_FEW = 8
"""Items for which no process is started, which takes longer than most of them."""

_SMALLEST, _LARGEST = 2, 16
"""Items in a chunk. By the last number, the start of a process that validates them together hardly
counts."""

_THREADS = "RAYON_NUM_THREADS"
"""How many threads wasm-tools starts, which are one for each core otherwise: the cores are taken.

https://docs.rs/rayon/latest/rayon/struct.ThreadPoolBuilder.html#method.num_threads
"""

_MOST = 4 << 20
"""Bytes in a chunk that goes to another machine, besides the last item's."""


def in_order(
    work: Work[Item, Found], items: Iterable[Item], jobs: int, *, singly: bool = False
) -> Generator[Found, None, None]:
    """What is found in each item. A few items are worked on here, and more in `jobs` processes if
    that is more than one. They end with this iterator. With `singly`, none is worked on before what
    is found in the last one was taken.

    Raises what ends the work as a whole, such as DependencyMissing, and ToolError if processes
    cannot be started.
    """
    if singly:
        for item in items:
            yield from work.do([item])
        return
    source = iter(items)
    first = list(islice(source, _FEW + 1))
    if len(first) > _FEW:  # the command turns it off, for what ends soon
        gc.freeze()
        gc.enable()
    if jobs == 1 or len(first) <= _FEW:
        for chunk in _chunked(chain(first, source), 1):
            yield from work.do(chunk)
        return
    from nnshim.many.engines.processes import Processes  # a few items do without multiprocessing
    from nnshim.many.pool import Workers

    os.environ.setdefault(_THREADS, "1")
    with Workers(work, Processes(work.do, jobs)) as workers:
        for found in workers.go_through(_chunked(chain(first, source), jobs)):
            yield from found


def in_cluster(
    work: Work[Item, Found], items: Iterable[Item], size: Callable[[Item], int], address: str
) -> Generator[Found, None, None]:
    """The same by the workers of a Ray cluster. `size` says how many bytes an item takes with it.

    Raises DependencyMissing without Ray, and ToolError if there is no such cluster.
    """
    from nnshim.many.engines.actors import Actors
    from nnshim.many.pool import Workers

    with Workers(work, Actors(lambda: work.do, address), tries=2) as workers:
        for found in workers.go_through(_bounded(items, size)):
            yield from found


def _bounded(items: Iterable[Item], size: Callable[[Item], int]) -> Iterator[Sequence[Item]]:
    chunk: list[Item] = []
    taken = 0
    for item in items:
        chunk.append(item)
        taken += size(item)
        if taken > _MOST or len(chunk) == _LARGEST:
            yield chunk
            chunk, taken = [], 0
    if chunk:
        yield chunk


def _chunked(items: Iterable[Item], jobs: int) -> Iterator[Sequence[Item]]:
    """Small chunks first, so that all processes have something to do where there are not many."""
    source = iter(items)
    for number in count():
        chunk = list(islice(source, min(_SMALLEST << number // jobs, _LARGEST)))
        if not chunk:
            return
        yield chunk

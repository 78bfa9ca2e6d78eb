"""Topological order: graphs without cycles, and functions whose calls end."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from typing import TypeVar

__all__ = ["check_calls", "in_order"]

K = TypeVar("K", bound=Hashable)

_MOST_NODES = 1_000_000
"""Maximum number of nodes of a model after replacing all calls. No real model has as many, and a
few hundred bytes can describe more than fits into any memory."""

_DEEPEST = 100
"""Maximum depth of calls, which NN runtimes follow recursively."""


def in_order(before: Mapping[K, Collection[K]]) -> list[K]:
    """The keys, each after its predecessors; anything that is not a key is left out. Raises
    ValueError for a cycle, with one of its keys."""
    missing = {key: sum(each in before for each in found) for key, found in before.items()}
    behind: dict[K, list[K]] = {}
    for key, found in before.items():
        for each in found:
            if each in before:
                behind.setdefault(each, []).append(key)
    done = [key for key, count in missing.items() if not count]
    for key in done:  # `done` grows in this loop
        for each in behind.get(key, ()):
            missing[each] -= 1
            if not missing[each]:
                done.append(each)
    if len(done) < len(before):
        raise ValueError(_in_circle(before, {key for key, count in missing.items() if count}))
    return done


def _in_circle(before: Mapping[K, Collection[K]], left: set[K]) -> K:
    """A key on a cycle, among keys that each have one of the others before them."""
    key, seen = next(iter(left)), set()
    while key not in seen:
        seen.add(key)
        key = next(each for each in before[key] if each in left)
    return key


def check_calls(calls: Mapping[K, Collection[K]], sizes: Mapping[K, int]) -> None:
    """Check functions. `calls` lists the calls of each function, and `sizes` counts its own nodes.
    Raises ValueError for functions that call themselves, and for more or deeper calls than any
    model has."""
    total: dict[K, int] = {}
    depth: dict[K, int] = {}
    for key in in_order(calls):
        called = [each for each in calls[key] if each in calls]
        total[key] = sizes[key] + sum(total[each] for each in called)
        depth[key] = 1 + max((depth[each] for each in called), default=0)
        if total[key] > _MOST_NODES or depth[key] > _DEEPEST:
            raise ValueError(key)

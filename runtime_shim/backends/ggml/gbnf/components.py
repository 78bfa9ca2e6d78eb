"""Parts of a directed graph within which everything leads to everything."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["components"]


def components(edges: Sequence[Sequence[int]]) -> list[list[int]]:
    """The strongly connected components (Kosaraju's algorithm), each after all that it leads to.
    `edges` has the nodes that each node leads to."""
    back: list[list[int]] = [[] for _ in edges]
    for node, following in enumerate(edges):
        for each in following:
            back[each].append(node)
    seen: set[int] = set()
    found = []
    for node in reversed(_finished(edges)):
        if node in seen:
            continue
        seen.add(node)
        component = [node]
        for member in component:
            for each in back[member]:
                if each not in seen:
                    seen.add(each)
                    component.append(each)
        found.append(component)
    return found[::-1]


def _finished(edges: Sequence[Sequence[int]]) -> list[int]:
    """All nodes, each after those that were first found from it."""
    seen: set[int] = set()
    order = []
    for start in range(len(edges)):
        if start in seen:
            continue
        seen.add(start)
        path = [(start, iter(edges[start]))]
        while path:
            node, left = path[-1]
            following = next((each for each in left if each not in seen), None)
            if following is None:
                order.append(node)
                path.pop()
            else:
                seen.add(following)
                path.append((following, iter(edges[following])))
    return order

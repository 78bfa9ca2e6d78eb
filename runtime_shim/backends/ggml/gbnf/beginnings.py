"""In how many ways rules of a grammar can begin.

llama.cpp follows the first rules of a rule wherever they are first, again and again, and for ever
if a rule can begin with itself in a way that it does not notice.

https://github.com/ggml-org/llama.cpp/blob/master/src/llama-grammar.cpp
(llama_grammar_detect_left_recursion, llama_grammar_advance_stack)
"""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

from runtime_shim.backends.ggml.gbnf.items import Item, refuse, too_large

__all__ = ["can_be_empty", "ways_to_begin"]

_MOST_WAYS = 4000
"""In which one rule may begin, and rules one within the other."""

_MOST_VISITS = 20_000_000
"""How often llama.cpp may look at a rule while it searches for rules that begin with themselves."""


def can_be_empty(rules: list[list[tuple[Item, ...]]]) -> frozenset[int]:
    """The rules that nothing at all fits."""
    left: list[int] = []  # for each alternative of rules only: how many of them are not known
    owner: list[int] = []
    users: dict[int, list[int]] = {}
    todo = []
    for number, alternatives in enumerate(rules):
        for alternative in alternatives:
            if not alternative:
                todo.append(number)
                continue
            others = [item for item in alternative if isinstance(item, int)]
            if len(others) == len(alternative):
                for item in others:
                    users.setdefault(item, []).append(len(left))
                left.append(len(others))
                owner.append(number)
    found: set[int] = set()
    while todo:
        number = todo.pop()
        if number not in found:
            found.add(number)
            for user in users.get(number, ()):
                left[user] -= 1
                if not left[user]:
                    todo.append(owner[user])
    return frozenset(found)


def ways_to_begin(rules: list[list[tuple[Item, ...]]], empty: frozenset[int]) -> tuple[int, ...]:
    """For each rule. Raises HostError if one can begin with itself, or in too many ways."""
    first: dict[int, list[int]] = {}
    for number, alternatives in enumerate(rules):
        found = first[number] = []
        for alternative in alternatives:
            for item in alternative:
                if not isinstance(item, int):
                    break
                found.append(item)
                if item not in empty:
                    break
    try:
        order = list(TopologicalSorter(first).static_order())
    except CycleError:
        refuse("a rule can begin with itself (left recursion)")
    ways, depth = [0] * len(rules), [0] * len(rules)
    for number in order:
        ways[number] = len(rules[number]) + sum(1 + ways[each] for each in first[number])
        depth[number] = 1 + max((depth[each] for each in first[number]), default=0)
        if max(ways[number], depth[number]) > _MOST_WAYS:
            too_large("ways to begin a rule", _MOST_WAYS)
    if sum(ways) > _MOST_VISITS:
        too_large("ways to begin its rules", _MOST_VISITS)
    return tuple(ways)

"""In how many ways rules of a grammar can begin.

llama.cpp follows the first rules of a rule wherever they are first. It makes no stack twice, but
without end if a rule can begin with itself, in a way that it does not notice, and go on after that.

https://github.com/ggml-org/llama.cpp/blob/master/src/llama-grammar.cpp
(llama_grammar_detect_left_recursion, llama_grammar_advance_stack)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn

from runtime_shim.backends.ggml.gbnf.components import components
from runtime_shim.backends.ggml.gbnf.items import Item, refuse, too_large

__all__ = ["can_be_empty", "ways_to_begin"]

_MOST_WAYS = 10_000
"""In which one rule may begin."""

_DEEPEST = 4000
"""How many rules may begin one with the other. llama.cpp follows them recursively."""

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


def ways_to_begin(
    rules: list[list[tuple[Item, ...]]], empty: frozenset[int], root: int, names: list[str]
) -> tuple[int, ...]:
    """For each rule, the most stacks that llama.cpp makes when it begins with it. Raises HostError
    if a rule begins with itself so that it makes stacks without end, or if there are too many."""
    _check_left_recursion(rules, names)
    first = [list(_first(alternatives, empty)) for alternatives in rules]
    order = components([[item for item, _ in found] for found in first])
    home = {rule: number for number, component in enumerate(order) for rule in component}
    reached = _reached(rules, root)
    ways, depths = [0] * len(order), [0] * len(order)
    for number, component in enumerate(order):
        for rule in component:
            ways[number] += len(rules[rule])
            for item, is_last in first[rule]:
                within = home[item] == number
                if within and not is_last and rule in reached:
                    _begins_with_itself(names[rule])
                ways[number] += 1 if within else 1 + ways[home[item]]
                depths[number] = max(depths[number], 0 if within else depths[home[item]])
        depths[number] += len(component)
        if ways[number] > _MOST_WAYS:
            too_large("ways to begin a rule", _MOST_WAYS)
        if depths[number] > _DEEPEST:
            too_large("rules that begin one with the other", _DEEPEST)
    return tuple(ways[home[rule]] for rule in range(len(rules)))


def _first(
    alternatives: list[tuple[Item, ...]], empty: frozenset[int]
) -> Iterator[tuple[int, bool]]:
    """The rules that a rule can begin with, and whether each is the last item of its alternative.
    Then llama.cpp's stack does not grow: it makes one that it knows, if the rule is the same, and
    goes on with others. That is how a repetition of something empty ends: S' ::= S S' |."""
    for alternative in alternatives:
        for position, item in enumerate(alternative, 1):
            if not isinstance(item, int):
                break
            yield item, position == len(alternative)
            if item not in empty:
                break


def _check_left_recursion(rules: list[list[tuple[Item, ...]]], names: list[str]) -> None:
    """As llama.cpp does, for which only a rule with an empty alternative can be empty."""
    empty = frozenset(number for number, alternatives in enumerate(rules) if () in alternatives)
    first = [[item for item, _ in _first(alternatives, empty)] for alternatives in rules]
    visits = [0] * len(rules)
    for component in components(first):
        rule = component[0]
        if len(component) > 1 or rule in first[rule]:
            _begins_with_itself(names[min(component)])
        visits[rule] = 1 + sum(visits[item] for item in first[rule])
    if sum(visits) > _MOST_VISITS:
        too_large("ways to begin its rules", _MOST_VISITS)


def _begins_with_itself(name: str) -> NoReturn:
    refuse(f"the rule {name[:50]} can begin with itself (left recursion)")


def _reached(rules: list[list[tuple[Item, ...]]], root: int) -> set[int]:
    """The rules that a text may need."""
    reached, todo = {root}, [root]
    for rule in todo:
        for alternative in rules[rule]:
            for item in alternative:
                if isinstance(item, int) and item not in reached:
                    reached.add(item)
                    todo.append(item)
    return reached

"""Where an operator is in a model: alone, beside others, in a branch, in a loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from tests.support.tflite_models import Graph
from tests.tools.litert_operators.draft import BOOL, F32, I32, Case, Draft

__all__ = ["SETTINGS"]

ROUNDS = 2
LONG = 64


def alone(draft: Draft) -> Case:
    return draft.case()


def beside(draft: Draft) -> Case:
    """Others are before and behind it, whose results take the memory that it has or leaves."""
    outer = _outer(draft)
    outer.tensors, outer.fed = list(draft.tensors), dict(draft.fed)
    other = outer.given(F32, [LONG], constant=0)
    first = _longer(outer, other)
    outer.operators.extend(draft.operators)
    outer.outputs = [*draft.outputs, _longer(outer, _longer(outer, first))]
    return outer.case()


def in_branch(draft: Draft) -> Case:
    outer = _outer(draft)
    main = Graph(draft.tensors, draft.operators, list(draft.fed), draft.outputs)
    outer.graphs.append(main)
    chosen = outer.given(BOOL, [], constant=0)
    outer.fed[chosen] = np.array(True), np.array(True)
    inputs = [chosen, *(_fed(outer, draft, place) for place in draft.fed)]
    made = [_like(outer, draft, place) for place in draft.outputs]
    number = len(outer.graphs)
    outer.add("IF", inputs, made, "If", thenSubgraphIndex=number,
              elseSubgraphIndex=number).version = 1  # fmt: skip
    outer.outputs = made
    return outer.case()


def in_loop(draft: Draft) -> Case:
    """The body gives what it is given, and what it makes of that."""
    outer = _outer(draft)
    carried = [*draft.fed, *draft.outputs]
    body, condition = _outer(draft), _outer(draft)
    body.tensors, body.operators = list(draft.tensors), list(draft.operators)
    count = body.given(I32, [], constant=0)
    unused = [_like(body, draft, place) for place in draft.outputs]
    one, more = body.constant(I32, np.array(1, np.int32)), body.made(I32, [], exact=True)
    body.add("ADD", [count, one], [more], "Add").version = 1
    body.outputs = [more, *carried]
    counted = condition.given(I32, [], constant=0)
    others = [_like(condition, draft, place) for place in carried]
    most = condition.constant(I32, np.array(ROUNDS, np.int32))
    condition.outputs = [condition.made(BOOL, [], exact=True)]
    condition.add("LESS", [counted, most], condition.outputs, "Less").version = 1
    fields = {
        "bodySubgraphIndex": outer.graph(body, [count, *draft.fed, *unused]),
        "condSubgraphIndex": outer.graph(condition, [counted, *others]),
    }
    inputs = [outer.constant(I32, np.array(0, np.int32))]
    inputs += [_fed(outer, draft, place) for place in draft.fed]
    for place in draft.outputs:
        shape = [max(length, 1) for length in draft.tensors[place].dims]
        inputs.append(outer.constant(draft.kind(place), np.zeros(shape, draft.kind(place).dtype)))
    made = [outer.made(I32, [], exact=True), *(_like(outer, draft, place) for place in carried)]
    outer.add("WHILE", inputs, made, "While", **fields).version = 1
    outer.outputs = made[1 + len(draft.fed) :]
    return outer.case()


def _outer(draft: Draft) -> Draft:
    """One that may call what a draft calls."""
    made = Draft(np.random.default_rng(0))
    made.free, made.graphs = draft.free, list(draft.graphs)
    return made


def _like(outer: Draft, draft: Draft, place: int) -> int:
    outer.tensors.append(replace(draft.tensors[place], data=None))
    return len(outer.tensors) - 1


def _fed(outer: Draft, draft: Draft, place: int) -> int:
    made = _like(outer, draft, place)
    outer.fed[made] = draft.fed[place]
    return made


def _longer(draft: Draft, source: int) -> int:
    made = draft.made(F32, [LONG], exact=True)
    draft.add("CONCATENATION", [source, source], [made], "Concatenation", axis=0).version = 1
    return made


SETTINGS: Mapping[str, Callable[[Draft], Case]] = MappingProxyType(
    {"alone": alone, "beside": beside, "branch": in_branch, "loop": in_loop}
)
"""What they make of a draft: a model whose first outputs are the draft's."""

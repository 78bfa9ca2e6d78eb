"""Operators that call subgraphs, and those that keep something from one inference to the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from flatbuffers import flexbuffers

from tests.tools.litert_operators.draft import BOOL, F32, I32, I64, Draft, Kind
from tests.tools.litert_operators.elementwise import type_code

__all__ = ["RECIPES", "body"]

Recipe = Callable[[Draft], None]


def body(draft: Draft, kinds: Sequence[tuple[Kind, Sequence[int]]], step: str = "") -> int:
    """A subgraph that adds its first input to each, or returns it; and its number."""
    inner = Draft(draft.random)
    inner.free = draft.free
    places = [inner.given(kind, shape, constant=0) for kind, shape in kinds]
    for place, (kind, shape) in zip(places, kinds, strict=True):
        if not step:
            inner.outputs.append(place)
            continue
        made = inner.made(kind, shape)
        inner.add(step, [place, places[0]], [made], step.title())
    return draft.graph(inner, places)


def condition(draft: Draft, kind: Kind, shape: Sequence[int]) -> int:
    """A subgraph that compares a count, which comes first, with three."""
    inner = Draft(draft.random)
    count, other = inner.given(I32, [], constant=0), inner.given(kind, shape, constant=0)
    three, less = inner.constant(I32, np.array(3, np.int32)), inner.made(BOOL, [])
    inner.add("LESS", [count, three], [less], "Less")
    return draft.graph(inner, [count, other])


def counted(draft: Draft, kind: Kind, shape: Sequence[int]) -> int:
    """A subgraph that adds one to a count, and something to itself or to its end."""
    inner = Draft(draft.random)
    inner.free = True
    count, other = inner.given(I32, [], constant=0), inner.given(kind, shape, constant=0)
    one, more, made = inner.constant(I32, np.array(1, np.int32)), inner.made(I32, []), None
    inner.add("ADD", [count, one], [more], "Add")
    made = inner.made(kind, shape)
    if shape and draft.chance(0.5):
        inner.add("CONCATENATION", [other, other], [made], "Concatenation", axis=0)
    else:
        inner.add("ADD", [other, other], [made], "Add")
    return draft.graph(inner, [count, other])


def branches(name: str, draft: Draft) -> None:
    kind, shape = draft.one_of((F32, I32, I64)), draft.shape(0, 1, 2)
    both = [(kind, shape), (kind, shape)]
    called = [body(draft, both, step) for step in ("ADD", draft.one_of(("", "SUB")))]
    chosen = draft.given(BOOL, []) if name == "IF" else draft.given(I32, [], 0, 3)
    inputs = [chosen, *(draft.given(kind, shape) for _ in both)]
    outputs = [draft.made(kind, shape) for _ in both]
    if name == "IF":
        draft.add(name, inputs, outputs, "If", thenSubgraphIndex=called[0],
                  elseSubgraphIndex=called[1])  # fmt: skip
    else:
        draft.add(name, inputs, outputs, "StablehloCase", branchSubgraphIndices=called)


def loop(name: str, draft: Draft) -> None:
    kind, shape = draft.one_of((F32, I32)), draft.shape(0, 1, 2)
    fields = {"condSubgraphIndex": condition(draft, kind, shape),
              "bodySubgraphIndex": counted(draft, kind, shape)}  # fmt: skip
    inputs = [draft.given(I32, [], 0, 5), draft.given(kind, shape)]
    outputs = [draft.made(I32, []), draft.made(kind, shape)]
    draft.add(name, inputs, outputs, "While" if name == "WHILE" else "StablehloWhile", **fields)


def composite(name: str, draft: Draft) -> None:
    kind, shape = draft.one_of((F32, I32)), draft.shape(0, 1, 2)
    called = body(draft, [(kind, shape)] * 2, "ADD")
    inputs = [draft.given(kind, shape) for _ in range(2)]
    outputs = [draft.made(kind, shape) for _ in range(2)]
    if name == "CALL":
        draft.add(name, inputs, outputs, "Call", subgraph=called)
    else:
        attributes = np.frombuffer(flexbuffers.Dumps({"a": 1}), np.uint8)
        draft.add(name, inputs, outputs, "StableHLOComposite", name="some.name",
                  decompositionSubgraphIndex=called,
                  compositeAttributes=attributes)  # fmt: skip


def variables(draft: Draft) -> None:
    """Read, and assigned before, after, by a subgraph that is called once, or never."""
    kind, shape, when = draft.one_of((F32, I32, I64)), draft.shape(0, 1, 2), draft.number(0, 4)
    value = draft.given(kind, shape, constant=0)
    if when == 3:
        inner = Draft(draft.random)
        handle = inner.resource()
        inner.add("VAR_HANDLE", [], [handle], "VarHandle", sharedName="v", container="")
        first = inner.constant(kind, inner.values(kind, shape))
        inner.add("ASSIGN_VARIABLE", [handle, first], [], "AssignVariable")
        draft.add("CALL_ONCE", [], [], "CallOnce", initSubgraphIndex=draft.graph(inner, []))
    handle, read = draft.resource(), draft.made(kind, shape)
    draft.add("VAR_HANDLE", [], [handle], "VarHandle", sharedName="v", container="")
    if when == 0:
        draft.add("ASSIGN_VARIABLE", [handle, value], [], "AssignVariable")
    draft.add("READ_VARIABLE", [handle], [read], "ReadVariable")
    if when in (1, 3):
        total = draft.made(kind, shape)
        draft.add("ADD", [read, value], [total], "Add")
        draft.add("ASSIGN_VARIABLE", [handle, total], [], "AssignVariable")


def hashtable(draft: Draft) -> None:
    """Keys of int64 give strings, which a guest cannot read: what comes back is their count."""
    table = draft.resource()
    draft.add("HASHTABLE", [], [table], "Hashtable", tableId=1, keyDtype=type_code(I64),
              valueDtype=5)  # fmt: skip
    keys, values = draft.constant(I64, np.arange(2)), draft.constant(I32, np.zeros(2, np.int32))
    strings = np.frombuffer(np.array([2, 16, 17, 18], np.int32).tobytes() + b"ab", np.uint8)
    draft.tensors[values].code, draft.tensors[values].data = 5, strings
    if draft.chance(0.7):
        draft.add("HASHTABLE_IMPORT", [table, keys, values], [], "HashtableImport")
    draft.add("HASHTABLE_SIZE", [table], [draft.made(I64, [1])], "HashtableSize")
    shape = draft.shape(1)
    default = draft.constant(I32, np.zeros(1, np.int32))
    one = np.frombuffer(np.array([1, 12, 13], np.int32).tobytes() + b"z", np.uint8)
    draft.tensors[default].code, draft.tensors[default].data = 5, one
    found = draft.made(I32, shape, shown=False)
    draft.tensors[found].code = 5
    wanted = draft.given(I64, shape, 0, 4, constant=0)
    draft.add("HASHTABLE_FIND", [table, wanted, default], [found], "HashtableFind")
    draft.add("SHAPE", [found], [draft.made(I32, [1])], "Shape", outType=type_code(I32))


RECIPES: dict[str, Recipe] = {
    **{name: partial(branches, name) for name in ("IF", "STABLEHLO_CASE")},
    **{name: partial(loop, name) for name in ("WHILE", "STABLEHLO_WHILE")},
    **{name: partial(composite, name) for name in ("CALL", "STABLEHLO_COMPOSITE")},
    **dict.fromkeys(("VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL_ONCE"), variables),
    "HASHTABLE": hashtable, "HASHTABLE_FIND": hashtable, "HASHTABLE_IMPORT": hashtable,
    "HASHTABLE_SIZE": hashtable,
}  # fmt: skip

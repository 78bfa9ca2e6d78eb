"""Models whose steps are in branches and loops."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from tests.runtime_shim.backends.litert.test_litert_operators import (
    draft,
)
from tests.tools.litert_operators.draft import (
    BOOL,
    F32,
    I32,
    Draft,
    Kind,
)

Step = Callable[[Draft, int], int]
"""Adds operators that take a tensor, and returns the place of what they give."""


def branched(step: Step, kind: Kind, shape: Sequence[int], made: Sequence[int]) -> bytes:
    """A model that gives what a step makes of its second input if the first one is true, and else
    the same."""
    model = draft()
    inner = draft()
    given = inner.given(kind, shape, constant=0)
    inner.outputs = [step(inner, given)]
    called = model.graph(inner, [given])
    inputs = [model.given(BOOL, [], constant=0), model.given(kind, shape, constant=0)]
    model.add("IF", inputs, [model.made(kind, made, exact=True)], "If", thenSubgraphIndex=called,
              elseSubgraphIndex=called).version = 1  # fmt: skip
    return model.case().model


def of_two_subgraphs(step: Step) -> bytes:
    """A model with a step in a subgraph that nothing calls."""
    model, inner = draft(), draft()
    given = inner.given(F32, [3, 3], constant=0)
    inner.outputs = [step(inner, given)]
    model.graph(inner, [given])
    source, made = model.given(F32, [3, 3], constant=0), model.made(F32, [3, 3], exact=True)
    model.add("COS", [source], [made]).version = 1
    return model.case().model


def ints(model: Draft, values: npt.ArrayLike) -> int:
    return model.constant(I32, np.array(values, np.int32))


def row(number: int) -> Step:
    """Takes a row."""

    def step(model: Draft, source: int) -> int:
        made = model.made(F32, [2], exact=True)
        places = [ints(model, [each]) for each in (number, number + 1, 1)]
        model.add("STRIDED_SLICE", [source, *places], [made], "StridedSlice",
                  shrinkAxisMask=1).version = 1  # fmt: skip
        return made

    return step


def transposed(order: list[int], computed: bool = False) -> Step:
    def step(model: Draft, source: int) -> int:
        place, made = ints(model, order), model.made(F32, [2, 3], exact=True)
        if computed:
            zero, place = ints(model, [0, 0]), place
            total = model.made(I32, [2], shown=False)
            model.add("ADD", [zero, place], [total], "Add").version = 1
            place = total
        model.add("TRANSPOSE", [source, place], [made], "Transpose").version = 1
        return made

    return step


def reversed_by(lengths: list[int]) -> Step:
    def step(model: Draft, source: int) -> int:
        made = model.made(F32, [3, 2], exact=True)
        model.add("REVERSE_SEQUENCE", [source, ints(model, lengths)], [made], "ReverseSequence",
                  seqDim=1, batchDim=0).version = 1  # fmt: skip
        return made

    return step


def looked_up(place: int) -> Step:
    def step(model: Draft, source: int) -> int:
        made = model.made(F32, [1, 2], exact=True)
        weights = model.constant(F32, np.ones(1, np.float32))
        inputs = [ints(model, [1]), ints(model, [[place, 0]]), ints(model, [1, 1]), weights, source]
        model.add("EMBEDDING_LOOKUP_SPARSE", inputs, [made], "EmbeddingLookupSparse").version = 1
        return made

    return step


def filled(one: list[int], other: list[int]) -> Step:
    """To the shape that two go together to."""

    def step(model: Draft, source: int) -> int:
        shape = model.made(I32, [len(one)], shown=False)
        model.add("BROADCAST_ARGS", [ints(model, one), ints(model, other)], [shape]).version = 1
        made = model.made(F32, [3, 2], exact=True)
        model.add("BROADCAST_TO", [source, shape], [made]).version = 2
        return made

    return step


def summed(kind: Kind) -> Step:
    """Along the first dimension."""

    def step(model: Draft, source: int) -> int:
        made = model.made(kind, [2], exact=True)
        model.add("SUM", [source, ints(model, [0])], [made], "Reducer").version = 1
        return made

    return step


def looped(step: Step, made: Sequence[int], times: int, grows: bool = False) -> bytes:
    """A model that gives what a step makes of its second input in the last of some rounds; each
    makes that input longer by itself if it `grows`."""
    model, body, condition = draft(), draft(), draft()
    count, source = body.given(I32, [], constant=0), body.given(F32, [3, 2], constant=0)
    before, more = body.given(F32, made, constant=0), body.made(I32, [], exact=True)
    body.add("ADD", [count, ints(body, 1)], [more], "Add").version = 1
    given = step(body, source)
    if grows:
        longer = body.made(F32, [6, 2], exact=True)
        body.add("CONCATENATION", [source, source], [longer], "Concatenation", axis=0).version = 1
        source = longer
    body.outputs = [more, source, given]
    places = [condition.given(kind, shape, constant=0)
              for kind, shape in ((I32, []), (F32, [3, 2]), (F32, made))]  # fmt: skip
    condition.outputs = [condition.made(BOOL, [], exact=True)]
    condition.add("LESS", [places[0], ints(condition, times)], condition.outputs,
                  "Less").version = 1  # fmt: skip
    inputs = [ints(model, 0), model.given(F32, [3, 2], constant=0)]
    inputs.append(model.constant(F32, np.zeros(made, np.float32)))
    outputs = [model.made(kind, shape, exact=True)
               for kind, shape in ((I32, []), (F32, [3, 2]), (F32, made))]  # fmt: skip
    model.add("WHILE", inputs, outputs, "While",
              bodySubgraphIndex=model.graph(body, [count, places[1], before]),
              condSubgraphIndex=model.graph(condition, places)).version = 1  # fmt: skip
    model.outputs = outputs[2:]
    return model.case().model


def sized(number: int, shown: bool = False) -> Step:
    """Gives a tensor with one of its lengths added to it, or that length alone."""

    def step(model: Draft, source: int) -> int:
        shape, length = model.made(I32, [2], shown=False), model.made(I32, [], exact=True)
        model.add("SHAPE", [source], [shape], "Shape", outType=2).version = 1
        places = [ints(model, [each]) for each in (number, number + 1, 1)]
        model.add("STRIDED_SLICE", [shape, *places], [length], "StridedSlice",
                  shrinkAxisMask=1).version = 1  # fmt: skip
        if shown:
            return length
        real, made = model.made(F32, [], exact=True), model.made(F32, [3, 2], exact=True)
        model.add("CAST", [length], [real], "Cast").version = 1
        model.add("ADD", [source, real], [made], "Add").version = 1
        return made

    return step

"""Operators of StableHLO's that take more than their operands."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from tests.tools.litert_operators.control import body
from tests.tools.litert_operators.draft import (
    BOOL,
    F16,
    F32,
    I8,
    I16,
    I32,
    I64,
    U8,
    U32,
    U64,
    Draft,
    Kind,
)  # fmt: skip

__all__ = ["RECIPES"]

Recipe = Callable[[Draft], None]
KINDS = (F32, F32, I32, I64, I8, I16, F16, BOOL)


def pad(draft: Draft) -> None:
    kind, shape = draft.kind_of(KINDS), draft.shape(1, 2, 3, 4)
    edges = {
        word: np.array([draft.number(low, 3) for _ in shape], np.int64)
        for word, low in (("edgePaddingLow", -2), ("edgePaddingHigh", -2), ("interiorPadding", 0))
    }
    draft.add("STABLEHLO_PAD", [draft.given(kind, shape), draft.given(kind, [])],
              [draft.made(kind)], "StablehloPad", **edges)  # fmt: skip


def slices(draft: Draft) -> None:
    kind, shape = draft.kind_of(KINDS), draft.shape(1, 2, 3)
    start = np.array([draft.number(0, n) for n in shape], np.int64)
    draft.add("STABLEHLO_SLICE", [draft.given(kind, shape)], [draft.made(kind)], "StablehloSlice",
              startIndices=start, limitIndices=np.array(shape, np.int64),
              strides=np.array([draft.number(1, 3) for _ in shape], np.int64))  # fmt: skip


def dynamic_slice(draft: Draft) -> None:
    kind, shape = draft.kind_of(KINDS), draft.shape(1, 2, 3)
    size = np.array([draft.number(0, n + 1) for n in shape], np.int64)
    starts = [draft.indices([], n) for n in shape]
    draft.add("STABLEHLO_DYNAMIC_SLICE", [draft.given(kind, shape), *starts],
              [draft.made(kind, size.tolist())], "StablehloDynamicSlice",
              sliceSizes=size)  # fmt: skip


def dynamic_update(draft: Draft) -> None:
    kind, shape = draft.kind_of(KINDS), draft.shape(1, 2, 3)
    part = [draft.number(0, n + 1) for n in shape]
    starts = [draft.indices([], n) for n in shape]
    draft.add("STABLEHLO_DYNAMIC_UPDATE_SLICE",
              [draft.given(kind, shape), draft.given(kind, part), *starts],
              [draft.made(kind, shape)])  # fmt: skip


def gather(draft: Draft) -> None:
    kind, shape, rows = draft.kind_of(KINDS), draft.shape(1, 2, 3), draft.shape(1)
    depth = draft.number(1, len(shape) + 1)
    sizes = [1] * depth + shape[depth:]
    places = draft.indices([*rows, depth], min(shape[:depth]), draft.one_of((I32, I64)))
    draft.add("STABLEHLO_GATHER", [draft.given(kind, shape), places],
              [draft.made(kind, [*rows, *shape[depth:]])], "StablehloGather",
              offsetDims=np.arange(1, 1 + len(shape) - depth, dtype=np.int64),
              collapsedSliceDims=np.arange(depth, dtype=np.int64),
              startIndexMap=np.arange(depth, dtype=np.int64), indexVectorDim=1,
              sliceSizes=np.array(sizes, np.int64))  # fmt: skip


def scatter(draft: Draft) -> None:
    kind, shape, rows = draft.kind_of((F32, I32, I64)), draft.shape(1, 2, 3), draft.shape(1)
    depth = draft.number(1, len(shape) + 1)
    places = draft.indices([*rows, depth], min(shape[:depth]), draft.one_of((I32, I64)))
    updates = draft.given(kind, [*rows, *shape[depth:]])
    draft.add("STABLEHLO_SCATTER", [draft.given(kind, shape), places, updates],
              [draft.made(kind, shape)], "StablehloScatter", indexVectorDim=1,
              updateWindowDims=np.arange(1, 1 + len(shape) - depth, dtype=np.int64),
              insertedWindowDims=np.arange(depth, dtype=np.int64),
              scatterDimsToOperandDims=np.arange(depth, dtype=np.int64),
              updateComputationSubgraphIndex=_combine(draft, kind, own=True))  # fmt: skip


def _combine(draft: Draft, kind: Kind, own: bool = False) -> int:
    inner = Draft(draft.random)
    inner.free = False
    places = [inner.given(kind, [], constant=0) for _ in range(2)]
    name, options = draft.one_of((("ADD", "Add"), ("MUL", "Mul"), ("MAXIMUM", "MaximumMinimum")))
    if own or draft.chance(0.5):
        words = ("ADD", "MULTIPLY", "MAXIMUM", "MINIMUM")
        name, options = f"STABLEHLO_{draft.one_of(words)}", ""
    inner.add(name, places, [inner.made(kind, [])], options)
    return draft.graph(inner, places)


def reduce(draft: Draft) -> None:
    kind, shape = draft.kind_of((F32, I32)), draft.shape(1, 2, 3)
    axes = np.array([axis for axis in range(len(shape)) if draft.chance(0.5)], np.int64)
    draft.add("STABLEHLO_REDUCE", [draft.given(kind, shape), draft.given(kind, [])],
              [draft.made(kind)], "StablehloReduce", dimensions=axes,
              bodySubgraphIndex=_combine(draft, kind))  # fmt: skip


def windows(draft: Draft) -> None:
    kind, shape = draft.kind_of((F32, I32, I64)), draft.shape(1, 2, 3, 4)

    def each(low: int, high: int) -> np.typing.NDArray[np.int64]:
        return np.array([draft.number(low, high) for _ in shape], np.int64)

    padding = draft.random.integers(-1 if draft.chance(0.2) else 0, 3, 2 * len(shape))
    draft.add("STABLEHLO_REDUCE_WINDOW", [draft.given(kind, shape), draft.given(kind, [])],
              [draft.made(kind)], "StablehloReduceWindow", windowDimensions=each(1, 4),
              windowStrides=each(1, 3), baseDilations=each(1, 3), windowDilations=each(1, 3),
              padding=padding, bodySubgraphIndex=_combine(draft, kind))  # fmt: skip


def reduce_window(draft: Draft) -> None:
    kind, shape = draft.kind_of((F32, I32, I64, I8, U8, BOOL)), draft.shape(1, 2, 3)
    inputs = [draft.given(kind, shape), draft.given(kind, [])]
    for low, high in ((1, 4), (1, 3), (1, 3)):
        numbers = [draft.number(low, high) for _ in shape]
        inputs.append(draft.constant(I64, np.array(numbers)))
    draft.add("REDUCE_WINDOW", inputs, [draft.made(kind)], "ReduceWindow",
              reduceFunction=draft.number(1, 7))  # fmt: skip


def dilate(draft: Draft) -> None:
    kind, shape = draft.kind_of(KINDS), draft.shape(1, 2, 3, 4)
    factors = draft.parameter([draft.number(1, 4) for _ in shape])
    draft.add("DILATE", [draft.given(kind, shape), factors, draft.given(kind, [])],
              [draft.made(kind)], "Dilate")  # fmt: skip


def generator(draft: Draft) -> None:
    kind, shape = draft.kind_of((I32, I64, U32, U64)), draft.shape(1, 2)
    algorithm = draft.number(0, 3)
    state = [draft.one_of((2, 3)) if algorithm == 1 else 2]
    draft.add("STABLEHLO_RNG_BIT_GENERATOR", [draft.given(U64, state)],
              [draft.made(U64, state, exact=True), draft.made(kind, shape)],
              "StablehloRngBitGenerator", algorithm=algorithm)  # fmt: skip


def iota(draft: Draft) -> None:
    kind, shape = draft.kind_of(KINDS), draft.shape(1, 2, 3)
    draft.add("STABLEHLO_IOTA", [], [draft.made(kind, shape)], "StablehloIota",
              iotaDimension=draft.number(0, len(shape)))  # fmt: skip


def in_dimensions(draft: Draft) -> None:
    kind, shape = draft.kind_of(KINDS), draft.shape(1, 2, 3)
    kept = [axis for axis in range(len(shape)) if draft.chance(0.6)]
    source = draft.given(kind, [shape[axis] for axis in kept])
    draft.add("STABLEHLO_BROADCAST_IN_DIM", [source], [draft.made(kind, shape)],
              "StablehloBroadcastInDim", broadcastDimensions=np.array(kept, np.int64))  # fmt: skip


def clamp(draft: Draft) -> None:
    kind, shape = draft.kind_of(KINDS), draft.shape()
    inputs = [draft.given(kind, []), draft.given(kind, shape), draft.given(kind, [])]
    draft.add("STABLEHLO_CLAMP", inputs, [draft.made(kind, shape)])


def reshape(draft: Draft) -> None:
    kind, shape = draft.kind_of(KINDS), draft.shape(1, 2, 3)
    draft.add("STABLEHLO_RESHAPE", [draft.given(kind, shape)], [draft.made(kind, shape[::-1])])


def sort(draft: Draft) -> None:
    kind, shape = draft.kind_of((F32, I32)), draft.shape(1, 2)
    draft.add("STABLEHLO_SORT", [draft.given(kind, shape)], [draft.made(kind, shape)],
              "StablehloSort", dimension=len(shape) - 1,
              comparatorSubgraphIndex=body(draft, [(kind, []), (kind, [])], "ADD"))  # fmt: skip


def dot(draft: Draft) -> None:
    n, k, m = draft.shape(3)
    none = np.array([], np.int64)
    draft.add("STABLEHLO_DOT_GENERAL", [draft.given(F32, [n, k]), draft.given(F32, [k, m])],
              [draft.made(F32, [n, m])], "StablehloDotGeneral", lhsBatchingDimensions=none,
              rhsBatchingDimensions=none, lhsContractingDimensions=np.array([1], np.int64),
              rhsContractingDimensions=np.array([0], np.int64))  # fmt: skip


def same(name: str, draft: Draft) -> None:
    """What has no kernel, with an operand."""
    shape = draft.shape()
    options = {"STABLEHLO_CUSTOM_CALL": "StablehloCustomCall",
               "STABLEHLO_CONVOLUTION": "StablehloConvolution", "DENSIFY": "Densify",
               "SKIP_GRAM": "SkipGram", "CONCAT_EMBEDDINGS": "ConcatEmbeddings"}  # fmt: skip
    draft.add(name, [draft.given(F32, shape)], [draft.made(F32, shape)], options.get(name, ""))


RECIPES: dict[str, Recipe] = {
    "STABLEHLO_PAD": pad, "STABLEHLO_SLICE": slices, "STABLEHLO_DYNAMIC_SLICE": dynamic_slice,
    "STABLEHLO_DYNAMIC_UPDATE_SLICE": dynamic_update, "STABLEHLO_GATHER": gather,
    "STABLEHLO_SCATTER": scatter, "STABLEHLO_REDUCE": reduce, "STABLEHLO_REDUCE_WINDOW": windows,
    "REDUCE_WINDOW": reduce_window, "DILATE": dilate, "STABLEHLO_RNG_BIT_GENERATOR": generator,
    "STABLEHLO_IOTA": iota, "STABLEHLO_BROADCAST_IN_DIM": in_dimensions, "STABLEHLO_CLAMP": clamp,
    "STABLEHLO_RESHAPE": reshape, "STABLEHLO_SORT": sort, "STABLEHLO_DOT_GENERAL": dot,
    **{name: partial(same, name) for name in (
        "STABLEHLO_CUSTOM_CALL", "STABLEHLO_CONVOLUTION", "DENSIFY", "SKIP_GRAM",
        "CONCAT_EMBEDDINGS", "DELEGATE", "PLACEHOLDER_FOR_GREATER_OP_CODES")},
}  # fmt: skip

"""Operators that move elements: by shapes, by indices, by what the elements are."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from tests.tools.litert_operators.draft import (
    ALL,
    BOOL,
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    Q8,
    Q16,
    QU8,
    U8,
    Draft,
)  # fmt: skip
from tests.tools.litert_operators.elementwise import type_code

__all__ = ["RECIPES"]

Recipe = Callable[[Draft], None]
MOVED = (F32, F32, I32, I64, U8, I8, I16, BOOL, Q8, QU8, Q16, F64)
INDICES = (I32, I32, I64)


def reshape(draft: Draft) -> None:
    kind, shape = draft.kind_of(ALL), draft.shape()
    after = [int(np.prod(shape))] if draft.chance(0.5) else shape[::-1]
    asked = [-1, *after[1:]] if draft.chance(0.3) else after
    inputs = [draft.given(kind, shape)]
    if draft.chance(0.7):
        inputs.append(draft.parameter(asked))
        draft.add("RESHAPE", inputs, [draft.made(kind, after)])
    else:
        draft.add("RESHAPE", inputs, [draft.made(kind, after)], "Reshape", newShape=asked)


def squeeze(draft: Draft) -> None:
    kind, shape = draft.kind_of(MOVED), [*draft.shape(0, 1, 2), 1]
    draft.add("SQUEEZE", [draft.given(kind, shape)], [draft.made(kind, shape[:-1])], "Squeeze",
              squeezeDims=draft.one_of(([], [-1], [len(shape) - 1])))  # fmt: skip


def expand(draft: Draft) -> None:
    kind, shape = draft.kind_of(MOVED), draft.shape(0, 1, 2, 3)
    axis = draft.number(-len(shape) - 1, len(shape) + 1)
    draft.add("EXPAND_DIMS", [draft.given(kind, shape), draft.parameter(axis)],
              [draft.made(kind)], "ExpandDims")  # fmt: skip


def transpose(name: str, draft: Draft) -> None:
    kind, shape = draft.kind_of(MOVED), draft.shape(0, 1, 2, 3, 4, 5, 6)
    order = [int(axis) for axis in draft.random.permutation(len(shape))]
    if order and draft.chance(0.1):
        order[0] = draft.number(-len(shape), len(shape) + 1)
    after = [shape[axis] if -len(shape) <= axis < len(shape) else 1 for axis in order]
    source, made = draft.given(kind, shape), draft.made(kind, after)
    if name == "TRANSPOSE":
        draft.add(name, [source, draft.parameter(order)], [made], "Transpose")
    else:
        draft.add(name, [source], [made], "StablehloTranspose", permutation=order)


def concatenation(name: str, draft: Draft) -> None:
    kind, shape = draft.kind_of(MOVED), draft.shape()
    axis = draft.number(-len(shape), len(shape))
    inputs = []
    for _ in range(draft.number(1, 5)):
        shape[axis] = draft.length()
        inputs.append(draft.given(kind, shape))
    if name == "CONCATENATION":
        draft.add(name, inputs, [draft.made(kind)], "Concatenation", axis=axis)
    else:
        draft.add(name, inputs, [draft.made(kind)], "StablehloConcatenate",
                  dimension=axis % len(shape))  # fmt: skip


def pack(draft: Draft) -> None:
    kind, shape, count = draft.kind_of(MOVED), draft.shape(0, 1, 2, 3), draft.number(1, 5)
    inputs = [draft.given(kind, shape) for _ in range(count)]
    axis = draft.number(-len(shape) - 1, len(shape) + 1)
    draft.add("PACK", inputs, [draft.made(kind)], "Pack", axis=axis, valuesCount=count)


def unpack(draft: Draft) -> None:
    kind, shape = draft.kind_of(MOVED), draft.shape()
    axis = draft.number(-len(shape), len(shape))
    count = shape[axis]
    draft.add("UNPACK", [draft.given(kind, shape)],
              [draft.made(kind) for _ in range(count)], "Unpack", axis=axis, num=count)  # fmt: skip


def split(name: str, draft: Draft) -> None:
    kind, shape, count = draft.kind_of(MOVED), draft.shape(), draft.number(1, 4)
    axis = draft.number(-len(shape), len(shape))
    sizes = [draft.length() for _ in range(count)]
    if name == "SPLIT":
        sizes = [draft.length()] * count
    shape[axis] = sum(sizes)
    source = draft.given(kind, shape)
    made = [draft.made(kind) for _ in range(count)]
    if name == "SPLIT":
        draft.add(name, [draft.parameter(axis), source], made, "Split", numSplits=count)
        return
    if draft.chance(0.2):
        sizes[0] = draft.number(-1, 9)
    inputs = [source, draft.parameter(sizes, draft.one_of(INDICES)), draft.parameter(axis)]
    draft.add(name, inputs, made, "SplitV", numSplits=count)


def pad(name: str, draft: Draft) -> None:
    kind, shape = draft.kind_of(MOVED), draft.shape(1, 2, 3, 4, 4, 5)
    low = -1 if draft.chance(0.1) else 0
    amounts = draft.random.integers(low, 3, (len(shape), 2))
    source = draft.given(kind, shape)
    inputs = [source, draft.parameter(amounts, draft.one_of(INDICES))]
    if name == "PADV2":
        inputs.append(draft.given(kind, []))
    fields = {"mode": draft.number(0, 2)} if name == "MIRROR_PAD" else {}
    options = {"PAD": "Pad", "PADV2": "PadV2", "MIRROR_PAD": "MirrorPad"}[name]
    made = draft.made(kind, [n + int(a) for n, a in zip(shape, amounts.sum(1), strict=True)])
    draft.add(name, inputs, [made], options, **fields)


def cut(name: str, draft: Draft) -> None:
    kind, shape = draft.kind_of(MOVED), draft.shape(1, 2, 3, 4, 5)
    begin = [draft.number(0, length + 1) for length in shape]
    size = [draft.number(0, length - start + 1) for start, length in zip(begin, shape, strict=True)]
    if draft.chance(0.2):
        size[0] = -1
    if draft.chance(0.1):
        begin[0] = draft.number(-3, 9)
    source, index = draft.given(kind, shape), draft.one_of(INDICES)
    if name == "SLICE":
        inputs = [source, draft.parameter(begin, index), draft.parameter(size, index)]
        draft.add(name, inputs, [draft.made(kind, [max(n, 0) for n in size])], "Slice")
        return
    steps = [draft.one_of((1, 1, 2, -1, -2)) for _ in shape]
    end = [start + length for start, length in zip(begin, size, strict=True)]
    if draft.chance(0.2):
        begin, end, steps = begin[:-1], end[:-1], steps[:-1]
    masks = {
        f"{word}Mask": draft.number(0, 8) if draft.chance(0.3) else 0
        for word in ("begin", "end", "shrinkAxis", "newAxis")
    }
    if draft.chance(0.1):
        masks["ellipsisMask"] = 1 << draft.number(0, 3)
    inputs = [source, *(draft.parameter(each) for each in (begin, end, steps))]
    draft.add(name, inputs, [draft.made(kind)], "StridedSlice", **masks)


def gather(draft: Draft) -> None:
    kind, shape = draft.kind_of(MOVED), draft.shape(1, 2, 3, 4)
    axis = draft.number(-len(shape), len(shape))
    batch = draft.number(0, axis % len(shape) + 1) if draft.chance(0.3) else 0
    places = draft.indices([*shape[:batch], *draft.shape(0, 1, 2)], shape[axis],
                           draft.one_of((*INDICES, I16)))  # fmt: skip
    draft.add("GATHER", [draft.given(kind, shape), places], [draft.made(kind)], "Gather",
              axis=axis, batchDims=batch)  # fmt: skip


def gather_nd(draft: Draft) -> None:
    kind, shape = draft.kind_of(MOVED), draft.shape(1, 2, 3, 4)
    depth = draft.number(0, len(shape) + 1)
    places = draft.indices([*draft.shape(0, 1, 2), depth], min(shape[:depth], default=1),
                           draft.one_of((*INDICES, I16)))  # fmt: skip
    draft.add("GATHER_ND", [draft.given(kind, shape), places], [draft.made(kind)], "GatherNd")


def scatter_nd(draft: Draft) -> None:
    kind, shape = draft.kind_of(MOVED), draft.shape(1, 2, 3)
    depth, rows = draft.number(1, len(shape) + 1), draft.shape(1, 2)
    index = draft.one_of(INDICES)
    places = draft.indices([*rows, depth], min(shape[:depth]), index)
    updates = draft.given(kind, [*rows, *shape[depth:]])
    draft.add("SCATTER_ND", [places, updates, draft.parameter(shape, index)],
              [draft.made(kind, shape)], "ScatterNd")  # fmt: skip


def sparse_to_dense(draft: Draft) -> None:
    kind, shape, count = draft.kind_of((F32, I32, I64, I8, U8)), draft.shape(1, 2, 3, 4), 3
    index = draft.one_of(INDICES)
    rows = [count, len(shape)] if len(shape) > 1 or draft.chance(0.5) else [count]
    places = draft.indices(rows, min(shape), index)
    values = draft.given(kind, [count] if draft.chance(0.7) else [])
    draft.add("SPARSE_TO_DENSE", [places, draft.parameter(shape, index), values,
                                  draft.given(kind, [])],
              [draft.made(kind, shape)], "SparseToDense",
              validateIndices=draft.chance(0.5))  # fmt: skip


def tile(draft: Draft) -> None:
    kind, shape = draft.kind_of(MOVED), draft.shape(0, 1, 2, 3, 4)
    times = [draft.one_of((0, 1, 1, 2, 3)) for _ in shape]
    if times and draft.chance(0.05):
        times[0] = -1
    draft.add("TILE", [draft.given(kind, shape), draft.parameter(times, draft.one_of(INDICES))],
              [draft.made(kind)], "Tile")  # fmt: skip


def broadcast(name: str, draft: Draft) -> None:
    kind, shape = draft.kind_of(MOVED), draft.shape(1, 2, 3, 4, 5)
    small = [1 if draft.chance(0.4) else n for n in shape][draft.number(0, len(shape)) :]
    index = draft.one_of(INDICES)
    if name == "BROADCAST_TO":
        draft.add(name, [draft.given(kind, small), draft.parameter(shape, index)],
                  [draft.made(kind, shape)], "BroadcastTo")  # fmt: skip
    else:
        draft.add(name, [draft.parameter(small, index), draft.parameter(shape, index)],
                  [draft.made(index, [len(shape)])])  # fmt: skip


def fill(draft: Draft) -> None:
    kind, shape = draft.kind_of(MOVED), draft.shape(0, 1, 2, 4)
    dims = draft.parameter(np.array(shape, np.int32), draft.one_of(INDICES))
    draft.add("FILL", [dims, draft.given(kind, [])], [draft.made(kind, shape)], "Fill")


def counting(draft: Draft) -> None:
    kind = draft.one_of((I32, F32, I64))
    start, stop, step = draft.number(-5, 5), draft.number(-5, 9), draft.one_of((1, 2, -1, 0))
    inputs = [draft.parameter(value, kind) for value in (start, stop, step)]
    draft.add("RANGE", inputs, [draft.made(kind)], "Range")


def one_hot(draft: Draft) -> None:
    kind, shape = draft.kind_of((F32, I32, I64, I8, U8, BOOL)), draft.shape(0, 1, 2, 3)
    depth = draft.length()
    inputs = [draft.indices(shape, depth, draft.one_of(INDICES)), draft.parameter(depth),
              draft.given(kind, []), draft.given(kind, [])]  # fmt: skip
    draft.add("ONE_HOT", inputs, [draft.made(kind)], "OneHot",
              axis=draft.number(-1, len(shape) + 1))  # fmt: skip


def extreme(name: str, draft: Draft) -> None:
    kind, shape = draft.kind_of((F32, I32, Q8, QU8, BOOL, I16)), draft.shape(1, 2, 3, 4)
    result = draft.one_of((I32, I64))
    axis = draft.parameter(draft.number(-len(shape), len(shape)), draft.one_of(INDICES))
    options = {"ARG_MAX": "ArgMax", "ARG_MIN": "ArgMin"}[name]
    draft.add(name, [draft.given(kind, shape), axis], [draft.made(result)], options,
              outputType=type_code(result))  # fmt: skip


def top(draft: Draft) -> None:
    kind, shape = draft.kind_of((F32, I32, I64, Q8, QU8, I16)), draft.shape(1, 2, 3)
    result = draft.one_of((I32, I16)) if draft.chance(0.2) else I32
    count = draft.parameter(draft.number(0, shape[-1] + 1), draft.one_of((I32, I32, I16)))
    draft.add("TOPK_V2", [draft.given(kind, shape), count],
              [draft.made(kind), draft.made(result)], "TopKV2")  # fmt: skip


def where(draft: Draft) -> None:
    kind, shape = draft.kind_of((BOOL, BOOL, F32, I32, I64, I8, U8)), draft.shape(0, 1, 2, 3, 4)
    draft.add("WHERE", [draft.given(kind, shape)], [draft.made(I64)], "Where")


def unique(draft: Draft) -> None:
    kind, result = draft.kind_of((F32, I32, I64, U8, I8, I16)), draft.one_of((I32, I64))
    shape = draft.shape(1, 1, 1, 2)
    draft.add("UNIQUE", [draft.given(kind, shape)], [draft.made(kind), draft.made(result, shape)],
              "Unique", idxOutType=type_code(result))  # fmt: skip


RECIPES: dict[str, Recipe] = {
    "RESHAPE": reshape, "SQUEEZE": squeeze, "EXPAND_DIMS": expand, "PACK": pack, "UNPACK": unpack,
    "GATHER": gather, "GATHER_ND": gather_nd, "SCATTER_ND": scatter_nd, "TILE": tile,
    "SPARSE_TO_DENSE": sparse_to_dense, "FILL": fill, "RANGE": counting, "ONE_HOT": one_hot,
    "TOPK_V2": top, "WHERE": where, "UNIQUE": unique,
    **{name: partial(transpose, name) for name in ("TRANSPOSE", "STABLEHLO_TRANSPOSE")},
    **{name: partial(concatenation, name) for name in ("CONCATENATION", "STABLEHLO_CONCATENATE")},
    **{name: partial(split, name) for name in ("SPLIT", "SPLIT_V")},
    **{name: partial(pad, name) for name in ("PAD", "PADV2", "MIRROR_PAD")},
    **{name: partial(cut, name) for name in ("SLICE", "STRIDED_SLICE")},
    **{name: partial(broadcast, name) for name in ("BROADCAST_TO", "BROADCAST_ARGS")},
    **{name: partial(extreme, name) for name in ("ARG_MAX", "ARG_MIN")},
}  # fmt: skip

"""Operators that move elements: by shapes, by indices, by what the elements are."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from tests.litert_operators.draft import (
    ALL, BOOL, C64, F32, F64, I8, I16, I32, I64, Q8, Q16, QU8, U8, Draft, Kind,
)  # fmt: skip
from tests.litert_operators.elementwise import type_code
from tests.tflite_models import schema

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
    source, made = draft.given(kind, shape), draft.made(kind, [shape[axis % len(shape)] if axis
                                                                < len(shape) else 1 for axis in order])  # fmt: skip
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


def suppression(name: str, draft: Draft) -> None:
    boxes, most = draft.length(), draft.number(0, 9)
    scores = [F32, [boxes]]
    inputs = [draft.given(F32, [boxes, 4]), draft.given(*scores), draft.parameter(most)]
    inputs += [draft.constant(F32, np.array(0.5, np.float32)) for _ in range(2)]
    if name == "NON_MAX_SUPPRESSION_V5":
        inputs.append(draft.given(F32, [], 0, 1))
        outputs = [draft.made(I32, [most]), draft.made(F32, [most]), draft.made(I32, [])]
    else:
        outputs = [draft.made(I32, [most]), draft.made(I32, [])]
    options = name.title().replace("_", "").replace("NonMax", "NonMax")
    draft.add(name, inputs, outputs, options)


def reverse(name: str, draft: Draft) -> None:
    kind, shape = draft.kind_of(MOVED), draft.shape(1, 2, 3, 4)
    source, made = draft.given(kind, shape), draft.made(kind, shape)
    if name == "REVERSE_V2":
        axes = [axis for axis in range(len(shape)) if draft.chance(0.5)] or [0]
        draft.add(name, [source, draft.parameter(axes)], [made], "ReverseV2")
        return
    axis = draft.number(0, len(shape))
    batch = (axis + draft.number(0 if draft.chance(0.1) else 1, len(shape))) % len(shape)
    lengths = draft.indices([shape[batch]], shape[axis] + 1, draft.one_of(INDICES))
    draft.add(name, [source, lengths], [made], "ReverseSequence", seqDim=axis, batchDim=batch)


def diagonal(name: str, draft: Draft) -> None:
    kind, shape = draft.kind_of(MOVED), draft.shape(1, 2, 3)
    if name == "MATRIX_DIAG":
        made = draft.made(kind, [*shape, shape[-1]])
        draft.add(name, [draft.given(kind, shape)], [made], "MatrixDiag")
        return
    shape = [*shape, draft.length()]
    source, less = draft.given(kind, shape), draft.given(kind, [*shape[:-2], min(shape[-2:])])
    draft.add(name, [source, less], [draft.made(kind, shape)], "MatrixSetDiag")


def segments(name: str, draft: Draft) -> None:
    kind, shape, count = draft.kind_of((F32, I32)), draft.shape(1, 2, 3), draft.length()
    source = draft.given(kind, shape)
    if name == "SEGMENT_SUM":
        order = np.cumsum(draft.values(I32, [shape[0]], 0, 2), dtype=np.int32)
        order -= order[0] if order.size else 0
        ids = draft.parameter(order) if draft.chance(0.8) else draft.indices([shape[0]], 4)
        draft.add(name, [source, ids], [draft.made(kind)], "SegmentSum")
        return
    axes = draft.number(1, len(shape) + 1)
    inputs = [source, draft.indices(shape[:axes], count), draft.parameter(count)]
    draft.add(name, inputs, [draft.made(kind)], f"{name.title().replace('_', '')}")


def update_slice(draft: Draft) -> None:
    kind, shape = draft.kind_of(MOVED), draft.shape(1, 2, 3, 4)
    part = [draft.number(0, n + 1) for n in shape]
    starts = draft.indices([len(shape)], 3, draft.one_of(INDICES))
    draft.add("DYNAMIC_UPDATE_SLICE", [draft.given(kind, shape), draft.given(kind, part), starts],
              [draft.made(kind, shape)], "DynamicUpdateSlice")  # fmt: skip


def blocks(name: str, draft: Draft) -> None:
    kind, size = draft.kind_of((F32, Q8, QU8, I32, I64)), draft.number(1, 4)
    n, h, w, c = draft.shape(4)
    if name == "SPACE_TO_DEPTH":
        source = draft.given(kind, [n, h * size, w * size, c])
        draft.add(name, [source], [draft.made(kind, [n, h, w, c * size * size])], "SpaceToDepth",
                  blockSize=size)  # fmt: skip
    elif name == "DEPTH_TO_SPACE":
        source = draft.given(kind, [n, h, w, c * size * size])
        draft.add(name, [source], [draft.made(kind, [n, h * size, w * size, c])], "DepthToSpace",
                  blockSize=size)  # fmt: skip
    else:
        sizes = [size, draft.number(1, 3)][: 1 if draft.chance(0.2) else 2]
        more = draft.random.integers(0, 2, (len(sizes), 2)) if draft.chance(0.4) else None
        amounts = np.zeros((len(sizes), 2), np.int32) if more is None else more
        sides, spatial = [h, w][: len(sizes)], []
        if name == "SPACE_TO_BATCH_ND":
            spatial = [d * s - int(a.sum()) for d, s, a in zip(sides, sizes, amounts, strict=True)]
            spatial = [max(side, 0) for side in spatial]
        else:
            spatial, n = sides, n * int(np.prod(sizes))
        source = draft.given(kind, [n, *spatial, c])
        inputs = [source, draft.parameter(sizes), draft.parameter(amounts)]
        options = {"SPACE_TO_BATCH_ND": "SpaceToBatchND", "BATCH_TO_SPACE_ND": "BatchToSpaceND"}
        draft.add(name, inputs, [draft.made(kind)], options[name])


def bucketize(draft: Draft) -> None:
    kind, shape = draft.kind_of((F32, F64, I32, I64)), draft.shape()
    draft.add("BUCKETIZE", [draft.given(kind, shape)], [draft.made(I32, shape)], "Bucketize",
              boundaries=[-1.0, 0.0, 1.0][: draft.number(0, 4)])  # fmt: skip


def rfft(draft: Draft) -> None:
    shape = [*draft.shape(0, 1), draft.one_of((1, 2, 4, 8)), draft.one_of((1, 2, 4, 8))]
    size = [draft.one_of((1, 2, 4, 8, 3, 0)) for _ in range(2)]
    number = draft.made(C64, shape, shown=False)
    draft.add("RFFT2D", [draft.given(F32, shape), draft.parameter(size)], [number], "Rfft2d")
    for name in ("REAL", "IMAG"):
        draft.add(name, [number], [draft.made(F32, shape)])


RECIPES: dict[str, Recipe] = {
    "RESHAPE": reshape, "SQUEEZE": squeeze, "EXPAND_DIMS": expand, "PACK": pack, "UNPACK": unpack,
    "GATHER": gather, "GATHER_ND": gather_nd, "SCATTER_ND": scatter_nd, "TILE": tile,
    "SPARSE_TO_DENSE": sparse_to_dense, "FILL": fill, "RANGE": counting, "ONE_HOT": one_hot,
    "TOPK_V2": top, "WHERE": where, "UNIQUE": unique, "BUCKETIZE": bucketize, "RFFT2D": rfft,
    "DYNAMIC_UPDATE_SLICE": update_slice,
    **{name: partial(transpose, name) for name in ("TRANSPOSE", "STABLEHLO_TRANSPOSE")},
    **{name: partial(concatenation, name) for name in ("CONCATENATION", "STABLEHLO_CONCATENATE")},
    **{name: partial(split, name) for name in ("SPLIT", "SPLIT_V")},
    **{name: partial(pad, name) for name in ("PAD", "PADV2", "MIRROR_PAD")},
    **{name: partial(cut, name) for name in ("SLICE", "STRIDED_SLICE")},
    **{name: partial(broadcast, name) for name in ("BROADCAST_TO", "BROADCAST_ARGS")},
    **{name: partial(extreme, name) for name in ("ARG_MAX", "ARG_MIN")},
    **{name: partial(suppression, name)
       for name in ("NON_MAX_SUPPRESSION_V4", "NON_MAX_SUPPRESSION_V5")},
    **{name: partial(reverse, name) for name in ("REVERSE_V2", "REVERSE_SEQUENCE")},
    **{name: partial(diagonal, name) for name in ("MATRIX_DIAG", "MATRIX_SET_DIAG")},
    **{
        name: partial(segments, name)
        for name in ("SEGMENT_SUM", *(f"UNSORTED_SEGMENT_{word}" for word in ("MAX", "MIN", "PROD", "SUM")))
    },
    **{
        name: partial(blocks, name)
        for name in ("SPACE_TO_DEPTH", "DEPTH_TO_SPACE", "SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND")
    },
}  # fmt: skip

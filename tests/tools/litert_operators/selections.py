"""Operators that select, look up, reverse and divide."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from tests.tools.litert_operators.draft import C64, F32, F64, I8, I32, I64, Q8, QU8, U8, Draft
from tests.tools.litert_operators.places import INDICES, MOVED

__all__ = ["RECIPES"]

Recipe = Callable[[Draft], None]
UNSORTED = ("MAX", "MIN", "PROD", "SUM")


def suppression(name: str, draft: Draft) -> None:
    boxes, most = draft.length(), draft.number(0, 9)
    inputs = [draft.given(F32, [boxes, 4]), draft.given(F32, [boxes]), draft.parameter(most)]
    inputs += [draft.constant(F32, np.array(0.5, np.float32)) for _ in range(2)]
    if name == "NON_MAX_SUPPRESSION_V5":
        inputs.append(draft.given(F32, [], 0, 1))
        outputs = [draft.made(I32, [most]), draft.made(F32, [most]), draft.made(I32, [])]
    else:
        outputs = [draft.made(I32, [most]), draft.made(I32, [])]
    options = name.title().replace("_", "")
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


def embedding(draft: Draft) -> None:
    kind, shape = draft.kind_of((F32, F32, Q8, I8)), draft.shape(2, 3)
    places = draft.indices(draft.shape(1), shape[0])
    draft.add("EMBEDDING_LOOKUP", [places, draft.given(kind, shape, constant=0.6)],
              [draft.made(draft.one_of((kind, F32)))])  # fmt: skip


def sparse_embedding(draft: Draft) -> None:
    count, rows, shape = draft.length(), draft.length(), draft.shape(2, 3)
    places = np.zeros((count, 2), np.int32)
    places[:, 0] = np.sort(draft.values(I32, [count], 0, max(rows, 1)))
    draft.add("EMBEDDING_LOOKUP_SPARSE", [
        draft.indices([count], shape[0]), draft.parameter(places), draft.parameter([rows, 4]),
        draft.given(F32, [count]), draft.given(F32, shape)],
        [draft.made(F32, [rows, *shape[1:]])], "EmbeddingLookupSparse",
        combiner=draft.number(0, 3))  # fmt: skip


def table_lookup(draft: Draft) -> None:
    count, shape, kind = draft.length(), draft.shape(1, 2, 3), draft.one_of((F32, I32))
    keys = draft.constant(I32, np.sort(draft.values(I32, shape[:1], 0, 9)))
    draft.add("HASHTABLE_LOOKUP", [draft.given(I32, [count], 0, 9), keys, draft.given(kind, shape)],
              [draft.made(kind, [count, *shape[1:]]), draft.made(U8, [count])])  # fmt: skip


def projection(draft: Draft) -> None:
    hashes, count = draft.shape(2), draft.length()
    hashes[1] = min(hashes[1], 32)
    inputs = [draft.given(F32, hashes), draft.given(draft.one_of((F32, I32)), [count, 2])]
    if draft.chance(0.5):
        inputs.append(draft.given(F32, [count]))
    draft.add("LSH_PROJECTION", inputs, [draft.made(I32)], "LSHProjection", type=draft.number(1, 3))


RECIPES: dict[str, Recipe] = {
    "EMBEDDING_LOOKUP": embedding, "EMBEDDING_LOOKUP_SPARSE": sparse_embedding,
    "HASHTABLE_LOOKUP": table_lookup, "LSH_PROJECTION": projection,
    "BUCKETIZE": bucketize, "RFFT2D": rfft, "DYNAMIC_UPDATE_SLICE": update_slice,
    "SEGMENT_SUM": partial(segments, "SEGMENT_SUM"),
    **{f"UNSORTED_SEGMENT_{word}": partial(segments, f"UNSORTED_SEGMENT_{word}")
       for word in UNSORTED},
    **{name: partial(suppression, name)
       for name in ("NON_MAX_SUPPRESSION_V4", "NON_MAX_SUPPRESSION_V5")},
    **{name: partial(reverse, name) for name in ("REVERSE_V2", "REVERSE_SEQUENCE")},
    **{name: partial(diagonal, name) for name in ("MATRIX_DIAG", "MATRIX_SET_DIAG")},
    **{name: partial(blocks, name) for name in (
        "SPACE_TO_DEPTH", "DEPTH_TO_SPACE", "SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND")},
}  # fmt: skip

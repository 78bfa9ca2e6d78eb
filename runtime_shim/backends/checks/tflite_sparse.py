"""Sparse tensors of TensorFlow Lite models, whose indices LiteRT does not check.

https://github.com/tensorflow/tensorflow/blob/master/tensorflow/lite/kernels/internal/utils/sparsity_format_converter.cc
"""

from __future__ import annotations

from collections.abc import Sequence

from rewriter.models.flatbuffer import Table
from runtime_shim.backends.parsing.shapes import elements

__all__ = ["stored_values"]

_DENSE, _SPARSE_CSR = 0, 1
"""Values of DimensionType."""

_INDICES = {1: "i", 2: "H", 3: "B"}
"""Types of SparseIndexVector, with the struct code of their elements."""


def stored_values(sparsity: Table, dims: Sequence[int]) -> int:
    """How many values the data of a sparse tensor holds. Raises HostError for indices that are out
    of bounds or inconsistent, and ValueError for a negative dimension."""
    elements(dims)
    order, blocks = sparsity.numbers(4, "i"), sparsity.numbers(6, "i")
    levels = list(sparsity.tables(8))
    rank = len(dims)
    plain, blocked = order[:rank], order[rank:]
    if (
        len(levels) != len(order)
        or sorted(plain) != list(range(rank))
        or list(blocked) != list(range(rank, rank + len(blocks)))
    ):
        raise sparsity.refused(
            "its order must list each dimension once, and the dimensions of its blocks last"
        )
    if list(blocks) != sorted(set(blocks)) or not set(blocks) <= set(range(rank)):
        raise sparsity.refused("the dimensions of its blocks are out of order")
    sizes = list(dims)
    for dim, level in zip(blocks, levels[rank:], strict=True):
        block = level.number(6, "i")
        if level.number(4, "b") != _DENSE or block <= 0 or dims[dim] % block:
            raise level.refused(f"dimension {dim} is not divided into blocks correctly")
        sizes[dim] //= block
        sizes.append(block)
    count = 1
    for dim, level in zip(order, levels, strict=True):
        if level.number(4, "b") == _DENSE:
            if level.number(6, "i") != sizes[dim]:
                raise level.refused(f"the sizes of dimension {dim} differ")
            count *= sizes[dim]
        else:
            count = _check_indices(level, count, sizes[dim])
    return count


def _check_indices(level: Table, rows: int, size: int) -> int:
    """How many elements are stored in `rows` rows of `size` elements."""
    segments, indices = _vector(level, 8), _vector(level, 12)
    if level.number(4, "b") != _SPARSE_CSR or len(segments) != rows + 1:
        raise level.refused(f"{len(segments)} segment numbers do not fit {rows} rows")
    if list(segments) != sorted(segments) or segments[0] != 0 or segments[-1] != len(indices):
        raise level.refused("its segments do not cover its indices in order")
    if indices and not 0 <= min(indices) <= max(indices) < size:
        raise level.refused(f"an index is outside a dimension of length {size}")
    return len(indices)


def _vector(level: Table, field: int) -> tuple[int, ...]:
    code, vector = _INDICES.get(level.number(field, "B")), level.table(field + 2)
    if code is None or vector is None:
        raise level.refused("a sparse dimension has no indices")
    return vector.numbers(4, code)

"""Indices of sparse constants in TensorFlow Lite models from guests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from rewriter.abi.dialects import Encoding, TensorType
from runtime_shim.backends.litert.backend import LiteRtBackend
from tests.support.refusals import refusal
from tests.support.tflite_models import Operator, Tensor, build, changed


def sparse(
    indices: Sequence[int],
    segments: Sequence[int],
    *,
    dense: int = 4,
    order: Sequence[int] = (0, 1),
    values: int = 2,
) -> bytes:
    """Makes a sparse matrix of 4 x 4 dense."""
    matrix = [4, 4]
    tensors = [Tensor("f4", matrix, np.ones(values, "f4")), *[Tensor("f4", matrix)] * 3]
    operators = [
        Operator(schema.BuiltinOperator.DENSIFY, [0], [1]),
        Operator(schema.BuiltinOperator.MAXIMUM, [1, 2], [3]),
    ]
    outer, inner = schema.DimensionMetadataT(), schema.DimensionMetadataT()
    outer.denseSize, inner.format = dense, schema.DimensionType.SPARSE_CSR
    inner.arraySegmentsType = inner.arrayIndicesType = schema.SparseIndexVector.Int32Vector
    inner.arraySegments, inner.arrayIndices = schema.Int32VectorT(), schema.Int32VectorT()
    inner.arraySegments.values, inner.arrayIndices.values = segments, indices

    def change(model: Any) -> None:
        sparsity = model.subgraphs[0].tensors[0].sparsity = schema.SparsityParametersT()
        sparsity.traversalOrder, sparsity.dimMetadata = list(order), [outer, inner]

    return changed(build(tensors, operators, [2], [3]), change)


def test_a_sparse_constant_is_made_dense() -> None:
    data = sparse([1, 2], [0, 1, 2, 2, 2])
    context = LiteRtBackend().load([data], "cpu").init_execution_context()
    context.set_input(0, TensorType.F32, (4, 4), memoryview(bytes(64)))
    context.compute()
    output = np.frombuffer(context.get_output(0), np.float32)
    assert list(np.flatnonzero(output)) == [1, 6]


@pytest.mark.parametrize(
    "model",
    [
        sparse([1, 1 << 20], [0, 1, 2, 2, 2]),
        sparse([1, -1], [0, 1, 2, 2, 2]),
        sparse([1, 2], [0, 1, 2, 1 << 16, 1 << 16]),
        sparse([1, 2], [0, 2, 1, 2, 2]),
        sparse([1, 2], [1, 1, 2, 2, 2]),
        sparse([1, 2], [0, 1]),
        sparse([1, 2], [0, 1, 2, 2, 2], dense=1 << 20),
        sparse([1, 2], [0, 1, 2, 2, 2], order=(0, 1 << 20)),
        sparse([1, 2], [0, 1, 2, 2, 2], order=(0, 0)),
        sparse([1, 2], [0, 1, 2, 2, 2], values=1),
    ],
)
def test_the_indices_of_a_sparse_constant_are_inside_of_it(model: bytes) -> None:
    refusal(Encoding.TENSORFLOWLITE, model)

"""What LiteRT's interpreter does not say of tensors: which of them are sums, and which inputs can
have any number of dimensions.

https://github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/schema/schema.fbs
"""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import NamedTuple

from runtime_shim.backends.base import Part
from runtime_shim.backends.checks.flatbuffer import FlatBuffer

__all__ = ["Tensors", "read_tensors"]

_SUBGRAPHS = 8
"""Of a Model."""

_TENSORS, _INPUTS, _OPERATORS = 4, 6, 10
"""Of a SubGraph."""

_SHAPE, _TYPE, _HAS_RANK = 4, 6, 20
"""Of a Tensor."""

_CODE, _OPERANDS, _RESULTS = 4, 6, 8
"""Of an Operator."""

_CODES = 6
"""Of a Model: what each operator code is, in a field for the first 127 and in one for all."""

_SUM = 74
"""Of BuiltinOperator."""

_8_BITS = (3, 9)
"""UINT8 and INT8, of TensorType."""


class Sum(NamedTuple):
    """The places of a tensor and of its sums along some axes."""

    of: int
    sums: int


class Tensors(NamedTuple):
    """Of the first subgraph: sums of 8 bits, and the places of inputs without a rank."""

    sums: tuple[Sum, ...]
    unranked: frozenset[int]


def read_tensors(model: Part) -> Tensors:
    """Raises HostError for a file that is not a model."""
    if not isinstance(model, Path):
        return _read(model)
    with (
        model.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        return _read(content)


def _read(data: bytes | mmap.mmap) -> Tensors:
    root = FlatBuffer(data, "the TensorFlow Lite model").root()
    first = next(root.tables(_SUBGRAPHS))
    codes = [max(code.number(4, "b"), code.number(10, "i")) for code in root.tables(_CODES)]
    tensors = list(first.tables(_TENSORS))
    sums = (
        Sum(operator.numbers(_OPERANDS, "i")[0], operator.numbers(_RESULTS, "i")[0])
        for operator in first.tables(_OPERATORS)
        if codes[operator.number(_CODE, "I")] == _SUM
    )
    return Tensors(
        tuple(each for each in sums if tensors[each.of].number(_TYPE, "b") in _8_BITS),
        frozenset(
            place
            for place in first.numbers(_INPUTS, "i")
            if not tensors[place].number(_HAS_RANK, "?") and not tensors[place].numbers(_SHAPE, "i")
        ),
    )

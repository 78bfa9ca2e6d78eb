"""What LiteRT's interpreter does not say of tensors: which of them are sums, and which inputs can
have any number of dimensions.

https://github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/schema/schema.fbs
"""

from __future__ import annotations

import mmap
from typing import NamedTuple

from rewriter.dialects import Errno
from runtime_shim.backends.base import Part
from runtime_shim.backends.checks.flatbuffer import FlatBuffer, Table
from runtime_shim.backends.litert_order import check_order
from runtime_shim.backends.parts import mapped
from runtime_shim.errors import HostError

__all__ = ["Tensors", "read_tensors"]

_SUBGRAPHS, _BUFFERS = 8, 12
"""Of a Model."""

_TENSORS, _INPUTS, _OPERATORS = 4, 6, 10
"""Of a SubGraph."""

_SHAPE, _TYPE, _BUFFER, _HAS_RANK = 4, 6, 8, 20
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
    axes_are_constant: bool


class Tensors(NamedTuple):
    """Of the first subgraph: sums of 8 bits, and the places of inputs without a rank."""

    sums: tuple[Sum, ...]
    unranked: frozenset[int]


def read_tensors(model: Part) -> Tensors:
    """Raises HostError with `invalid_argument` for a file that is not a model, and for one in which
    an inference would write, or read what nothing has written."""
    with mapped(model) as content:
        return _read(content)


def _read(data: bytes | mmap.mmap) -> Tensors:
    root = FlatBuffer(data, "the TensorFlow Lite model").root()
    first = next(root.tables(_SUBGRAPHS))
    codes = [max(code.number(4, "b"), code.number(10, "i")) for code in root.tables(_CODES)]
    tensors = list(first.tables(_TENSORS))
    inputs = first.numbers(_INPUTS, "i")
    with_data = {place for place, buffer in enumerate(root.tables(_BUFFERS)) if _has_data(buffer)}
    for subgraph in root.tables(_SUBGRAPHS):
        check_order(subgraph, with_data)
    sums = (
        Sum(of, operator.numbers(_RESULTS, "i")[0], tensors[axes].number(_BUFFER, "I") in with_data)
        for operator in first.tables(_OPERATORS)
        if codes[operator.number(_CODE, "I")] == _SUM
        for of, axes in [operator.numbers(_OPERANDS, "i")[:2]]
    )
    of_8_bits = tuple(each for each in sums if tensors[each.of].number(_TYPE, "b") in _8_BITS)
    for each in of_8_bits:
        if not each.axes_are_constant:
            raise HostError(
                Errno.UNSUPPORTED_OPERATION,
                "the model computes along which axes it adds up numbers of 8 bits; LiteRT leaves"
                " such a sum unwritten where there is nothing to add",
            )
    return Tensors(
        of_8_bits,
        frozenset(
            place
            for place in inputs
            if not tensors[place].number(_HAS_RANK, "?") and not tensors[place].numbers(_SHAPE, "i")
        ),
    )


def _has_data(buffer: Table) -> bool:
    found = buffer.extent(4, 1)
    return (found is not None and found[1] > 0) or buffer.number(6, "Q") > 1

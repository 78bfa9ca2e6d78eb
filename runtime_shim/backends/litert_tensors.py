"""What LiteRT's interpreter does not say of tensors: which of them operators make, and which
inputs can have any number of dimensions.

https://github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/schema/schema.fbs
"""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import NamedTuple

from runtime_shim.backends.base import Part
from runtime_shim.backends.checks.flatbuffer import FlatBuffer, Table

__all__ = ["Tensors", "read_tensors"]

_BUFFERS, _SUBGRAPHS = 12, 8
"""Fields of a Model."""

_TENSORS, _INPUTS, _OPERATORS = 4, 6, 10
"""Of a SubGraph."""

_SHAPE, _TYPE, _BUFFER, _HAS_RANK = 4, 6, 8, 18
"""Of a Tensor."""

_OUTPUTS = 8
"""Of an Operator."""

_WITHOUT_BYTES = {5, 13, 14}
"""STRING, RESOURCE and VARIANT, of TensorType."""


class Tensors(NamedTuple):
    """The places of tensors of the first subgraph: numbers that operators make, and inputs without
    a rank."""

    made: tuple[int, ...]
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
    buffers = [_has_data(buffer) for buffer in root.tables(_BUFFERS)]
    tensors = list(first.tables(_TENSORS))
    inputs = set(first.numbers(_INPUTS, "i"))
    made = {
        place
        for operator in first.tables(_OPERATORS)
        for place in operator.numbers(_OUTPUTS, "i")
        if 0 <= place < len(tensors)
    }
    return Tensors(
        tuple(
            place
            for place in sorted(made - inputs)
            if tensors[place].number(_TYPE, "b") not in _WITHOUT_BYTES
            and not any(buffers[tensors[place].number(_BUFFER, "I") :][:1])
        ),
        frozenset(
            place
            for place in inputs
            if 0 <= place < len(tensors)
            and not tensors[place].number(_HAS_RANK, "?")
            and not tensors[place].numbers(_SHAPE, "i")
        ),
    )


def _has_data(buffer: Table) -> bool:
    found = buffer.extent(4, 1)
    return (found is not None and found[1] > 0) or buffer.number(6, "Q") > 1

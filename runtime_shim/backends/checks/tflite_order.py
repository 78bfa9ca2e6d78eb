"""Operators of TensorFlow Lite models come in an order in which each reads what is there already.

LiteRT runs them as they come. One that reads a tensor that nothing has written, such as its own
result by way of another, gets what the memory held, and so does a guest for an output that no
operator makes. One that writes to a constant would change what was checked, for all contexts.

https://github.com/tensorflow/tensorflow/blob/master/tensorflow/lite/core/subgraph.cc
"""

from __future__ import annotations

from collections.abc import Sequence

from runtime_shim.backends.checks.flatbuffer import Table

__all__ = ["check_order"]

_TENSORS, _INPUTS, _OUTPUTS, _OPERATORS = 4, 6, 8, 10
"""Of a SubGraph."""

_SHAPE, _BUFFER, _IS_VARIABLE = 4, 8, 14
"""Of a Tensor."""

_OPERANDS, _RESULTS = 6, 8
"""Of an Operator."""


def check_order(subgraph: Table, buffers: Sequence[tuple[int, int] | None]) -> None:
    """`buffers` has where the data of each are, and their bytes. Raises HostError with
    `invalid_argument`."""
    constants, written = set(), set(subgraph.numbers(_INPUTS, "i"))
    for place, tensor in enumerate(subgraph.tables(_TENSORS)):
        index = tensor.number(_BUFFER, "I")
        if index and buffers[index] is not None:
            constants.add(place)
        elif tensor.number(_IS_VARIABLE, "?") or 0 in tensor.numbers(_SHAPE, "i"):
            written.add(place)  # or there is nothing of it
    for operator in subgraph.tables(_OPERATORS):
        for place in operator.numbers(_OPERANDS, "i"):
            if place >= 0 and place not in written and place not in constants:
                raise operator.refused(f"it reads tensor {place}, which nothing has written before")
        for place in operator.numbers(_RESULTS, "i"):
            if place in constants:
                raise operator.refused(f"it writes to tensor {place}, which is a constant")
            written.add(place)
    for place in subgraph.numbers(_OUTPUTS, "i"):
        if place not in written and place not in constants:
            raise subgraph.refused(f"output tensor {place} is written by nothing")

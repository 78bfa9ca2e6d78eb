"""TensorFlow Lite models: booleans are 0 or 1. LiteRT adds them up to count the true ones, and
returns that many places, but writes only one for each that is true.

https://github.com/tensorflow/tensorflow/blob/master/tensorflow/lite/kernels/where.cc
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from rewriter.models.flatbuffer import Table

__all__ = ["check_booleans", "operator_codes"]

_BOOL = 6
"""Value of TensorType."""

_MAKERS = frozenset(
    {
        *(58, 61, 62, 63, 71, 72),  # LESS, GREATER, GREATER_EQUAL, LESS_EQUAL, EQUAL, NOT_EQUAL
        *(84, 86, 87, 91, 140),  # LOGICAL_OR, LOGICAL_AND, LOGICAL_NOT, REDUCE_ANY, REDUCE_ALL
        *(53, 191, 192),  # CAST, STABLEHLO_COMPARE, STABLEHLO_CONVERT
    }
)
"""Values of BuiltinOperator that make booleans from other types."""

_BITCAST = frozenset({159})
"""Reinterprets bytes as booleans without a change."""


def check_booleans(
    data: bytes,
    subgraph: Table,
    buffers: Sequence[tuple[int, int] | None],
    codes: Mapping[int, int],
) -> None:
    """Raise HostError with `invalid_argument` for a tensor of bool that could hold other bytes than
    0 and 1. `buffers` has the start and size of each buffer's data; `codes` the operator of each
    operator code."""
    tensors = list(subgraph.tables(4))
    kinds = [tensor.number(6, "b") for tensor in tensors]
    for tensor, kind in zip(tensors, kinds, strict=True):
        found = buffers[tensor.number(8, "I")] if buffers else None
        if kind == _BOOL and found is not None:
            start, size = found
            if data[start : start + size].translate(None, b"\0\1"):
                raise tensor.refused("a bool constant contains bytes other than 0 and 1")
    for operator in subgraph.tables(10):
        code = codes[operator.number(4, "I")]
        made = {kinds[place] for place in operator.numbers(8, "i") if place >= 0}
        taken = {kinds[place] for place in operator.numbers(6, "i") if place >= 0}
        passes = _BOOL in taken and code not in _BITCAST
        if _BOOL in made and not passes and code not in _MAKERS:
            raise operator.refused(f"operator {code} cannot produce a bool tensor")


def operator_codes(model: Table) -> Mapping[int, int]:
    """The operator of each operator code: the larger of the field for the first 127 and the field
    for all."""
    return MappingProxyType(
        {
            place: max(code.number(4, "b"), code.number(10, "i"))
            for place, code in enumerate(model.tables(6))
        }
    )

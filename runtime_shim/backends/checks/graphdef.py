"""Frozen TensorFlow graphs: the data of a tensor is as long as its shape and type say.

https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/framework/tensor.proto
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from types import MappingProxyType

from rewriter.abi.dialects import Errno
from rewriter.models.protobuf import (
    BYTES,
    VARINT,
    Messages,
    entries,
    fields,
    find,
    varint,
)
from runtime_shim.backends.parsing.shapes import PLENTY, bytes_for, elements
from runtime_shim.errors import HostError

__all__ = ["check_lengths"]

_MESSAGES: Messages = MappingProxyType(
    {
        "graph": {1: "node", 2: "library"},
        "library": {1: "function"},
        "function": {1: "signature", 3: "node", 5: "attribute", 7: "argument"},
        "signature": {4: "attribute definition"},
        "attribute definition": {3: "value", 7: "value"},
        "argument": {2: "argument attributes"},
        "argument attributes": {1: "attribute"},
        "node": {5: "attribute"},
        "attribute": {2: "value"},
        "value": {1: "list", 8: "tensor", 10: "call"},
        "list": {8: "tensor", 9: "call"},
        "call": {2: "attribute"},
    }
)
"""The fields that lead to a tensor: of GraphDef, FunctionDefLibrary, FunctionDef, OpDef and its
AttrDef, NodeDef, AttrValue, NameAttrList, and of the maps' entries.

https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/framework/attr_value.proto
"""

_SINGLE: Mapping[str, Set[int]] = MappingProxyType(
    {
        "graph": {2},
        "function": {1},
        "attribute definition": {3, 7},
        "argument": {2},
        "attribute": {2},
        "value": {1, 8, 10},
    }
)

_CONTENT, _STRING = 4, 8
"""The fields of a tensor for the bytes of its elements, and for strings."""

_WIRE: Mapping[int, int] = MappingProxyType(
    {
        5: 5,  # float_val
        6: 1,  # double_val
        9: 5,  # scomplex_val
        12: 1,  # dcomplex_val
        **dict.fromkeys((7, 10, 11, 13, 16, 17), VARINT),  # int_val to uint64_val
    }
)
"""The wire types of a tensor's fields for numbers."""

_PAIRS = (9, 12)
"""The fields with two numbers per element."""

_BITS: Mapping[int, int] = MappingProxyType(
    {
        **dict.fromkeys((1, 3, 13, 22), 32),  # FLOAT, INT32, QINT32, UINT32
        **dict.fromkeys((2, 8, 9, 23), 64),  # DOUBLE, COMPLEX64, INT64, UINT64
        **dict.fromkeys((4, 6, 10, 11, 12, 24, 25), 8),  # UINT8, INT8, BOOL, QINT8, QUINT8, FLOAT8
        **dict.fromkeys((5, 14, 15, 16, 17, 19), 16),  # INT16, BFLOAT16, QINT16, ..., HALF
        18: 128,  # COMPLEX128
    }
)
"""The size of an element in bits, by DataType.

https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/framework/types.proto
"""


def check_lengths(data: bytes) -> None:
    """Raise HostError with `invalid_argument` for a graph with a tensor that has more or less data
    than its shape says."""
    try:
        for start, stop in find(data, _MESSAGES, "graph", "tensor", _SINGLE):
            _check_tensor(data, start, stop)
    except (IndexError, ValueError) as error:
        raise HostError(Errno.INVALID_ARGUMENT, f"invalid TensorFlow graph: {error}") from error


def _check_tensor(data: bytes, start: int, stop: int) -> None:
    element_type, dims, content, held = 0, None, None, 0
    for number, kind, begin, end in fields(data, start, stop):
        if number == 1 and kind == VARINT:
            element_type = varint(data, begin)[0] & 0xFFFFFFFF
        elif number == 2 and kind == BYTES:
            if dims is not None:
                raise ValueError(f"the tensor at byte {start} has two shapes")
            dims = _dims(data, begin, end)
        elif number == _CONTENT and kind == BYTES:
            if content is not None:
                raise ValueError(f"the data of the tensor at byte {start} occurs twice")
            content = end - begin
        elif number in _WIRE:
            held += entries(data, _WIRE[number], kind, begin, end) * (1 if number in _PAIRS else 2)
        elif number == _STRING and kind == BYTES:
            held += 2
    if not element_type and not content and not held:
        return
    count = elements(dims or [])
    if content:
        if element_type not in _BITS:
            raise ValueError(
                f"the tensor at byte {start} has raw bytes, but its type {element_type} does "
                "not allow them"
            )
        if held or content != bytes_for(count, _BITS[element_type]):
            raise ValueError(f"the tensor at byte {start} has {content} bytes for {count} elements")
    elif count >= PLENTY or held > 2 * count:  # the last value stands for all that are left out
        raise ValueError(f"the tensor at byte {start} has too much data for {count} elements")


def _dims(data: bytes, pos: int, end: int) -> list[int]:
    dims = []
    for number, kind, start, stop in fields(data, pos, end):
        if number == 2 and kind == BYTES:
            size = 0
            for field, wire, at, _ in fields(data, start, stop):
                if field == 1 and wire == VARINT:
                    size = varint(data, at)[0]
            dims.append(size - ((size >> 63) << 64))
    return dims

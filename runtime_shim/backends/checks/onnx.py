"""ONNX models: the data of a tensor is as long as its shape and type say.

https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from types import MappingProxyType

from rewriter.abi.dialects import Errno
from rewriter.models.onnx import MESSAGES
from rewriter.models.protobuf import (
    BYTES,
    VARINT,
    entries,
    fields,
    find,
    varint,
    varints,
)
from runtime_shim.backends.parsing.shapes import bytes_for, elements
from runtime_shim.errors import HostError

__all__ = ["check_lengths"]

_SINGLE: Mapping[str, Set[int]] = MappingProxyType(
    {
        "model": {7},
        "training": {1, 2},
        "attribute": {5, 6, 22},
        "sparse tensor": {1, 2},
    }
)

_ORT_FORMAT = slice(4, 8), b"ORTM"
"""The identifier of a FlatBuffer in ONNX Runtime's own format.

https://onnxruntime.ai/docs/performance/model-optimizations/ort-format-models.html
"""

_FLOAT, _INT32, _STRING, _INT64, _RAW, _DOUBLE, _UINT64 = 4, 5, 6, 7, 9, 10, 11
"""The fields of a tensor for its elements."""

_WIRE: Mapping[int, int] = MappingProxyType(
    {_FLOAT: 5, _INT32: VARINT, _INT64: VARINT, _DOUBLE: 1, _UINT64: VARINT}
)
"""The wire types of the fields for numbers."""

_TYPES: Mapping[int, tuple[int, int]] = MappingProxyType(
    {
        1: (_FLOAT, 32),
        **dict.fromkeys((2, 3, 9), (_INT32, 8)),  # UINT8, INT8, BOOL
        **dict.fromkeys((17, 18, 19, 20, 24), (_INT32, 8)),  # FLOAT8, all of them
        **dict.fromkeys((4, 5, 10, 16), (_INT32, 16)),  # UINT16, INT16, FLOAT16, BFLOAT16
        **dict.fromkeys((21, 22, 23), (_INT32, 4)),  # UINT4, INT4, FLOAT4E2M1
        **dict.fromkeys((25, 26), (_INT32, 2)),  # UINT2, INT2
        6: (_INT32, 32),
        7: (_INT64, 64),
        11: (_DOUBLE, 64),
        12: (_UINT64, 32),
        13: (_UINT64, 64),
        14: (_FLOAT, 64),  # COMPLEX64, two entries each, as of COMPLEX128
        15: (_DOUBLE, 128),
    }
)
"""The field for elements of a type, and their size in bits, by TensorProto.DataType."""

_STRINGS, _COMPLEX = 8, (14, 15)
"""Other values of TensorProto.DataType."""


def check_lengths(data: bytes) -> None:
    """Raise HostError with `invalid_argument` for a model with a tensor that has more or less data
    than its shape says, or whose data is in another file, and for ONNX Runtime's own format."""
    where, identifier = _ORT_FORMAT
    if data[where] == identifier:
        raise HostError(
            Errno.INVALID_ARGUMENT, "ONNX Runtime's own format is accepted only from named graphs"
        )
    try:
        for start, stop in find(data, MESSAGES, "model", "tensor", _SINGLE):
            _check_tensor(data, start, stop)
    except (IndexError, ValueError) as error:
        raise HostError(Errno.INVALID_ARGUMENT, f"invalid ONNX model: {error}") from error


def _check_tensor(data: bytes, start: int, stop: int) -> None:
    dims: list[int] = []
    element_type, raw = 0, None
    held = dict.fromkeys((*_WIRE, _STRING), 0)
    for number, kind, begin, end in fields(data, start, stop):
        if number == 1:
            dims.extend(varints(data, kind, begin, end))
        elif number == 2 and kind == VARINT:
            element_type = varint(data, begin)[0] & 0xFFFFFFFF
        elif number in _WIRE:
            held[number] += entries(data, _WIRE[number], kind, begin, end)
        elif number == _STRING and kind == BYTES:
            held[number] += 1
        elif number == _RAW and kind == BYTES:
            if raw is not None:
                raise ValueError(f"the data of the tensor at byte {start} occurs twice")
            raw = end - begin
        elif number == 13 or (number == 14 and kind == VARINT and varint(data, begin)[0]):
            raise ValueError(f"the tensor at byte {start} may not refer to data in other files")
    total = sum(held.values())
    if raw is None and not total and not element_type:
        return  # an attribute that is left out; nothing reads its elements
    count = elements([dim - ((dim >> 63) << 64) for dim in dims])
    field, needed = _STRING, count
    if element_type != _STRINGS:
        if element_type not in _TYPES:
            raise ValueError(f"the tensor at byte {start} has the unknown type {element_type}")
        field, bits = _TYPES[element_type]
        if bits < 8:
            needed = bytes_for(count, bits)
        elif element_type in _COMPLEX:
            needed = 2 * count
        if raw is not None and raw != bytes_for(count, bits):
            raise ValueError(f"the tensor at byte {start} has {raw} bytes for {count} elements")
    elif raw is not None:
        raise ValueError(f"the tensor at byte {start} has raw bytes, but its elements are strings")
    if held[field] != total or total != (needed if raw is None else 0):
        raise ValueError(f"the tensor at byte {start} has {total} entries for {count} elements")

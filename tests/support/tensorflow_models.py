"""Small frozen TensorFlow graphs, written as the protobuf messages that they are.

https://github.com/tensorflow/tensorflow/tree/master/tensorflow/core/framework
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["field", "frozen", "identity", "node", "placeholder", "shape", "two_layers"]

Array = npt.NDArray[np.float32]

_FLOAT = 1
"""DT_FLOAT."""


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    groups = []
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*groups, value])


def field(number: int, value: int | bytes | str) -> bytes:
    """A varint or, for bytes, a field with its length."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def shape(dims: Sequence[int]) -> bytes:
    """TensorShapeProto: dim = 2 { size = 1 }."""
    return b"".join(field(2, field(1, dim)) for dim in dims)


def node(name: str, op: str, inputs: Sequence[str] = (), **attributes: bytes) -> bytes:
    """GraphDef.node = 1; NodeDef: name = 1, op = 2, input = 3, attr = 5."""
    message = field(1, name) + field(2, op) + b"".join(field(3, item) for item in inputs)
    for key, value in attributes.items():
        message += field(5, field(1, key) + field(2, value))
    return field(1, message)


_T = {"T": field(6, _FLOAT)}
"""AttrValue: type = 6, shape = 7, tensor = 8."""


def type_of(dtype: int) -> bytes:
    """An attribute that is one of DataType."""
    return field(6, dtype)


def number(value: int) -> bytes:
    """An attribute that is an integer: AttrValue.i = 3."""
    return field(3, value)


def placeholder(name: str, dims: Sequence[int], dtype: int = _FLOAT) -> bytes:
    """A dimension of -1 is free."""
    return node(name, "Placeholder", dtype=field(6, dtype), shape=field(7, shape(dims)))


def constant(name: str, array: npt.NDArray[Any], dtype: int = _FLOAT) -> bytes:
    """TensorProto: dtype = 1, tensor_shape = 2, tensor_content = 4."""
    tensor = field(1, dtype) + field(2, shape(array.shape)) + field(4, array.tobytes())
    return node(name, "Const", dtype=field(6, dtype), value=field(8, tensor))


def frozen(*nodes: bytes) -> bytes:
    return b"".join(nodes)


def identity(dims: Sequence[int]) -> bytes:
    return frozen(placeholder("x", dims), node("y", "Identity", ["x"], **_T))


def two_layers(weights: Sequence[Array], biases: Sequence[Array]) -> bytes:
    """softmax(relu(x @ w0 + b0) @ w1 + b1), of one row."""
    return frozen(
        placeholder("x", (1, weights[0].shape[0])),
        *(constant(f"w{index}", array) for index, array in enumerate(weights)),
        *(constant(f"b{index}", array) for index, array in enumerate(biases)),
        node("m0", "MatMul", ["x", "w0"], **_T),
        node("a0", "AddV2", ["m0", "b0"], **_T),
        node("r0", "Relu", ["a0"], **_T),
        node("m1", "MatMul", ["r0", "w1"], **_T),
        node("a1", "AddV2", ["m1", "b1"], **_T),
        node("y", "Softmax", ["a1"], **_T),
    )

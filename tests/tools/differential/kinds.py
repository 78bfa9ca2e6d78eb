"""Element types: what each is to wasi-nn, to NumPy, and in the formats of models."""

from __future__ import annotations

import random
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np
import numpy.typing as npt

from rewriter.abi.dialects import TensorType

__all__ = ["KINDS", "NATIVE", "Array", "Kind", "drawn"]

Array = npt.NDArray[Any]


class Kind(NamedTuple):
    """`wasi` is what it travels as; onnx and tensorflow are its numbers in the two formats.

    https://github.com/onnx/onnx/blob/main/onnx/onnx.proto (TensorProto.DataType)
    https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/framework/types.proto
    """

    name: str
    dtype: np.dtype[Any]
    wasi: TensorType
    onnx: int
    tensorflow: int

    @property
    def is_float(self) -> bool:
        return self.name in ("f16", "f32", "f64", "bf16")


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            Kind("f16", np.dtype(np.float16), TensorType.F16, 10, 19),
            Kind("f32", np.dtype(np.float32), TensorType.F32, 1, 1),
            Kind("f64", np.dtype(np.float64), TensorType.F64, 11, 2),
            Kind("u8", np.dtype(np.uint8), TensorType.U8, 2, 4),
            Kind("i32", np.dtype(np.int32), TensorType.I32, 6, 3),
            Kind("i64", np.dtype(np.int64), TensorType.I64, 7, 9),
            Kind("bool", np.dtype(np.bool_), TensorType.U8, 9, 10),
            Kind("i8", np.dtype(np.int8), TensorType.U8, 3, 6),
            Kind("bf16", np.dtype(ml_dtypes.bfloat16), TensorType.U8, 16, 14),
        )
    }
)

NATIVE = ("f16", "f32", "f64", "u8", "i32", "i64")
"""Those that wasi-nn has; the others travel as u8, bf16 with two bytes an element."""


def drawn(choose: random.Random, kind: Kind, shape: tuple[int, ...]) -> Array:
    """Small numbers, so that sums and products of a few stay exact."""
    count = int(np.prod(shape, dtype=np.int64))
    low, high = {"u8": (0, 9), "bool": (0, 1)}.get(kind.name, (-4, 4))
    values: list[float] = [choose.randint(low, high) for _ in range(count)]
    if kind.is_float:
        values = [value / 2 for value in values]
    return np.array(values, np.float64).astype(kind.dtype).reshape(shape)

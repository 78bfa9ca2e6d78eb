"""NumPy arrays as tensors, for backends that have their data in arrays."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from rewriter.abi.dialects import TensorType

__all__ = ["DTYPES", "bytes_of"]

DTYPES: Mapping[TensorType, np.dtype[Any]] = MappingProxyType(
    {
        TensorType.F16: np.dtype(np.float16),
        TensorType.F32: np.dtype(np.float32),
        TensorType.F64: np.dtype(np.float64),
        TensorType.U8: np.dtype(np.uint8),
        TensorType.I32: np.dtype(np.int32),
        TensorType.I64: np.dtype(np.int64),
    }
)


def bytes_of(array: npt.NDArray[np.generic]) -> memoryview:
    """The bytes of an array, without a copy if it is contiguous."""
    flat = np.ascontiguousarray(array).reshape(prod(array.shape))
    return flat.view(np.uint8).data

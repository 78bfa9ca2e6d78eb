"""The integers that a TensorFlow Lite model holds.

https://github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/schema/schema.fbs
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping, Sequence
from math import prod
from types import MappingProxyType

from rewriter.models.flatbuffer import Table

__all__ = ["Constants"]

_SHAPE, _TYPE, _BUFFER = 4, 6, 8
"""Of a Tensor."""

_CODES: Mapping[int, str] = MappingProxyType({2: "i", 3: "B", 4: "q", 7: "h", 9: "b", 15: "I"})
"""INT32, UINT8, INT64, INT16, INT8 and UINT32 of TensorType, for the module struct."""


class Constants:
    """What is in the buffers of a model. Operators may share one, and each reads it anew: all that
    is read together may be a few times as long as the file."""

    def __init__(self, data: bytes | mmap.mmap, buffers: Sequence[Table]) -> None:
        self._data = data
        self._buffers = [_extent(buffer) for buffer in buffers]
        self._left = 4 * len(data)

    def places(self, tensors: Sequence[Table]) -> set[int]:
        """Of the tensors that are constant."""
        return {place for place, tensor in enumerate(tensors) if self._found(tensor)[1]}

    def values(self, tensor: Table) -> Sequence[int]:
        """Of a tensor that is constant. Raises HostError with `invalid_argument` if it holds no
        integers, or too few."""
        code = _CODES.get(tensor.number(_TYPE, "b"))
        if code is None:
            raise tensor.refused("its values have to be integers")
        start, size = self._found(tensor)
        count = prod(tensor.numbers(_SHAPE, "i"))
        self._left -= size
        if not 0 <= count * struct.calcsize(code) <= size <= len(self._data) - start:
            raise tensor.refused(f"{size} bytes are not enough for its shape")
        if self._left < 0:
            raise tensor.refused("too many operators share what it holds")
        return struct.unpack_from(f"<{count}{code}", self._data, start)

    def _found(self, tensor: Table) -> tuple[int, int]:
        place = tensor.number(_BUFFER, "I")
        return self._buffers[place] if place < len(self._buffers) else (0, 0)


def _extent(buffer: Table) -> tuple[int, int]:
    """Where the data of a buffer begin, in it or behind all tables, and their bytes."""
    found = buffer.extent(4, 1)
    if found is not None and found[1]:
        return found
    start, size = buffer.number(6, "Q"), buffer.number(8, "Q")
    return (start, size) if start > 1 else (0, 0)

"""The integer constants of a TensorFlow Lite model.

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
"""Fields of Tensor."""

_CODES: Mapping[int, str] = MappingProxyType({2: "i", 3: "B", 4: "q", 7: "h", 9: "b", 15: "I"})
"""INT32, UINT8, INT64, INT16, INT8 and UINT32 of TensorType, with their struct codes."""


class Constants:
    """The contents of a model's buffers. Operators may share a buffer, and each reads it again, so
    the total that may be read is limited to a few times the size of the file."""

    def __init__(self, data: bytes | mmap.mmap, buffers: Sequence[Table]) -> None:
        self._data = data
        self._buffers = [_extent(buffer) for buffer in buffers]
        self._left = 4 * len(data)

    def places(self, tensors: Sequence[Table]) -> set[int]:
        """The indices of the constant tensors."""
        return {place for place, tensor in enumerate(tensors) if self._found(tensor)[1]}

    def values(self, tensor: Table) -> Sequence[int]:
        """The values of a constant tensor. Raises HostError with `invalid_argument` if they are not
        integers, or too few."""
        code = _CODES.get(tensor.number(_TYPE, "b"))
        if code is None:
            raise tensor.refused("its values must be integers")
        start, size = self._found(tensor)
        count = prod(tensor.numbers(_SHAPE, "i"))
        self._left -= size
        if not 0 <= count * struct.calcsize(code) <= size <= len(self._data) - start:
            raise tensor.refused(f"{size} bytes are not enough for its shape")
        if self._left < 0:
            raise tensor.refused("too many operators share its values")
        return struct.unpack_from(f"<{count}{code}", self._data, start)

    def _found(self, tensor: Table) -> tuple[int, int]:
        place = tensor.number(_BUFFER, "I")
        return self._buffers[place] if place < len(self._buffers) else (0, 0)


def _extent(buffer: Table) -> tuple[int, int]:
    """Start and size in bytes of a buffer's data, which is in the buffer or after all tables."""
    found = buffer.extent(4, 1)
    if found is not None and found[1]:
        return found
    start, size = buffer.number(6, "Q"), buffer.number(8, "Q")
    return (start, size) if start > 1 else (0, 0)

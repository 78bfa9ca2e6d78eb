"""Guest memory, bounds checked at every access."""

from __future__ import annotations

import ctypes
import struct

from rewriter.dialects import Errno
from runtime_shim.errors import HostError

__all__ = ["GuestMemory"]


class GuestMemory:
    """The guest's memory during one host call.

    `address` and `size` (bytes) are only good for that call: a memory that grows may move. Every
    pointer and length is an unsigned 32-bit number; a range that is not wholly inside the memory
    raises HostError with `invalid_argument`.
    """

    __slots__ = ("address", "size")

    def __init__(self, address: int, size: int) -> None:
        self.address = address
        self.size = size

    def _check(self, pointer: int, length: int) -> int:
        if pointer + length > self.size:
            raise HostError(
                Errno.INVALID_ARGUMENT,
                f"{length} bytes at {pointer:#x} are outside the memory of {self.size:#x} bytes",
            )
        return self.address + pointer

    def read(self, pointer: int, length: int) -> bytes:
        """A copy of `length` bytes."""
        return ctypes.string_at(self._check(pointer, length), length)

    def unpack(self, layout: struct.Struct, pointer: int) -> tuple[int, ...]:
        """The fields of one structure."""
        return layout.unpack(self.read(pointer, layout.size))

    def u32s(self, pointer: int, count: int) -> tuple[int, ...]:
        """An array of `count` u32."""
        return struct.unpack(f"<{count}I", self.read(pointer, 4 * count))

    def view(self, pointer: int, length: int) -> memoryview:
        """`length` bytes in place, writable. To be released before the host call returns."""
        address = self._check(pointer, length)
        return memoryview((ctypes.c_ubyte * length).from_address(address)).cast("B")

    def write_u32(self, pointer: int, value: int) -> None:
        ctypes.c_uint32.from_address(self._check(pointer, 4)).value = value

    def check_writable(self, pointer: int, length: int) -> None:
        """Raise what a later write to this range would raise."""
        self._check(pointer, length)

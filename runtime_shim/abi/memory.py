"""Guest memory, bounds checked at every access."""

from __future__ import annotations

import struct
from collections.abc import Callable

from rewriter.abi.dialects import Errno
from runtime_shim.errors import OutsideMemory
from runtime_shim.views import view_of

__all__ = ["GuestMemory"]

_U32 = struct.Struct("<I")


class GuestMemory:
    """The guest's memory at the address where a host call found it. Valid for that call, and for
    later ones that find it at the same address. `current_size` says whether it has grown since.

    Every pointer and length is an unsigned 32-bit number. A range that is not entirely inside the
    memory raises OutsideMemory with `invalid_argument`.
    """

    __slots__ = ("_bytes", "_current_size", "address", "size")

    def __init__(
        self, address: int, size: int, current_size: Callable[[], int] = lambda: 0
    ) -> None:
        self.address = address
        self.size = size
        self._current_size = current_size
        self._bytes: memoryview = view_of(address, size) if size else _NOTHING

    def read(self, pointer: int, length: int) -> bytes:
        """A copy of `length` bytes."""
        return bytes(self.view(pointer, length))

    def unpack(self, layout: struct.Struct, pointer: int) -> tuple[int, ...]:
        """The fields of one structure."""
        if pointer + layout.size > self.size:
            self._require(pointer, layout.size)
        return layout.unpack_from(self._bytes, pointer)

    def u32s(self, pointer: int, count: int) -> tuple[int, ...]:
        """An array of `count` u32."""
        if pointer + 4 * count > self.size:
            self._require(pointer, 4 * count)
        return struct.unpack_from(f"<{count}I", self._bytes, pointer)

    def view(self, pointer: int, length: int) -> memoryview:
        """A writable view of `length` bytes. Must be released before the host call returns."""
        if pointer + length > self.size:
            self._require(pointer, length)
        return self._bytes[pointer : pointer + length]

    def write(self, pointer: int, data: memoryview) -> None:
        """Copy bytes into the memory."""
        end = pointer + len(data)
        if end > self.size:
            self._require(pointer, len(data))
        self._bytes[pointer:end] = data

    def write_u32(self, pointer: int, value: int) -> None:
        if pointer + 4 > self.size:
            self._require(pointer, 4)
        _U32.pack_into(self._bytes, pointer, value)

    def check_writable(self, pointer: int, length: int) -> None:
        """Raise what a later write to this range would raise."""
        if pointer + length > self.size:
            self._require(pointer, length)

    def current_size(self) -> int:
        """The size in bytes, including growth."""
        size = max(self.size, self._current_size())
        if size > self.size:
            self.size = size
            self._bytes = view_of(self.address, size)
        return size

    def _require(self, pointer: int, length: int) -> None:
        """Raise OutsideMemory unless the memory has grown enough in the meantime."""
        size = self.current_size()
        if pointer + length > size:
            raise OutsideMemory(
                Errno.INVALID_ARGUMENT,
                f"{length} bytes at {pointer:#x} are outside the guest's memory of {size:#x} bytes",
            )


_NOTHING = memoryview(bytearray())

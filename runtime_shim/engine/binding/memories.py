"""Linear memories that the host makes, so that it can read and write them where they are."""

from __future__ import annotations

import ctypes
import itertools
import mmap
from collections.abc import Callable
from ctypes import CFUNCTYPE, c_int, c_long, c_size_t, c_void_p
from typing import Any

import wasmtime
from _cffi_backend import FFI
from wasmtime import _ffi as ffi

from runtime_shim.engine.binding.callbacks import as_callback, error_of
from runtime_shim.views import view_of

__all__ = ["HostMemory", "Memories"]

_cffi = FFI()
_libc = ctypes.CDLL(None, use_errno=True)
_mmap = _libc.mmap
_mmap.restype = c_void_p
_mmap.argtypes = [c_void_p, c_size_t, c_int, c_int, c_int, c_long]
_munmap = _libc.munmap
_munmap.argtypes = [c_void_p, c_size_t]
_mprotect = _libc.mprotect
_mprotect.argtypes = [c_void_p, c_size_t, c_int]

_NORESERVE = 0x4000
"""MAP_NORESERVE of Linux: address space alone, which no limit on memory counts."""

_FAILED = c_void_p(-1).value
_NOT_ACCESSIBLE = 0


class HostMemory:
    """A memory that never moves. `maximum` is the type's own, in bytes. Memory that was mapped and
    never written takes up address space only."""

    __slots__ = ("address", "capacity", "mapped", "maximum", "size")

    def __init__(self, size: int, maximum: int, reserved: int, guard: int) -> None:
        """Raises OSError if there is not enough address space."""
        self.size = 0
        self.maximum = maximum
        self.capacity = max(size, reserved)
        self.mapped = self.capacity + guard
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NORESERVE
        address = _mmap(None, self.mapped, _NOT_ACCESSIBLE, flags, -1, 0)
        if address in (None, _FAILED):
            raise _no_memory()
        self.address: int = address
        self.grow(size)

    def grow(self, size: int) -> None:
        """Make the first `size` bytes accessible. Raises OSError if there is not enough memory."""
        if size > self.capacity:
            raise OSError(f"{size} bytes are more than the {self.capacity} that it can have")
        if size > self.size:
            where, more = self.address + self.size, size - self.size
            if _mprotect(where, more, mmap.PROT_READ | mmap.PROT_WRITE):
                raise _no_memory()
            self.size = size

    @property
    def view(self) -> memoryview:
        """Of all bytes that it can have. Those from `size` on must not be touched."""
        return view_of(self.address, self.capacity)

    def free(self) -> None:
        _munmap(self.address, self.mapped)


class Memories:
    """The memories of one engine: all are made here. Together they have at most `limit` bytes
    (None: no limit), without those whose type has the maximum `own` (in bytes), which belong to the
    host. Beyond the limit, making one fails and growing one returns -1, as in any engine.

    Python can raise an exception in any callback here, such as KeyboardInterrupt. `stop` gets it,
    and has to end the guest with it. Until then wasmtime has to have the right address: it does not
    check what it gets, and with another one the guest would read and write the host's memory."""

    def __init__(self, limit: int | None, own: int, stop: Callable[[BaseException], None]) -> None:
        self._limit = limit
        self._own = own
        self._stop = stop
        self._all: dict[int, HostMemory] = {}
        self._gets: dict[int, object] = {}
        """The callback for the address of each memory."""
        self._numbers = itertools.count(1)
        self._used = 0
        self.refused: str | None = None
        """Why the last memory that was not made was not, if that was the limit."""
        # cffi takes what `_failed` returns for the callback, and its stubs want None of it.
        self._callbacks = (
            _cffi.callback(_NEW, self._new, 0, self._failed),  # type: ignore[arg-type]
            _cffi.callback(_GROW, self._grow, 0, self._failed),  # type: ignore[arg-type]
            _cffi.callback(_FREE, self._free, None, self._not_freed),
        )

    def hosts(self) -> list[HostMemory]:
        """Those of the host, in the order in which they were made."""
        return [memory for memory in self._all.values() if memory.maximum == self._own]

    def guests(self) -> list[HostMemory]:
        """Those of the guest."""
        return [memory for memory in self._all.values() if memory.maximum != self._own]

    def configure(self, config: wasmtime.Config) -> None:
        """Let an engine with this configuration make its memories here. This object has to live
        longer than the engine.

        Images of memories (copy on write) are switched off, because wasmtime ends the process if
        it has both.
        """
        new = as_callback(ffi.wasmtime_new_memory_callback_t, self._callbacks[0])
        creator = ffi.wasmtime_memory_creator_t(None, new, CFUNCTYPE(None, c_void_p)())
        ffi.wasmtime_config_memory_init_cow_set(config.ptr(), False)
        ffi.wasmtime_config_host_memory_creator_set(config.ptr(), ctypes.byref(creator))

    def _new(
        self, _env: Any, _type: int, minimum: int, maximum: int, reserved: int, guard: int, out: int
    ) -> int:
        is_guests = maximum != self._own
        if is_guests:
            self._check(minimum, is_new=True)
        memory = HostMemory(minimum, maximum, reserved, guard)
        self._used += minimum if is_guests else 0
        number = next(self._numbers)
        self._all[number] = memory
        made = ffi.wasmtime_linear_memory_t.from_address(out)
        get = _cffi.callback(_GET, self._get, memory.address, self._not_got)
        self._gets[number] = get
        _, grow, free = self._callbacks
        made.env = c_void_p(number)  # type: ignore[assignment] # a field of ctypes takes it
        made.get_memory = as_callback(ffi.wasmtime_memory_get_callback_t, get)
        made.grow_memory = as_callback(ffi.wasmtime_memory_grow_callback_t, grow)
        made.finalizer = as_callback(CFUNCTYPE(None, c_void_p), free)
        return 0

    def _check(self, size: int, *, is_new: bool = False) -> None:
        """Raise an error unless `size` more bytes are within the limit."""
        needed = self._used + size
        if self._limit is not None and needed > self._limit:
            text = f"the memories need {needed} bytes, but the limit for them is {self._limit}"
            if is_new:
                self.refused = text
            raise _TooMuch(text)

    def _get(self, number: int, size: Any, capacity: Any) -> int:
        memory = self._all[number]
        size[0], capacity[0] = memory.size, memory.capacity
        return memory.address

    def _grow(self, number: int, size: int) -> int:
        memory = self._all[number]
        more = max(0, size - memory.size)
        is_guests = memory.maximum != self._own
        if is_guests:
            self._check(more)
        memory.grow(size)
        self._used += more if is_guests else 0
        return 0

    def _free(self, number: int) -> None:
        memory = self._all.pop(number)
        del self._gets[number]
        if memory.maximum != self._own:
            self._used -= memory.size
        memory.free()

    def _failed(self, _kind: object, error: BaseException, _traceback: object) -> int:
        """What wasmtime gets in the place of an exception in `_new` or `_grow`."""
        if not isinstance(error, Exception):
            self._stop(error)
        return error_of(error)

    def _not_got(self, _kind: object, error: BaseException, traceback: Any) -> None:
        """Do the work of `_get` after an exception. wasmtime gets the address in any case: after
        another exception here with sizes of 0, so that the guest can access nothing."""
        given = traceback.tb_frame.f_locals
        self._get(given["number"], given["size"], given["capacity"])
        self._stop(error)

    def _not_freed(self, _kind: object, error: BaseException, traceback: Any) -> None:
        """Do the work of `_free` after an exception before its first instruction."""
        number = traceback.tb_frame.f_locals["number"]
        if number in self._all:
            self._free(number)
        self._stop(error)


class _TooMuch(Exception):
    """A memory would exceed the limit."""


_NEW = "uintptr_t(void *, uintptr_t, size_t, size_t, size_t, size_t, uintptr_t)"
_GET = "uintptr_t(uintptr_t, size_t *, size_t *)"
_GROW = "uintptr_t(uintptr_t, size_t)"
_FREE = "void(uintptr_t)"


def _no_memory() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, "no memory for the guest")

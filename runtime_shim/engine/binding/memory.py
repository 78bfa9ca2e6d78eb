"""Finds the memory of a guest that calls the host."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable
from ctypes import PYFUNCTYPE, c_bool, c_char_p, c_size_t, c_void_p

from wasmtime import _ffi as ffi

from rewriter.abi.dialects import Errno
from runtime_shim.abi.memory import GuestMemory
from runtime_shim.errors import HostError

__all__ = ["memory_finder"]

# These return at once and never call back, so they keep the interpreter lock (PYFUNCTYPE).
_caller_export_get = PYFUNCTYPE(c_bool, c_void_p, c_char_p, c_size_t, c_void_p)(
    ("wasmtime_caller_export_get", ffi.dll)
)
_caller_context = PYFUNCTYPE(c_void_p, c_void_p)(("wasmtime_caller_context", ffi.dll))
_memory_data = PYFUNCTYPE(c_void_p, c_void_p, c_void_p)(("wasmtime_memory_data", ffi.dll))
_memory_data_size = PYFUNCTYPE(c_size_t, c_void_p, c_void_p)(("wasmtime_memory_data_size", ffi.dll))
_extern_delete = PYFUNCTYPE(None, c_void_p)(("wasmtime_extern_delete", ffi.dll))

_MEMORY_KIND: int = ffi.WASMTIME_EXTERN_MEMORY.value
_MEMORY_OFFSET = ffi.wasmtime_extern_t.of.offset


def memory_finder(remember: bool) -> Callable[[int], GuestMemory]:
    """Return a function that finds the memory that the calling instance exports, at its current
    address. With `remember`, an instance that exports none gets the memory of the instance that
    called last.

    The same memory at the same address is always the same object. Its current size is asked for
    only when it matters, because memories never shrink. All callers of a function that remembers
    must be in one store.
    """
    extern = ffi.wasmtime_extern_t()
    address = ctypes.addressof(extern)  # this does not keep it alive; `find` does
    memory = address + _MEMORY_OFFSET
    store_of_memory = ctypes.c_uint64.from_address(memory)  # the first field, never used again
    number_in_store = (ctypes.c_uint32 * 3).from_address(memory + 8)  # the remaining fields
    found, store, context, number = GuestMemory(0, 0), 0, 0, (0, 0)

    def find(caller: int) -> GuestMemory:
        nonlocal found, store, context, number
        if not _caller_export_get(caller, b"memory", 6, address):
            if not (remember and store):
                raise HostError(Errno.MISSING_MEMORY, 'the guest exports nothing named "memory"')
            if int(extern.kind) != _MEMORY_KIND:  # frees the last caller's
                raise HostError(Errno.MISSING_MEMORY, "the guest's memory is not known yet")
        elif int(extern.kind) != _MEMORY_KIND:
            _extern_delete(address)
            raise HostError(
                Errno.MISSING_MEMORY, 'the guest\'s export "memory" is not an unshared memory'
            )
        which = number_in_store[0], number_in_store[2]  # the field between them is padding
        is_new = store_of_memory.value != store or which != number
        if is_new:
            store, context, number = store_of_memory.value, _caller_context(caller), which
        data = _memory_data(context, memory)
        if is_new or data != found.address:
            size = functools.partial(_memory_data_size, context, memory)
            found = GuestMemory(data or 0, size(), size)
        return found

    return find

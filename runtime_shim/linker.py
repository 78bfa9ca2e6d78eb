"""Wiring of the host into a wasmtime linker, by raw callbacks.

wasmtime.Linker.define_func converts every argument into Python objects and costs 20 times a
callback that reads the raw argument array (benchmarks/hostcall.py), so the C function behind it,
wasmtime_linker_define_func_unchecked, is called through wasmtime's own bindings.

https://docs.wasmtime.dev/c-api/linker_8h.html, https://docs.wasmtime.dev/c-api/func_8h.html
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import itertools
import logging
from collections.abc import Callable, Mapping
from ctypes import CFUNCTYPE, PYFUNCTYPE, c_bool, c_char_p, c_size_t, c_uint32, c_void_p

import wasmtime
from wasmtime import _ffi as ffi
from wasmtime import _func

from rewriter.dialects import DIALECTS, Dialect, Errno
from runtime_shim.errors import HostError
from runtime_shim.memory import GuestMemory
from runtime_shim.session import Session

__all__ = ["define"]

log = logging.getLogger("runtime_shim")

_RawCallback = CFUNCTYPE(c_size_t, c_void_p, c_void_p, c_void_p, c_size_t)
"""wasmtime_func_unchecked_callback_t with its pointers as integers: env, caller, arguments and
results in one array, its length; it returns a wasm_trap_t pointer or 0."""

_Finalizer = CFUNCTYPE(None, c_void_p)

_SLOT_WORDS = 4
"""wasmtime_val_raw_t is 16 bytes wide: an i32 is in the first of every four 32-bit words."""

# These return at once and never call back, so the interpreter lock is kept (PYFUNCTYPE).
_caller_export_get = PYFUNCTYPE(c_bool, c_void_p, c_char_p, c_size_t, c_void_p)(
    ("wasmtime_caller_export_get", ffi.dll)
)
_caller_context = PYFUNCTYPE(c_void_p, c_void_p)(("wasmtime_caller_context", ffi.dll))
_memory_data = PYFUNCTYPE(c_void_p, c_void_p, c_void_p)(("wasmtime_memory_data", ffi.dll))
_memory_data_size = PYFUNCTYPE(c_size_t, c_void_p, c_void_p)(("wasmtime_memory_data_size", ffi.dll))
_extern_delete = PYFUNCTYPE(None, c_void_p)(("wasmtime_extern_delete", ffi.dll))

_MEMORY_KIND: int = ffi.WASMTIME_EXTERN_MEMORY.value
_MEMORY_OFFSET = ffi.wasmtime_extern_t.of.offset

_live: dict[int, object] = {}
"""Callbacks that wasmtime may still call, by the number that their finalizer gets."""
_numbers = itertools.count(1)


_forget = _Finalizer(lambda number: _live.pop(number, None))


def define(
    linker: wasmtime.Linker,
    session: Session,
    dialects: Mapping[str, Dialect],
    *,
    remember_memory: bool = False,
) -> None:
    """Define wasi-nn's functions under each module name that `dialects` has, in that dialect.

    With `remember_memory`, instances without a memory may call them on behalf of the guest that
    called last. Raises wasmtime.WasmtimeError where the linker has one of them already.
    """
    i32 = wasmtime.ValType.i32
    find_memory = _memory_finder(remember_memory)
    for module, dialect in dialects.items():
        functions = _functions_of(dialect)
        for name, parameters in dialect.functions.items():
            func_type = wasmtime.FuncType([i32() for _ in parameters], [i32()])
            function = _raw(session, find_memory, name, functions[name], parameters)
            _define_raw(linker, module, name, func_type, function)


def _functions_of(dialect: Dialect) -> Mapping[str, Callable[..., int]]:
    if dialect.name in DIALECTS:
        found: Mapping[str, Callable[..., int]]
        found = importlib.import_module(f"runtime_shim.abi.{dialect.name}").FUNCTIONS
        return found
    from runtime_shim.abi.adapted import FUNCTIONS  # which few guests need

    return FUNCTIONS[dialect.name]


def _define_raw(
    linker: wasmtime.Linker,
    module: str,
    name: str,
    func_type: wasmtime.FuncType,
    function: Callable[[int, int, int, int], int],
) -> None:
    callback = _RawCallback(function)
    number = next(_numbers)
    _live[number] = callback
    error = ffi.wasmtime_linker_define_func_unchecked(
        linker.ptr(),
        ctypes.create_string_buffer(module.encode()),
        len(module),
        ctypes.create_string_buffer(name.encode()),
        len(name),
        func_type.ptr(),
        ctypes.cast(callback, ffi.wasmtime_func_unchecked_callback_t),
        number,
        _forget,
    )
    if error:
        raise wasmtime.WasmtimeError._from_ptr(error)


def _raw(
    session: Session,
    find_memory: Callable[[int], GuestMemory],
    name: str,
    function: Callable[..., int],
    parameters: tuple[str, ...],
) -> Callable[[int, int, int, int], int]:
    slots = (c_uint32 * (_SLOT_WORDS * len(parameters))).from_address
    only_a_handle = len(parameters) == 1  # and so no pointer, in every dialect

    def callback(_env: int, caller: int, raw: int, _length: int) -> int:
        try:
            words = slots(raw)
            try:
                if only_a_handle:
                    words[0] = function(session, words[0])
                else:
                    words[0] = function(session, find_memory(caller), *words[::_SLOT_WORDS])
            except HostError as error:
                words[0] = error.errno
                log.info("%s: %s", name, error)
            if session.stop is not None:
                return _trap(session.stop)
        except BaseException as error:  # noqa: BLE001 - past here, ctypes loses it and returns junk
            return _trap(error)
        return 0

    return callback


def _trap(error: BaseException) -> int:
    """Stop the guest, and have wasmtime raise the error where the guest was called from."""
    _func.LAST_EXCEPTION = error  # type: ignore[assignment] # it declares Exception, keeps any
    trap = wasmtime.Trap("the host failed")._consume()
    return ctypes.cast(trap, c_void_p).value or 0


def _memory_finder(remember: bool) -> Callable[[int], GuestMemory]:
    """Finds the memory that the calling instance exports, or exported last, where it is now.

    As long as it is at the same address in the same store, it is the same object; whether it has
    grown meanwhile is asked only where that matters, as memories never shrink.
    """
    extern = ffi.wasmtime_extern_t()
    address = ctypes.addressof(extern)
    memory = address + _MEMORY_OFFSET
    store_of_memory = ctypes.c_uint64.from_address(memory)  # its first field, never used again
    found, store, context = GuestMemory(0, 0), 0, 0

    def find(caller: int) -> GuestMemory:
        nonlocal found, store, context
        is_there = _caller_export_get(caller, b"memory", 6, address)
        if not is_there and not (remember and store):
            raise HostError(Errno.MISSING_MEMORY, 'the guest exports nothing named "memory"')
        if int(extern.kind) != _MEMORY_KIND:
            _extern_delete(address)
            raise HostError(
                Errno.MISSING_MEMORY, 'what the guest exports as "memory" is no unshared memory'
            )
        is_new_store = store_of_memory.value != store
        if is_new_store:
            store, context = store_of_memory.value, _caller_context(caller)
        data = _memory_data(context, memory)
        if is_new_store or data != found.address:
            size = functools.partial(_memory_data_size, context, memory)
            found = GuestMemory(data or 0, size(), size)
        return found

    return find

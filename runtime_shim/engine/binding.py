"""What is taken from wasmtime by names that its Python package keeps to itself, in one place.

The package's own ways are not enough for a host:

- Linker.define_func turns every argument into a Python object, and costs 20 times a callback that
  reads the raw argument array (benchmarks/hostcall.py).
- It calls back through ctypes, which loses what is raised before a callback's first line: Python
  looks for signals, for exceptions from other threads and for the recursion limit there. cffi hands
  those to a second function (https://cffi.readthedocs.io/en/stable/using.html#callbacks).
- It keeps the last exception of any guest for whichever guest ends next, in any thread.
- Func.__call__ ends the process at parameters and results that it does not know.

https://docs.wasmtime.dev/c-api/
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import types
from collections.abc import Callable, Sequence
from ctypes import PYFUNCTYPE, c_bool, c_char_p, c_size_t, c_void_p, py_object
from functools import partial
from typing import Any

import wasmtime
from _cffi_backend import FFI  # what modules that cffi makes import; cffi itself takes 20 ms
from wasmtime import _ffi as ffi
from wasmtime import _func
from wasmtime._extern import get_extern_ptr

from rewriter.abi.dialects import Errno
from runtime_shim.abi.memory import GuestMemory
from runtime_shim.errors import HostError

__all__ = [
    "NUMBERS",
    "Escape",
    "RawCallback",
    "StoreLife",
    "call",
    "define",
    "definitions",
    "instantiate",
    "memory_finder",
    "need_frames",
]

RawCallback = Callable[[object, int, Any, int], int]
"""wasmtime_func_unchecked_callback_t: what is not used, the caller's address, arguments and results
in one array of u32, of which every fourth is used (wasmtime_val_raw_t has 16 bytes), and its length
in values. It returns 0, or raises."""

_cffi = FFI()
_CALLBACK = "uintptr_t(void *, uintptr_t, uint32_t *, size_t)"

_live: dict[int, object] = {}
"""Callbacks that wasmtime may still call, by the number that their finalizer gets."""
_numbers = itertools.count(1)

_forget = _cffi.callback("void(uintptr_t)", _live.__delitem__)
"""Not a function in Python, so that nothing can be raised before it has run."""

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

_MESSAGE = b"the host failed"

_GIVEN = 1 | 4
"""Of a parameter, in ctypes: its value is given with the prototype, and not by who calls."""

_FRAMES = 6
"""Left below Python's recursion limit where a guest is called. Under Python 3.11 functions in C
count as well, and `Escape.raised` takes two."""


class Escape:
    """The way of an exception from a host call of one guest to whoever called the guest, which
    stops with a trap. With `by_wasmtime` that is as wasmtime's Func.__call__ has it, which raises
    what any guest has left there last; without, what this guest has left here.
    """

    __slots__ = ("kept", "raised")

    def __init__(self, *, by_wasmtime: bool = False) -> None:
        self.kept: Any = _func if by_wasmtime else types.SimpleNamespace(LAST_EXCEPTION=None)
        """Has the exception as LAST_EXCEPTION, or None."""
        keeps: Any = types.SimpleNamespace(from_param=partial(setattr, self.kept, "LAST_EXCEPTION"))
        new_trap: Any = PYFUNCTYPE(c_void_p, c_char_p, c_size_t, py_object, keeps, py_object)
        values = (_GIVEN, "message", _MESSAGE), (_GIVEN, "size", len(_MESSAGE))
        arguments = (1, "kind"), (1, "error"), (1, "traceback")
        self.raised: Callable[[object, BaseException, object], int] = new_trap(
            ("wasmtime_trap_new", ffi.dll), (*values, *arguments)
        )
        """Keeps an exception, given with its type and traceback, and makes a trap.

        Nothing in it is Python's bytecode, so that no other exception can come before it has ended:
        Python looks for those between instructions. ctypes converts each argument by its type's
        `from_param`, and the one for the exception keeps it. The C function takes two arguments,
        and does not see the others.
        """


def define(
    linker: wasmtime.Linker,
    module: str,
    name: str,
    parameters: int,
    results: int,
    callback: RawCallback,
    escape: Escape,
) -> None:
    """Define a function of so many i32 in a linker. What the callback raises goes to `escape`.

    Raises wasmtime.WasmtimeError where the linker has one already.
    """
    i32 = wasmtime.ValType.i32
    func_type = wasmtime.FuncType(
        [i32() for _ in range(parameters)], [i32() for _ in range(results)]
    )
    function = _cffi.callback(
        _CALLBACK,
        callback,
        0,
        escape.raised,  # type: ignore[arg-type] # the stubs want None of it
    )
    number = next(_numbers)
    _live[number] = function
    module_bytes, name_bytes = module.encode(), name.encode()
    error = ffi.wasmtime_linker_define_func_unchecked(
        linker.ptr(),
        ctypes.create_string_buffer(module_bytes),
        len(module_bytes),
        ctypes.create_string_buffer(name_bytes),
        len(name_bytes),
        func_type.ptr(),
        _as(ffi.wasmtime_func_unchecked_callback_t, function),
        number,
        _as(ctypes.CFUNCTYPE(None, c_void_p), _forget),
    )
    if error:
        raise wasmtime.WasmtimeError._from_ptr(error)


def _as(kind: Any, function: Any) -> Any:
    """A callback of cffi's, as ctypes passes it."""
    return ctypes.cast(int(_cffi.cast("uintptr_t", function)), kind)


class StoreLife:
    """Whether a store is still there, which its own object can be asked only while it is reached:
    closing it, and letting go of it, free the memory of its guests."""

    __slots__ = ("_number",)

    def __init__(self, store: wasmtime.Store) -> None:
        """Put a function into the store, which nothing calls, and whose end is noticed."""
        self._number = next(_numbers)
        _live[self._number] = self._number
        func_type = wasmtime.FuncType([], [])
        ffi.wasmtime_func_new_unchecked(
            store._context(),
            func_type.ptr(),
            _as(ffi.wasmtime_func_unchecked_callback_t, _uncalled),
            self._number,
            _as(ctypes.CFUNCTYPE(None, c_void_p), _forget),
            ctypes.byref(ffi.wasmtime_func_t()),
        )

    @property
    def is_over(self) -> bool:
        return self._number not in _live


_uncalled = _cffi.callback(_CALLBACK, lambda *_: 0)


def memory_finder(remember: bool) -> Callable[[int], GuestMemory]:
    """Finds the memory that the calling instance exports, where it is now; with `remember`, an
    instance that exports none has the one of the instance that called last.

    As long as it is the same memory at the same address, it is the same object; whether it has
    grown meanwhile is asked only where that matters, as memories never shrink. All callers of one
    that remembers have to be in one store.
    """
    extern = ffi.wasmtime_extern_t()
    address = ctypes.addressof(extern)  # which does not keep it; `find` does
    memory = address + _MEMORY_OFFSET
    store_of_memory = ctypes.c_uint64.from_address(memory)  # its first field, never used again
    number_in_store = (ctypes.c_uint32 * 3).from_address(memory + 8)  # the rest of it
    found, store, context, number = GuestMemory(0, 0), 0, 0, (0, 0)

    def find(caller: int) -> GuestMemory:
        nonlocal found, store, context, number
        if not _caller_export_get(caller, b"memory", 6, address):
            if not (remember and store):
                raise HostError(Errno.MISSING_MEMORY, 'the guest exports nothing named "memory"')
            if int(extern.kind) != _MEMORY_KIND:  # the last caller's, which is freed
                raise HostError(Errno.MISSING_MEMORY, "the guest's memory is not known yet")
        elif int(extern.kind) != _MEMORY_KIND:
            _extern_delete(address)
            raise HostError(
                Errno.MISSING_MEMORY, 'what the guest exports as "memory" is no unshared memory'
            )
        which = number_in_store[0], number_in_store[2]  # between them is nothing
        is_new = store_of_memory.value != store or which != number
        if is_new:
            store, context, number = store_of_memory.value, _caller_context(caller), which
        data = _memory_data(context, memory)
        if is_new or data != found.address:
            size = partial(_memory_data_size, context, memory)
            found = GuestMemory(data or 0, size(), size)
        return found

    return find


def definitions(
    store: wasmtime.Store, module: wasmtime.Module, *linkers: wasmtime.Linker
) -> list[Any]:
    """What the first linker that has it has for each import, None for those that none has."""
    return [_definition(store, item, linkers) for item in module.imports]


def _definition(
    store: wasmtime.Store, item: wasmtime.ImportType, linkers: Sequence[wasmtime.Linker]
) -> Any:
    for linker in linkers:
        with contextlib.suppress(wasmtime.WasmtimeError):
            return linker.get(store, item.module, item.name or "")
    return None


def instantiate(
    store: wasmtime.Store, module: wasmtime.Module, imports: Sequence[Any], escape: Escape
) -> wasmtime.Instance:
    """Make an instance with a definition for each import, and run its start function.

    Raises wasmtime.WasmtimeError, wasmtime.Trap and what a host call raised.
    """
    for item, definition in zip(module.imports, imports, strict=True):
        if definition is None:
            raise wasmtime.WasmtimeError(
                f"unknown import: `{item.module}::{item.name}` has not been defined"
            )
    externs = (ffi.wasmtime_extern_t * len(imports))(*map(get_extern_ptr, imports))
    instance = ffi.wasmtime_instance_t()
    created = ctypes.byref(instance)
    arguments = store._context(), module.ptr(), externs, len(imports), created
    _enter(ffi.wasmtime_instance_new, arguments, escape)
    return wasmtime.Instance._from_raw(instance)


NUMBERS: dict[str, int] = {
    "i32": ffi.WASMTIME_I32.value,
    "i64": ffi.WASMTIME_I64.value,
    "f32": ffi.WASMTIME_F32.value,
    "f64": ffi.WASMTIME_F64.value,
    "v128": ffi.WASMTIME_V128.value,
}
"""The value types that `call` passes, with their numbers in C."""


def call(
    store: wasmtime.Store,
    function: wasmtime.Func,
    arguments: Sequence[tuple[str, int | float]],
    results: int,
    escape: Escape,
) -> list[int | float]:
    """Call a function with (type, value) for each parameter, of the types in NUMBERS; a v128 is an
    unsigned integer in little-endian order. It has to have so many results, of such types.

    Raises wasmtime.WasmtimeError, wasmtime.Trap and what a host call raised.
    """
    values = (ffi.wasmtime_val_t * len(arguments))()
    for value, (kind, argument) in zip(values, arguments, strict=True):
        value.kind = NUMBERS[kind]
        if kind == "v128":
            value.of.v128[:] = int(argument).to_bytes(16, "little")
        else:
            setattr(value.of, kind, argument)
    returned = (ffi.wasmtime_val_t * results)()
    guest = store._context(), ctypes.byref(function._func)
    _enter(ffi.wasmtime_func_call, (*guest, values, len(arguments), returned, results), escape)
    kinds = {number: kind for kind, number in NUMBERS.items()}
    return [_number(kinds[int(value.kind)], value.of) for value in returned]


def _number(kind: str, union: Any) -> int | float:
    if kind == "v128":
        return int.from_bytes(bytes(union.v128), "little")
    number: int | float = getattr(union, kind)
    return number


def _enter(function: Any, arguments: Sequence[Any], escape: Escape) -> None:
    """Call a function of wasmtime's that runs a guest, and takes a place for its trap at the end.

    Raises wasmtime.WasmtimeError, wasmtime.Trap and what a host call raised; where another
    exception comes before that can be raised, that one, with the first as its context.
    """
    need_frames(_FRAMES)
    trap, kept = ctypes.POINTER(ffi.wasm_trap_t)(), escape.kept
    failure: Exception | None = None
    try:
        if error := function(*arguments, ctypes.byref(trap)):
            failure = wasmtime.WasmtimeError._from_ptr(error)
        elif trap:
            failure = wasmtime.Trap._from_ptr(trap)
    except BaseException as later:
        # Nothing is called from here to the end, so that no third can come before it.
        first, kept.LAST_EXCEPTION = kept.LAST_EXCEPTION, None
        if first is not None and first is not later:
            later.__context__ = first
        raise
    first, kept.LAST_EXCEPTION = kept.LAST_EXCEPTION, None
    if first is not None:
        raise first
    if failure is not None:
        raise failure


def need_frames(count: int) -> None:
    """Raise RecursionError unless there is room for so many."""
    if count:
        need_frames(count - 1)

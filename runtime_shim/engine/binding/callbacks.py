"""Functions of the host that guests call, and how what they raise gets past the guest."""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Callable
from ctypes import PYFUNCTYPE, c_char_p, c_size_t, c_void_p
from typing import Any

import wasmtime
from _cffi_backend import FFI  # what modules that cffi makes import; cffi itself takes 20 ms
from wasmtime import _ffi as ffi
from wasmtime import _func

__all__ = ["Escape", "RawCallback", "StoreLife", "define"]

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
_trap_new = PYFUNCTYPE(c_void_p, c_char_p, c_size_t)(("wasmtime_trap_new", ffi.dll))
_trap_delete = PYFUNCTYPE(None, c_void_p)(("wasm_trap_delete", ffi.dll))

_MESSAGE = b"the host failed"
_MESSAGE_SIZE = len(_MESSAGE)

_SPARE_TRAPS = 8
"""That are made before they are needed. As many exceptions can leave host calls of one guest one
after the other just at the recursion limit, where no other can be made."""


class Escape:
    """The way of an exception from a host call of one guest to whoever called the guest, which
    stops with a trap. With `by_wasmtime` that is as wasmtime's Func.__call__ has it, which raises
    what any guest has left there last; without, what this guest has left here.
    """

    __slots__ = ("_count", "_traps", "by_wasmtime", "error")

    def __init__(self, *, by_wasmtime: bool = False) -> None:
        self.by_wasmtime = by_wasmtime
        self.error: BaseException | None = None
        self._traps: tuple[int, Any] | None = None
        self._count = 0
        self._prepare()

    def raised(self, _kind: object, error: BaseException, traceback: Any) -> int:
        """The trap for an exception, which was made before: at the recursion limit nothing can be
        called."""
        error.__traceback__ = traceback
        if self.by_wasmtime:
            _func.LAST_EXCEPTION = error  # type: ignore[assignment] # it declares Exception
        else:
            self.error = error
        trap, self._traps = self._traps  # type: ignore[misc] # None only at that limit, see below
        self._count -= 1
        try:  # noqa: SIM105 - contextlib.suppress is one more call
            self._prepare()
        except RecursionError:  # the next that is raised elsewhere sees to it
            pass
        return trap

    def _prepare(self) -> None:
        while self._count < _SPARE_TRAPS:
            self._traps = (_trap_new(_MESSAGE, _MESSAGE_SIZE), self._traps)
            self._count += 1

    def take(self) -> BaseException | None:
        """The exception that there is to raise, once."""
        if self.by_wasmtime:
            error, _func.LAST_EXCEPTION = _func.LAST_EXCEPTION, None
            return error
        own, self.error = self.error, None
        return own

    def __del__(self) -> None:
        while self._traps is not None:
            trap, self._traps = self._traps
            _trap_delete(trap)


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

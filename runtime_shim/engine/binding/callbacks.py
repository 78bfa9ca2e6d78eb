"""Functions of the host that guests call, and how what they raise gets past the guest."""

from __future__ import annotations

import ctypes
import itertools
import types
from collections.abc import Callable
from ctypes import PYFUNCTYPE, c_char_p, c_size_t, c_void_p, py_object
from functools import partial
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

_MESSAGE = b"the host failed"

_GIVEN = 1 | 4
"""Of a parameter, in ctypes: its value is given with the prototype, and not by who calls."""


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

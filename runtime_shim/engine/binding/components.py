"""Components: functions of the host that they call, their instances, and calls of their exports."""

from __future__ import annotations

import ctypes
import operator
from collections.abc import Callable, Sequence
from typing import Any

import wasmtime
from wasmtime import _ffi as ffi
from wasmtime import component as wasm_component

from runtime_shim.engine.binding.callbacks import (
    Escape,
    as_callback,
    component_callback,
    error_of,
)
from runtime_shim.engine.binding.calls import need_frames

__all__ = [
    "ComponentFunction",
    "Fault",
    "call_command",
    "define_in_component",
    "instantiate_component",
]

ComponentFunction = Callable[..., int | None]
"""Takes a u32 for each parameter, and returns a u64 or None. What it raises stops the guest."""


class Fault(Exception):
    """Stops a guest for its own fault: wasmtime's error has the text, and where the guest was."""


_VALUE = ctypes.sizeof(ffi.wasmtime_component_val_t)
_WORDS = _VALUE // 4
_NUMBER = ffi.wasmtime_component_val_t.of.offset
_U32: int = ffi.WASMTIME_COMPONENT_U32.value
_U64: int = ffi.WASMTIME_COMPONENT_U64.value
_FRAMES = 6
"""Kept free below Python's recursion limit when a guest is called: see calls.py."""


def define_in_component(
    instance: wasm_component.LinkerInstance,
    name: str,
    parameters: int,
    result: str | None,
    function: ComponentFunction,
    escape: Escape,
) -> None:
    """Define a function of `parameters` u32 in an instance of a component's linker. `result` is
    "u32", "u64" or None. What the function raises goes to `escape`.

    Raises wasmtime.WasmtimeError if there is already one of that name.
    """
    callback, number, forget = component_callback(_raw(function, parameters, result), escape)
    encoded = name.encode()
    error = ffi.wasmtime_component_linker_instance_add_func(
        instance.ptr(),
        ctypes.create_string_buffer(encoded),
        len(encoded),
        as_callback(ffi.wasmtime_component_func_callback_t, callback),
        number,
        forget,
    )
    if error:
        raise wasmtime.WasmtimeError._from_ptr(error)


def _raw(function: ComponentFunction, parameters: int, result: str | None) -> Any:
    """The function as C calls it: with two arrays of wasmtime_component_val_t, the arguments in u32
    and the result in u64."""
    arguments = _itemgetter(range(_NUMBER // 4, _WORDS * parameters, _WORDS))
    kind = _U32 if result == "u32" else _U64

    def raw(
        _data: object, _context: int, _type: int, given: Any, _count: int, out: Any, returns: int
    ) -> int:
        try:
            value = function(*arguments(given))
        except Fault as fault:
            return error_of(fault)
        if returns:
            out[0] = kind
            out[_NUMBER // 8] = value
        return 0

    return raw


def _itemgetter(places: range) -> Callable[[Any], tuple[int, ...]]:
    """Like operator.itemgetter, which returns no tuple for one place and needs at least one."""
    if len(places) > 1:
        return operator.itemgetter(*places)
    return lambda given: tuple(given[place] for place in places)


def instantiate_component(
    linker: wasm_component.Linker,
    store: wasmtime.Store,
    component: wasm_component.Component,
    escape: Escape,
) -> wasm_component.Instance:
    """Make an instance, and run the start functions of its core modules.

    Raises wasmtime.WasmtimeError, and any exception that a host call raised.
    """
    instance = ffi.wasmtime_component_instance_t()
    arguments = linker.ptr(), store._context(), component.ptr(), ctypes.byref(instance)
    _enter(ffi.wasmtime_component_linker_instantiate, arguments, escape)
    return wasm_component.Instance._from_raw(instance)


def call_command(store: wasmtime.Store, function: wasm_component.Func, escape: Escape) -> bool:
    """Call a function without parameters that returns a result without values, as
    `wasi:cli/run#run`. Returns whether it succeeded.

    Raises wasmtime.WasmtimeError (wasmtime.ExitTrap for `wasi:cli/exit`), and any exception that a
    host call raised.
    """
    result = ffi.wasmtime_component_val_t()
    arguments = (
        ctypes.byref(function._func),
        store._context(),
        None,
        0,
        ctypes.byref(result),
        1,
    )
    _enter(ffi.wasmtime_component_func_call, arguments, escape)
    succeeded = bool(result.of.result.is_ok)
    ffi.wasmtime_component_val_delete(ctypes.byref(result))
    return succeeded


def _enter(function: Any, arguments: Sequence[Any], escape: Escape) -> None:
    """Call a function of wasmtime's that runs a component.

    Raises wasmtime.WasmtimeError, and any exception that a host call raised. If another exception
    occurs before that can be raised, raises that one, with the first as its context.
    """
    need_frames(_FRAMES)
    kept = escape.kept
    failure: Exception | None = None
    try:
        if error := function(*arguments):
            failure = wasmtime.WasmtimeError._from_ptr(error)
    except BaseException as later:
        # Nothing is called from here to the end, so no third exception can occur before it.
        first, kept.LAST_EXCEPTION = kept.LAST_EXCEPTION, None
        if first is not None and first is not later:
            later.__context__ = first
        raise
    first, kept.LAST_EXCEPTION = kept.LAST_EXCEPTION, None
    if first is not None:
        raise first
    if failure is not None:
        raise failure

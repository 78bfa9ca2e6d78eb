"""Instances of guests, and calls of their exports."""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Sequence
from typing import Any

import wasmtime
from wasmtime import _ffi as ffi
from wasmtime._extern import get_extern_ptr

from runtime_shim.engine.binding.callbacks import Escape

__all__ = ["NUMBERS", "call", "definitions", "instantiate", "need_frames"]


_FRAMES = 6
"""Frames kept free below Python's recursion limit when a guest is called. Python 3.11 counts C
functions as well, and `Escape.raised` takes two."""


def definitions(
    store: wasmtime.Store, module: wasmtime.Module, *linkers: wasmtime.Linker
) -> list[Any]:
    """The definition of each import, from the first linker that has it; None if none has."""
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

    Raises wasmtime.WasmtimeError, wasmtime.Trap, and any exception that a host call raised.
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
    unsigned integer in little-endian order. The function must have `results` results of such types.

    Raises wasmtime.WasmtimeError, wasmtime.Trap, and any exception that a host call raised.
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
    """Call a function of wasmtime's that runs a guest, with a pointer for its trap as the last
    argument.

    Raises wasmtime.WasmtimeError, wasmtime.Trap, and any exception that a host call raised. If
    another exception occurs before that can be raised, raises that one, with the first as its
    context.
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


def need_frames(count: int) -> None:
    """Raise RecursionError unless `count` more frames fit."""
    if count:
        need_frames(count - 1)

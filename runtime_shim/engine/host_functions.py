"""wasi-nn's functions for a wasmtime linker."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

import wasmtime

from rewriter.abi.dialects import Dialect, Errno
from runtime_shim.abi.errnos import numbers_of
from runtime_shim.abi.memory import GuestMemory
from runtime_shim.engine import binding as engine
from runtime_shim.engine.binding import Escape, RawCallback
from runtime_shim.errors import HostError
from runtime_shim.host.session import Session

__all__ = ["define"]

log = logging.getLogger("runtime_shim")

_FRAMES = 16
"""Frames kept free below Python's recursion limit. A guest that calls itself through a function of
its embedder is then stopped by a host call. Otherwise it would reach wasmtime's own callback
(Linker.define_func), which needs five frames and ends the process if it has fewer."""


def define(
    linker: wasmtime.Linker,
    session: Session,
    dialects: Mapping[str, Dialect],
    escape: Escape,
    *,
    remember_memory: bool = False,
) -> None:
    """Define wasi-nn's functions under each module name in `dialects`, in that dialect.

    With `remember_memory`, instances without a memory may call them on behalf of the guest that
    called last; all of them have to be in one store. Raises wasmtime.WasmtimeError if the linker
    already has one of the functions.
    """
    find_memory = engine.memory_finder(remember_memory)
    for module, dialect in dialects.items():
        functions, errnos = _functions_of(dialect), numbers_of(dialect)
        for name, parameters in dialect.functions.items():
            callback = _raw(session, find_memory, name, functions[name], len(parameters), errnos)
            engine.define(linker, module, name, len(parameters), 1, callback, escape)


def _functions_of(dialect: Dialect) -> Mapping[str, Callable[..., int]]:
    module = importlib.import_module(f"runtime_shim.abi.{dialect.implementation}")
    found: Mapping[str, Callable[..., int]] = module.functions(dialect)
    return found


def _raw(
    session: Session,
    find_memory: Callable[[int], GuestMemory],
    name: str,
    function: Callable[..., int],
    parameters: int,
    errnos: Mapping[Errno, int],
) -> RawCallback:
    arguments = itemgetter(*range(0, 4 * parameters, 4))  # see RawCallback
    only_a_handle = parameters == 1  # so it takes no pointer, in any dialect

    def callback(_: object, caller: int, words: Any, _length: int) -> int:
        try:
            if only_a_handle:
                words[0] = function(session, words[0])
            else:
                engine.need_frames(_FRAMES)
                words[0] = function(session, find_memory(caller), *arguments(words))
        except HostError as error:
            words[0] = errnos[error.errno]
            session.refused = (
                name,
                type(error)(*error.args),
            )  # a copy without its cause and traceback
            log.info("%s: %s", name, error)
        if session.stop is not None:
            raise session.stop
        return 0

    return callback

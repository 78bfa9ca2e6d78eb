"""Two exceptions that have nothing to do with a guest, and wait for the same host call."""

from __future__ import annotations

import ctypes
import gc
import itertools
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
import wasmtime
from wasmtime import _ffi as ffi
from wasmtime import _func

from rewriter.abi.dialects import WASMEDGE
from runtime_shim import NNHost
from runtime_shim.engine.binding import Escape, call
from runtime_shim.engine.host_functions import define
from tests.support.wasm import assemble

SIGNALLED = """(module
  (import "env" "first" (func $first))
  (import "env" "second" (func $second))
  (import "wasi_nn" "load_by_name" (func $load (param i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (global (export "went_on") (mut i32) (i32.const 0))
  (func (export "go")
    (call $first)
    (call $second)
    (drop (call $load (i32.const 0) (i32.const 4) (i32.const 64)))
    (global.set 0 (i32.const 1))))"""

FIRST, SECOND = signal.SIGUSR1, signal.SIGUSR2

TIMES = 1_000

ENDS = {"Numbered", "RecursionError", "ArgumentError"}
"""The last is ctypes' name for the one before."""


class Numbered(Exception):
    pass


class Threads(Exception):
    pass


class Guest:
    """Signals are sent in it, whose handlers Python runs where the next host call begins, and where
    that has ended."""

    def __init__(self, by_wasmtime: bool, *numbers: int) -> None:
        self._store = wasmtime.Store()
        linker, escape = wasmtime.Linker(self._store.engine), Escape(by_wasmtime=by_wasmtime)
        for name, number in zip(("first", "second"), numbers, strict=True):
            send_signal(linker, name, number)
        define(linker, NNHost().session(), {"wasi_nn": WASMEDGE}, escape)
        module = wasmtime.Module(self._store.engine, assemble(SIGNALLED))
        exports = linker.instantiate(self._store, module).exports(self._store)
        go, went_on = exports["go"], exports["went_on"]
        assert isinstance(go, wasmtime.Func)
        assert isinstance(went_on, wasmtime.Global)
        self._went_on = went_on
        self.call: Callable[[], object] = lambda: call(self._store, go, (), 0, escape)
        if by_wasmtime:
            self.call = lambda: go(self._store)

    @property
    def went_on(self) -> bool:
        return bool(self._went_on.value(self._store))


def send_signal(linker: wasmtime.Linker, name: str, number: int) -> None:
    """Define a function that runs no bytecode of Python, where it would be noticed."""
    send = ctypes.cast(ctypes.CDLL(None)["raise"], ffi.wasmtime_func_unchecked_callback_t)
    never = ctypes.CFUNCTYPE(None, ctypes.c_void_p)()
    nothing, encoded = wasmtime.FuncType([], []), name.encode()
    assert not ffi.wasmtime_linker_define_func_unchecked(
        linker.ptr(), b"env", 3, encoded, len(encoded), nothing.ptr(), send, number, never
    )


def handle(*numbers: int) -> None:
    counter = itertools.count(1)

    def handler(*_: object) -> None:
        raise Numbered(next(counter))

    for number in numbers:
        signal.signal(number, handler)


def handle_as_a_thread_would(number: int) -> None:
    """Without bytecode as well, which would be where it is raised."""
    kinds = ctypes.c_ulong, ctypes.py_object, ctypes.c_int, ctypes.py_object
    given = (1 | 4, "thread", threading.get_ident()), (1 | 4, "exception", Threads)
    arguments = (1, "number"), (1, "frame")
    raise_here: Any = ctypes.PYFUNCTYPE(ctypes.c_int, *kinds)
    name = "PyThreadState_SetAsyncExc", ctypes.pythonapi
    signal.signal(number, raise_here(name, (*given, *arguments)))


def chain(error: BaseException | None) -> list[BaseException]:
    """An exception and its contexts, the first that was raised at the beginning."""
    return [] if error is None else [*chain(error.__context__), error]


def count(by_wasmtime: bool, by_a_thread: bool) -> None:
    """Print how each of many calls has ended, and what wasmtime's package has kept."""
    gc.disable()  # it calls destructors, where Python drops what is raised
    handle(FIRST, SECOND)
    if by_a_thread:
        handle_as_a_thread_would(SECOND)
    guest, ends, kept = Guest(by_wasmtime, FIRST, SECOND), [], []
    for _ in range(TIMES):
        try:
            guest.call()
        except (Numbered, Threads) as error:
            ends.append([each.args for each in chain(error)])
        kept.append(getattr(_func.LAST_EXCEPTION, "args", None))
        _func.LAST_EXCEPTION = None
    print(json.dumps([ends, kept, guest.went_on]))


def at_the_limit(by_wasmtime: bool) -> None:
    """Print how calls have ended that had ever fewer frames left."""
    handle(FIRST)
    guest, ends = Guest(by_wasmtime, FIRST, 0), []

    def deep(frames: int) -> None:
        if frames:
            deep(frames - 1)
        else:
            guest.call()

    limit = sys.getrecursionlimit()
    for frames in range(limit - 60, limit):
        try:
            deep(frames)
        except (Numbered, RecursionError, ctypes.ArgumentError) as error:
            ends.append(type(error).__name__)
        else:
            ends.append("returned")
    print(json.dumps([ends, guest.went_on]))


def printed_by(code: str) -> Any:
    code = f"from tests.runtime_shim.engine import test_two_exceptions as t; t.{code}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert not done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("by_a_thread", [False, True])
def test_the_first_is_the_seconds_context(by_a_thread: bool) -> None:
    ends, kept, went_on = printed_by(f"count(False, {by_a_thread})")
    numbers = range(1, TIMES + 1) if by_a_thread else range(1, 2 * TIMES + 1, 2)
    assert ends == [[[each], [] if by_a_thread else [each + 1]] for each in numbers]
    assert kept == [None] * TIMES
    assert not went_on


@pytest.mark.parametrize("by_a_thread", [False, True])
def test_wasmtimes_own_call_raises_the_second_and_keeps_the_first(by_a_thread: bool) -> None:
    ends, kept, went_on = printed_by(f"count(True, {by_a_thread})")
    numbers = range(1, TIMES + 1) if by_a_thread else range(1, 2 * TIMES + 1, 2)
    assert ends == [[[] if by_a_thread else [each + 1]] for each in numbers]
    assert kept == [[each] for each in numbers]
    assert not went_on


@pytest.mark.parametrize("by_wasmtime", [False, True])
def test_however_few_frames_are_left_the_guest_stops(by_wasmtime: bool) -> None:
    ends, went_on = printed_by(f"at_the_limit({by_wasmtime})")
    assert {"Numbered", "RecursionError"} <= set(ends) <= ENDS
    assert not went_on

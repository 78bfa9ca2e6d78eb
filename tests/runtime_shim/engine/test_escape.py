"""Exceptions that have nothing to do with a guest, and come while it calls the host."""

from __future__ import annotations

import collections
import ctypes
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import wasmtime

from rewriter.abi.dialects import WASMEDGE
from runtime_shim import NNHost
from tests.support.wasm import assemble

ASKS_AGAIN = """(module
  (import "wasi_nn" "load_by_name" (func $load (param i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "go") (result i32) (local $errno i32)
    (loop $again
      (local.set $errno (call $load (i32.const 0) (i32.const 4) (i32.const 64)))
      (br_if $again (i32.eq (local.get $errno) (i32.const 8))))
    (local.get $errno)))"""
"""Ends when a call that finds nothing has another errno than not_found, which is 8."""

CALLS_SELDOM = """(module
  (import "wasi_nn" "compute" (func $compute (param i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "go") (result i32) (local $left i32) (local $errno i32)
    (loop $again
      (local.set $left (i32.const 1000000))
      (loop $on (br_if $on (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
      (local.set $errno (call $compute (i32.const 0)))
      (br_if $again (i32.eq (local.get $errno) (i32.const 1))))
    (local.get $errno)))"""
"""What is raised waits until the next call begins. The errno is invalid_argument, which is 1."""

CALLS_ITSELF = """(module
  (import "wasi_nn" "load_by_name" (func $load (param i32 i32 i32) (result i32)))
  (import "env" "again" (func $again))
  (memory (export "memory") 1)
  (func $ask
    (if (i32.ne (call $load (i32.const 0) (i32.const 4) (i32.const 64)) (i32.const 8))
      (then unreachable)))
  (func (export "go") (call $ask) (call $again) (call $ask)))"""


class Late(Exception):
    pass


class Caller:
    """Calls a guest's `go`, and counts how that ends."""

    def __init__(self, plain: bool, text: str = ASKS_AGAIN) -> None:
        engine = wasmtime.Engine()
        self.ends: collections.Counter[str] = collections.Counter()
        self.sent = 0
        self._store, linker = wasmtime.Store(engine), wasmtime.Linker(engine)
        linker.define_func("env", "again", wasmtime.FuncType([], []), self.call)
        host, module = NNHost(), wasmtime.Module(engine, assemble(text))
        self._session = host.session()
        if plain:
            host.add_to_linker(linker, self._session)
            instance = linker.instantiate(self._store, module)
        else:
            instance = self._session.instantiate(
                linker, self._store, module, dialects={"wasi_nn": WASMEDGE}
            )
        self._go = instance.exports(self._store)["go"]

    def call(self) -> None:
        assert isinstance(self._go, wasmtime.Func)
        self._go(self._store)

    def count(self) -> None:
        try:
            self.call()
        except (Late, RecursionError) as error:
            self.ends[type(error).__name__] += 1
        except wasmtime.Trap as error:
            self.ends[f"trap: {error}"] += 1
        else:
            self.ends["returned"] += 1

    def report(self) -> None:
        sys.unraisablehook = sys.__unraisablehook__
        print(json.dumps([self.sent, self.ends]))

    def send_again(self, send: Callable[[], object]) -> None:
        """Python drops what is raised while a destructor runs, of which wasmtime has many."""

        def dropped(hook: Any) -> None:
            where = f"{hook.err_msg} {hook.object}"  # the second is None from Python 3.14 on
            self.ends["in a destructor" if "__del__" in where else f"lost in {where}"] += 1
            send()

        sys.unraisablehook = dropped


def signals(plain: bool, times: int) -> None:
    caller = Caller(plain)

    def handler(*_: object) -> None:
        caller.sent += 1
        raise Late

    def send(seconds: float = 0.001) -> None:
        signal.setitimer(signal.ITIMER_REAL, seconds)

    signal.signal(signal.SIGALRM, handler)
    caller.send_again(send)
    for number in range(times):
        try:
            send(1e-3 + number % 97 * 1e-6)
            caller.count()
        except Late:
            caller.ends["outside"] += 1
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    caller.report()


def seldom(plain: bool, times: int) -> None:
    threads(plain, times // 10, CALLS_SELDOM)


def threads(plain: bool, times: int, text: str = ASKS_AGAIN) -> None:
    caller = Caller(plain, text)
    main = ctypes.c_ulong(threading.get_ident())
    wanted: queue.SimpleQueue[float] = queue.SimpleQueue()

    def raise_there() -> None:
        while True:
            time.sleep(wanted.get())
            caller.sent += ctypes.pythonapi.PyThreadState_SetAsyncExc(main, ctypes.py_object(Late))

    threading.Thread(target=raise_there, daemon=True).start()
    caller.send_again(lambda: wanted.put(0.001))
    for number in range(times):
        try:
            wanted.put(1e-3 + number % 97 * 1e-6)
            caller.count()
        except Late:
            caller.ends["outside"] += 1
    caller.report()


def deep(caller: Caller, frames: int) -> None:
    if frames:
        deep(caller, frames - 1)
    else:
        caller.count()


def recursion(plain: bool, times: int) -> None:
    caller = Caller(plain, CALLS_ITSELF)
    limit = sys.getrecursionlimit()
    for number in range(times):
        caller.sent += 1
        try:
            deep(caller, limit - 20 - number % 100)
        except (RecursionError, ctypes.ArgumentError):  # ctypes' name for one in its converters
            caller.ends["outside"] += 1
    caller.report()


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("way", ["signals", "threads", "seldom", "recursion"])
def test_no_exception_at_the_entry_of_a_host_call_is_lost(way: str, plain: bool) -> None:
    times = 2_000
    code = f"from tests.runtime_shim.engine import test_escape as t; t.{way}({plain}, {times})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert not done.stderr
    sent, ends = json.loads(done.stdout)
    assert ends.keys() <= {"Late", "RecursionError", "outside", "in a destructor"}
    asked = times // 10 if way == "seldom" else times
    assert sum(ends.values()) == sent >= asked
    assert ends.get("Late", 0) + ends.get("RecursionError", 0) > asked / 2


def test_an_embedders_exception_in_a_start_function_is_raised_there() -> None:
    engine = wasmtime.Engine()
    store, linker = wasmtime.Store(engine), wasmtime.Linker(engine)
    linker.define_func("env", "fails", wasmtime.FuncType([], []), lambda: os.environ["NO_SUCH_KEY"])
    module = wasmtime.Module(engine, '(module (import "env" "fails" (func $fails)) (start $fails))')
    with pytest.raises(KeyError):
        NNHost().session().instantiate(linker, store, module)
    traps = wasmtime.Module(engine, '(module (func (export "go") unreachable))')
    go = linker.instantiate(store, traps).exports(store)["go"]
    assert isinstance(go, wasmtime.Func)
    with pytest.raises(wasmtime.Trap):
        go(store)

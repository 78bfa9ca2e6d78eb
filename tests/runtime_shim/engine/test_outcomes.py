"""Runs in threads, each of which ends in its own way."""

from __future__ import annotations

import collections
import contextlib
from concurrent.futures import ThreadPoolExecutor

import wasmtime

from runtime_shim import Limits, NNHost, Reason, RunOptions, run
from tests.support.wasm import assemble

EXITS = """(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func $deeper (param i32)
    (if (i32.eqz (local.get 0)) (then (call $exit (i32.const {code}))))
    (call $deeper (i32.sub (local.get 0) (i32.const 1))))
  (func (export "_start") (call $deeper (i32.const 100))))"""

TRAPS = '(module (func (export "_start") unreachable))'

SPINS = """(module (import "wasi_nn" "compute" (func $compute (param i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start") (loop $on (drop (call $compute (i32.const 1))) (br $on))))"""


def ending(module: bytes, host: NNHost) -> str:
    try:
        outcome = run(module, host, RunOptions(cache=False))
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is counted
        return repr(error)
    if outcome.reason is Reason.EXITED:
        return str(outcome.exit_code)
    is_unreachable = "unreachable" in "".join(outcome.lines)
    return "unreachable" if is_unreachable else outcome.reason.value


def endings(expected: str, module: bytes, host: NNHost, times: int) -> collections.Counter[str]:
    found = collections.Counter(ending(module, host) for _ in range(times))
    return collections.Counter({f"{expected}: {end}": count for end, count in found.items()})


def fails_in_a_function_of_an_embedder(times: int) -> None:
    """wasmtime keeps that exception for whoever ends next, in any thread."""
    engine = wasmtime.Engine()
    linker, store = wasmtime.Linker(engine), wasmtime.Store(engine)
    linker.define_func("env", "f", wasmtime.FuncType([], []), lambda: [][0])
    module = wasmtime.Module(
        engine, '(module (import "env" "f" (func $f)) (func (export "go") (call $f)))'
    )
    go = linker.instantiate(store, module).exports(store)["go"]
    assert isinstance(go, wasmtime.Func)
    for _ in range(times):
        with contextlib.suppress(IndexError, wasmtime.Trap):
            go(store)


def test_each_run_has_its_own_outcome_whatever_others_do() -> None:
    free, short = NNHost(), NNHost(limits=Limits(timeout=0.001))
    work: list[tuple[str, bytes, NNHost, int]] = [
        (str(code), assemble(EXITS.format(code=code)), free, 5_000) for code in range(1, 6)
    ]
    work.append(("unreachable", assemble(TRAPS), free, 4_000))
    work.append(("timed out", assemble(SPINS), short, 1_000))
    with ThreadPoolExecutor(len(work) + 1) as pool:
        noise = pool.submit(fails_in_a_function_of_an_embedder, 20_000)
        found = sum(pool.map(lambda item: endings(*item), work), collections.Counter[str]())
        noise.result()
    assert found == {f"{expected}: {expected}": times for expected, _, _, times in work}

"""How runs end, each in its own way, whatever others do."""

from __future__ import annotations

import collections
import contextlib
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import wasmtime

from rewriter.abi.dialects import Encoding, Target
from runtime_shim import (
    GuestExit,
    GuestFailed,
    GuestTimeout,
    GuestTrap,
    Limits,
    NamedGraph,
    NNHost,
    Reason,
    RunOptions,
    run,
)
from runtime_shim.testing import FakeBackend
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
        (str(code), assemble(EXITS.format(code=code)), free, 1_000) for code in range(1, 6)
    ]
    work.append(("unreachable", assemble(TRAPS), free, 800))
    work.append(("timed out", assemble(SPINS), short, 200))
    with ThreadPoolExecutor(len(work) + 1) as pool:
        noise = pool.submit(fails_in_a_function_of_an_embedder, 4_000)
        found = sum(pool.map(lambda item: endings(*item), work), collections.Counter[str]())
        noise.result()
    assert found == {f"{expected}: {expected}": times for expected, _, _, times in work}


FUEL = Limits(fuel=1000)
TIME = Limits(timeout=0.2)
EXITS_WITH_3 = assemble(EXITS.format(code=3))
LOOPS = assemble('(module (func (export "_start") (loop (br 0))))')


@pytest.mark.parametrize(
    ("module", "limits", "reason", "code", "error"),
    [
        (EXITS_WITH_3, Limits(), Reason.EXITED, 3, GuestExit),
        (assemble(TRAPS), Limits(), Reason.TRAPPED, 134, GuestTrap),
        (LOOPS, FUEL, Reason.OUT_OF_FUEL, 134, GuestTrap),
        (LOOPS, TIME, Reason.TIMED_OUT, 124, GuestTimeout),
    ],
)
def test_an_outcome_says_why_and_is_raised_if_that_is_wanted(
    module: bytes, limits: Limits, reason: Reason, code: int, error: type[GuestFailed]
) -> None:
    host = NNHost(limits=limits)
    outcome = run(module, host)
    assert (outcome.reason, outcome.exit_code) == (reason, code)
    with pytest.raises(error) as checked:
        outcome.check()
    assert type(checked.value) is error
    assert checked.value.outcome is outcome
    assert list(checked.value.lines) == list(outcome.lines or ["the guest exited with code 3"])
    with pytest.raises(error):
        run(module, host, check=True)
    copy = pickle.loads(pickle.dumps(checked.value))
    assert (type(copy), copy.outcome, str(copy)) == (error, outcome, str(checked.value))


def test_a_guest_that_ends_well_is_its_own_check() -> None:
    outcome = run(assemble(EXITS.format(code=0)), NNHost())
    assert outcome.check() is outcome


LOADS = """(module
  (import "wasi_nn" "load_by_name" (func $load (param i32 i32 i32) (result i32)))
  (import "wasi_nn" "init_execution_context" (func $init (param i32 i32) (result i32)))
  (import "wasi_nn" "compute" (func $compute (param i32) (result i32)))
  (memory (export "memory") 1) (data (i32.const 64) "model")
  (func (export "_start")
    (if (call $load (i32.const 64) (i32.const 5) (i32.const 16)) (then unreachable))
    (if (call $init (i32.load (i32.const 16)) (i32.const 16)) (then unreachable))
    (drop (call $compute (i32.load (i32.const 16))))
    (drop (call $compute (i32.load (i32.const 16))))))"""


def test_an_outcome_has_what_this_guest_ran_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(b"any")
    graph = NamedGraph("model", Encoding.ONNX, Target.CPU, (str(tmp_path / "model"),))
    host = NNHost(backends={Encoding.ONNX: FakeBackend()}, graphs=[graph])
    for times in (1, 2):
        (row,) = run(assemble(LOADS), host, check=True).stats
        assert (row.name, row.device, row.loads, row.inferences) == ("model", "fake", 1, 2)
        assert [each.inferences for each in host.stats()] == [2 * times]
    assert run(assemble(EXITS.format(code=0)), host).stats == ()


def test_the_frames_of_a_panic_are_shown_if_that_is_wanted() -> None:
    module = assemble(
        """(module (func $rust_panic unreachable)
      (func $__rust_start_panic (call $rust_panic))
      (func (export "_start") (call $__rust_start_panic)))"""
    )
    folded = run(module, NNHost()).lines
    assert "    2 frames of the Rust panic handler (--backtrace shows them)" in folded
    shown = run(module, NNHost(), RunOptions(backtrace=True)).lines
    assert len(shown) == len(folded) + 1
    assert any("rust_panic" in line for line in shown)

"""What a guest may use: what is more, it is refused, or it is stopped."""

from __future__ import annotations

import struct
import threading
import time
from math import inf, nan
from typing import Any

import pytest
import wasmtime

from rewriter.abi.dialects import WASMEDGE, Encoding, Errno, Target, TensorType
from rewriter.errors import InvalidModule, UsageError
from rewriter.wasm.sections import SectionId
from runtime_shim import (
    GuestTimeout,
    GuestTrap,
    HostError,
    Limits,
    NNHost,
    Outcome,
    RunOptions,
    Session,
    run,
)
from runtime_shim.testing import FakeBackend
from tests.support.guest import BUILDERS, DATA, HANDLE, Guest
from tests.support.models import identity
from tests.support.time_limits import with_enough_time
from tests.support.wasm import HEADER, assemble, section

FOUR = memoryview(bytes(4))


def session(backend: FakeBackend | None = None, **limits: int) -> Session:
    backends = {Encoding.ONNX: backend or FakeBackend()}
    return NNHost(backends=backends, limits=Limits(**limits)).session()


def load(tested: Session, size: int = 10, kind: bytes = b"a") -> int:
    return tested.load([kind * size], Encoding.ONNX, Target.CPU)


def too_large(caught: pytest.ExceptionInfo[HostError], name: str) -> bool:
    return caught.value.errno is Errno.TOO_LARGE and f"{name}: " in caught.value.reason


def test_as_many_graphs_as_allowed_and_one_more_when_one_goes() -> None:
    tested = session(graphs=2)
    first, _ = load(tested), load(tested)
    with pytest.raises(HostError) as caught:
        load(tested)
    assert too_large(caught, "graphs")
    tested.unload(first)
    load(tested)


def test_as_many_contexts_as_allowed_and_one_more_when_one_goes() -> None:
    tested = session(contexts=2)
    graph = load(tested)
    first, _ = (tested.init_execution_context(graph) for _ in range(2))
    with pytest.raises(HostError) as caught:
        tested.init_execution_context(graph)
    assert too_large(caught, "contexts")
    tested.finalize_execution_context(first)
    tested.init_execution_context(graph)


def test_a_large_model_is_not_even_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    guest = Guest(NNHost(limits=Limits(models=100)))
    monkeypatch.setattr(
        "runtime_shim.abi.memory.GuestMemory.read", lambda *_: pytest.fail("copied")
    )
    guest.put(BUILDERS, struct.pack("<II", DATA, 101))
    assert guest.load(BUILDERS, 1, Encoding.ONNX, Target.CPU, HANDLE) == Errno.TOO_LARGE


def test_a_tensor_is_as_large_as_allowed() -> None:
    tested = session(tensors=8)
    context = tested.init_execution_context(load(tested))
    tested.set_input(context, 0, TensorType.U8, (8,), memoryview(bytes(8)))
    with pytest.raises(HostError) as caught:
        tested.set_input(context, 0, TensorType.U8, (9,), memoryview(bytes(9)))
    assert too_large(caught, "tensors")


def test_models_and_tensors_count_together_and_until_they_are_gone() -> None:
    tested = session(total=20)
    graph = load(tested, 10)
    context = tested.init_execution_context(graph)
    for size in (8, 9, 8):  # in place of each other
        tested.set_input(context, 0, TensorType.U8, (size,), memoryview(bytes(size)))
    tested.unload(graph)  # and the context still has it
    with pytest.raises(HostError) as caught:
        load(tested, 3, b"b")
    assert too_large(caught, "total")
    with pytest.raises(HostError) as caught:
        tested.set_input(context, 1, TensorType.U8, (4,), FOUR)
    assert too_large(caught, "total")
    tested.finalize_execution_context(context)
    load(tested, 20, b"b")


def test_a_model_that_is_loaded_twice_counts_once() -> None:
    tested = session(total=25)
    graphs = [load(tested, 10) for _ in range(2)]
    tested.unload(graphs[0])
    load(tested, 15, b"b")
    with pytest.raises(HostError):
        load(tested, 1, b"c")


def test_a_guest_does_not_use_up_what_another_may() -> None:
    host = NNHost(backends={Encoding.ONNX: FakeBackend()}, limits=Limits(graphs=1))
    for _ in range(3):
        load(host.session())


def test_what_a_closed_session_had_is_free() -> None:
    tested = session(graphs=1, total=10)
    load(tested)
    tested.close()
    load(tested)


RUNS = assemble('(module (func (export "_start")))')
LOOP = assemble('(module (func (export "_start") (loop (br 0))))')
GROW = assemble("""(module (memory (export "memory") 1)
  (func (export "_start")) (func (export "grow") (param i32) (result i32)
    (memory.grow (local.get 0))))""")


def test_a_guest_in_a_loop_is_stopped_when_its_time_is_over() -> None:
    with pytest.raises(GuestTimeout, match=r"longer than 0\.1 s"):
        run(LOOP, NNHost(limits=Limits(timeout=0.1)), check=True)


def test_time_counts_from_before_the_module_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    done, compiled = threading.Event(), wasmtime.Module(wasmtime.Engine(), RUNS)

    def slow(*_: object) -> wasmtime.Module:
        done.wait(60)
        return compiled

    monkeypatch.setattr("wasmtime.Module", slow)
    with pytest.raises(GuestTimeout, match=r"longer than 0\.2 s"):
        run(RUNS, NNHost(limits=Limits(timeout=0.2)), check=True)
    done.set()


def test_no_guest_starts_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Limits, "check", lambda _: None)  # which refuses such a time
    with pytest.raises(GuestTimeout):
        run(RUNS, NNHost(limits=Limits(timeout=0)), check=True)


def test_what_wasmtime_refuses_is_refused_with_a_limit_of_time_too() -> None:
    with pytest.raises(InvalidModule):
        run(HEADER + section(SectionId.START, b"\0"), NNHost(limits=Limits(timeout=60)))


@pytest.mark.parametrize(
    "limits",
    [
        *(
            Limits(timeout=value)  # type: ignore[arg-type]  # the test
            for value in (0, 0.0, 1e-9, -1, -0.1, inf, -inf, nan, 1e10, True, "1")
        ),
        *(Limits(fuel=value) for value in (-1, 1 << 64, 1.5, True)),  # type: ignore[arg-type]  # the test
        *(Limits(**{name: -1}) for name in Limits._fields),
        *(Limits(**{name: 1 << 64}) for name in Limits._fields),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused_by_the_host(limits: Limits) -> None:
    with pytest.raises(UsageError, match=r"the limit \w+ cannot be .*: expected"):
        NNHost(limits=limits)


def test_the_highest_and_the_lowest_limits_hold() -> None:
    highest = (1 << 64) - 1
    limits: dict[str, Any] = dict.fromkeys(Limits._fields, highest) | {
        "timeout": 1e9,
        "loading": None,
    }
    assert run(RUNS, NNHost(limits=Limits(**limits))) == Outcome(0)
    with pytest.raises(GuestTrap, match="all fuel consumed"):
        run(
            RUNS,
            NNHost(
                limits=Limits(
                    **{**dict.fromkeys(Limits._fields, 0), "timeout": 60, "loading": None}
                )
            ),
            check=True,
        )


def test_a_guest_without_fuel_traps() -> None:
    with pytest.raises(GuestTrap, match="all fuel consumed"):
        run(LOOP, NNHost(limits=Limits(fuel=1000)), check=True)
    run(GROW, NNHost(limits=Limits(fuel=1000)), check=True)


def test_a_memory_does_not_grow_beyond_the_limit() -> None:
    host = NNHost(limits=Limits(memory=4 * 65536))
    grown = [
        run(GROW, host, RunOptions(invoke="grow", invoke_args=[pages])).results[0]
        for pages in ("3", "4")
    ]
    assert grown == [1, -1]


COMPUTES = """(module
  (import "wasi_ephemeral_nn" "load" (func $load (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_ephemeral_nn" "init_execution_context"
    (func $init (param i32 i32) (result i32)))
  (import "wasi_ephemeral_nn" "compute" (func $compute (param i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (drop (call $load (i32.const 0) (i32.const 1) (i32.const 1) (i32.const 0) (i32.const 8)))
    (drop (call $init (i32.load (i32.const 8)) (i32.const 8)))
    (drop (call $compute (i32.load (i32.const 8))))
    (drop (call $compute (i32.load (i32.const 8))))))"""


def test_a_guest_is_gone_when_a_backend_returns_too_late() -> None:
    def check(timeout: float) -> None:
        computed = []

        def infer(inputs: object) -> list[bytes]:
            computed.append(inputs)
            time.sleep(timeout + 0.3)
            return []

        backends, limits = {Encoding.ONNX: FakeBackend(infer)}, Limits(timeout=timeout)
        with pytest.raises(GuestTimeout):
            run(assemble(COMPUTES), NNHost(backends=backends, limits=limits), check=True)
        assert len(computed) == 1

    with_enough_time(check)


SETS = """(module
  (import "wasi_ephemeral_nn" "set_input" (func (param i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")))"""


def test_a_small_memory_limit_does_not_keep_tensors_from_being_copied_fast(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    used: list[object] = []
    monkeypatch.setattr(Session, "use_arena", lambda _, arena, store: used.append(arena))
    run(assemble(SETS), NNHost(limits=Limits(memory=65536)))
    assert len(used) == 1


def test_limits_hold_in_every_function_that_could_go_beyond_them() -> None:
    guest = Guest(NNHost(limits=Limits(graphs=1, contexts=1)), dialect=WASMEDGE)
    context = guest.context_for(identity(dims=(1,)))
    assert guest.load_by_name(0, 4, HANDLE) == Errno.TOO_LARGE
    assert guest.load_by_name_with_config(0, 4, 0, 0, HANDLE) == Errno.TOO_LARGE
    assert guest.init_execution_context(context - 1, HANDLE) == Errno.TOO_LARGE
    assert guest.finalize_execution_context(context) == 0
    assert guest.unload(context - 1) == 0
    guest.context_for(identity(dims=(1,)))

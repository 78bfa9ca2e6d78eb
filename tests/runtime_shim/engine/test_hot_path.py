"""What an inference may cost in copies, look-ups and allocations, counted and not timed."""

from __future__ import annotations

import ctypes
import gc
import tracemalloc
from typing import Any

import pytest

from rewriter.abi.dialects import Encoding, Target, TensorType
from runtime_shim import NNHost
from runtime_shim.engine.binding import memory as engine
from runtime_shim.testing import FakeBackend, FakeContext, FakeGraph
from tests.support.guest import DATA, OUTPUT, WRITTEN, Guest
from tests.support.models import identity

MODEL = identity(dims=(1,))


def infer(guest: Guest, context: int) -> None:
    assert guest.set_input(context, 0, 256) == 0
    assert guest.compute(context) == 0
    assert guest.get_output(context, 0, OUTPUT, 4, WRITTEN) == 0


def ready(encoding: Encoding, *, plain: bool) -> tuple[Guest, int]:
    """A guest whose tensor lies at 256 and whose data at DATA, and its context. All its calls go
    to the host if it is `plain`."""
    guest = Guest(plain=plain)
    context = guest.context_for(MODEL, encoding)
    assert guest.feed(context, 0, TensorType.F32, (1,), b"abcd") == 0
    infer(guest, context)
    return guest, context


def test_a_backend_gets_the_guests_own_bytes_and_not_a_copy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[int] = []

    def look(
        self: FakeContext,
        index: int,
        tensor_type: TensorType,
        shape: tuple[int, ...],
        data: memoryview,
    ) -> None:
        seen.append(ctypes.addressof(ctypes.c_char.from_buffer(data)))

    monkeypatch.setattr(FakeContext, "set_input", look)
    guest = Guest(NNHost(backends={Encoding.ONNX: FakeBackend()}))
    context = guest.context_for(b"any")
    assert guest.feed(context, 0, TensorType.F32, (1,), b"abcd") == 0
    assert guest.memory is not None
    base = ctypes.addressof(guest.memory.data_ptr(guest.store).contents)
    assert seen == [base + DATA]


def test_an_output_is_written_from_where_the_backend_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = memoryview(b"abcd")
    graph = FakeGraph(lambda inputs: inputs, "fake")
    context = FakeContext(graph)
    monkeypatch.setattr(context, "get_output", lambda _: given)
    monkeypatch.setattr(FakeGraph, "init_execution_context", lambda _: context)
    host = NNHost(backends={Encoding.ONNX: FakeBackend()})
    with host.session() as session:
        handle = session.init_execution_context(session.load([b"any"], Encoding.ONNX, Target.CPU))
        assert session.output_in_place(handle, 0) is given


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("encoding", [Encoding.ONNX, Encoding.OPENVINO])
def test_an_inference_leaves_nothing_behind(encoding: Encoding, plain: bool) -> None:
    guest, context = ready(encoding, plain=plain)
    grown = []
    gc.collect()
    gc.disable()  # a collection empties the interpreter's stores of small objects
    tracemalloc.start()
    try:
        for _ in range(5):
            before = tracemalloc.get_traced_memory()[0]
            for _ in range(500):
                infer(guest, context)
            grown.append(tracemalloc.get_traced_memory()[0] - before)
    finally:
        tracemalloc.stop()
        gc.enable()
    assert min(grown) < 500  # less than a byte an inference: now and then a store grows


def test_a_memory_is_asked_for_its_size_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def counted(name: str) -> Any:
        function = getattr(engine, name)

        def call(*arguments: int) -> int:
            asked.append(name)
            found: int = function(*arguments)
            return found

        return call

    for name in ("_caller_context", "_memory_data", "_memory_data_size"):
        monkeypatch.setattr(engine, name, counted(name))
    guest, context = ready(Encoding.ONNX, plain=True)
    asked.clear()
    for _ in range(10):
        infer(guest, context)
    assert asked == ["_memory_data"] * 20  # of three calls, compute needs no memory


def test_what_was_checked_once_is_not_checked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    guest, context = ready(Encoding.OPENVINO, plain=True)

    def fail(*_: object) -> None:
        raise AssertionError("checked again")

    for name in ("check_input", "check_output"):
        monkeypatch.setattr(f"runtime_shim.backends.openvino.graph.{name}", fail)
    infer(guest, context)

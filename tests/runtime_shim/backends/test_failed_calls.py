"""A call into an NN runtime that fails leaves nothing that is used later: the guest gets an errno,
and then answers as if nothing had happened, or an errno again."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from ai_edge_litert.interpreter import Interpreter

from rewriter.abi.dialects import Encoding, Errno, Target, TensorType
from runtime_shim import NNHost
from runtime_shim.backends.common import placed_inputs
from runtime_shim.backends.common.c_objects import new_buffer
from runtime_shim.backends.ggml.backend import GgmlBackend
from runtime_shim.backends.ggml.llama_cpp import lib
from runtime_shim.backends.openvino import graph as openvino_graph
from runtime_shim.backends.openvino.c_library import CLibrary
from runtime_shim.errors import HostError
from tests.support import tflite_models
from tests.support.gguf_models import successors
from tests.support.guest import Guest
from tests.support.models import F32, model

ANY = ("n",)
"""A free dimension."""


class Failing:
    """Makes the n-th call from now on fail, of those that were `watch`ed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left: int | None = None
        self.error: BaseException = MemoryError("injected")
        self._monkeypatch = monkeypatch

    def watch(self, owner: Any, name: str) -> None:
        real = getattr(owner, name)

        def call(*arguments: Any, **more: Any) -> Any:
            if self.left is not None:
                self.left -= 1
                if self.left == 0:
                    raise self.error
            return real(*arguments, **more)

        self._monkeypatch.setattr(owner, name, call)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Failing]:
    found = Failing(monkeypatch)
    for name in ("call", "make"):
        found.watch(CLibrary, name)
    for module in (openvino_graph, placed_inputs):
        found.watch(module, "new_buffer")
    for name in ("bind_input", "bind_output", "get_outputs_as_ortvaluevector"):
        found.watch(ort.IOBinding, name)
    for name in ("run_with_iobinding", "io_binding"):
        found.watch(ort.InferenceSession, name)
    for name in ("resize_tensor_input", "allocate_tensors", "set_tensor", "invoke", "get_tensor"):
        found.watch(Interpreter, name)
    yield found
    found.left = None


def onnx_sum() -> bytes:
    """The sum of two inputs, and the first of them."""
    from onnx import helper

    node = helper.make_node("Add", ["a", "b"], ["s"])
    ports = [("a", F32, ANY), ("b", F32, ANY)]
    return model([node], ports, [("s", F32, ANY), ("a", F32, ANY)])


def tflite_sum() -> bytes:
    schema = tflite_models.schema
    tensors = [tflite_models.Tensor(np.float32, [-1]) for _ in range(3)]
    options = schema.BuiltinOptions.AddOptions, schema.AddOptionsT()
    operator = tflite_models.Operator(schema.BuiltinOperator.ADD, [0, 1], [2], *options)
    return tflite_models.build(tensors, [operator], [0, 1], [2, 0])


MODELS: dict[Encoding, Callable[[], bytes]] = {
    Encoding.ONNX: onnx_sum,
    Encoding.OPENVINO: onnx_sum,
    Encoding.TENSORFLOWLITE: tflite_sum,
}

SIZES = (2, 2, 2, 5, 5, 5, 2, 9)


def infer(guest: Guest, context: int, number: int, size: int) -> list[int]:
    """One inference, of which each call is tried twice: the errnos that the first tries gave. An
    answer with errno 0 is right."""
    first, second = (np.arange(size, dtype=np.float32) + more for more in (number, 100))
    errnos = []

    def twice(call: Callable[[], int]) -> int:
        errnos.append(call())
        return call() if errnos[-1] else 0

    for index, array in enumerate((first, second)):
        data = array.tobytes()

        def feed(index: int = index, data: bytes = data) -> int:
            return guest.feed(context, index, TensorType.F32, (size,), data)

        assert twice(feed) == Errno.SUCCESS
    computed = twice(lambda: guest.compute(context))
    if computed:
        return errnos
    for index, expected in enumerate((first + second, first)):
        guest.put(1024, b"\x11" * 64)
        errno = twice(partial(guest.get_output, context, index, 1024, 64, 300))
        if errno == Errno.SUCCESS:
            assert guest.take(1024, guest.u32(300)) == expected.tobytes()
    return errnos


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("encoding", MODELS)
def test_whichever_call_fails_no_wrong_answer_follows(
    failing: Failing, encoding: Encoding, plain: bool
) -> None:
    guest = Guest(plain=plain)
    made = MODELS[encoding]()
    failed = 0
    for place in range(1, 400):
        context = guest.context_for(made, encoding)
        failing.left = place
        for number, size in enumerate(SIZES):
            errnos = infer(guest, context, number, size)
            assert set(errnos) <= {Errno.SUCCESS, Errno.RUNTIME_ERROR}
            failed += any(errnos)
        there_were_fewer = failing.left > 0
        failing.left = None
        assert infer(guest, context, 7, 3) == [0] * 5
        guest.session.close()
        if there_were_fewer:
            break
    else:
        pytest.fail("an inference has more calls than were tried")
    assert failed >= 10


@pytest.mark.parametrize("error", [MemoryError(), KeyboardInterrupt()], ids=repr)
@pytest.mark.parametrize("encoding", [Encoding.ONNX, Encoding.OPENVINO])
def test_an_input_that_could_not_be_set_has_to_be_set_anew(
    failing: Failing, encoding: Encoding, error: BaseException
) -> None:
    with NNHost().session() as session:
        graph = session.load([MODELS[encoding]()], encoding, Target.CPU)
        context = session.init_execution_context(graph)
        data = memoryview(bytes(8))
        for index in (0, 1):
            session.set_input(context, index, TensorType.F32, (2,), data)
        failing.left, failing.error = 1, error
        raised = HostError if isinstance(error, Exception) else KeyboardInterrupt
        with pytest.raises(raised) as caught:
            session.set_input(context, 1, TensorType.F32, (3,), memoryview(bytes(12)))
        if isinstance(caught.value, HostError):
            assert caught.value.errno is Errno.RUNTIME_ERROR
        failing.left = None
        with pytest.raises(HostError, match=r"input 1 .* is not set"):
            session.compute(context)


SHORT_OF_MEMORY = """
import ctypes, resource, sys
from rewriter.abi.dialects import Encoding, Target, TensorType
from runtime_shim import HostError, NNHost
from tests.support.models import F32, model
from onnx import helper

made = model([helper.make_node("Relu", ["x"], ["y"])], [("x", F32, ("n",))], [("y", F32, ("n",))])
with NNHost().session() as session:
    graph = session.load([made], Encoding[sys.argv[1]], Target.CPU)
    contexts = [session.init_execution_context(graph) for _ in range(20)]
    data = bytearray(b"A" * 160_000_000)

    def feed(context, count):
        view = memoryview(data)[: 4 * count]
        try:
            session.set_input(context, 0, TensorType.F32, (count,), view)
            return 0
        except HostError as error:
            return int(error.errno)

    victim = contexts.pop()
    assert feed(victim, 400) == 0
    session.compute(victim)
    used = int(open("/proc/self/statm").read().split()[0]) * 4096
    limit = used + int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    taken = 0
    while contexts and feed(contexts.pop(), 40_000_000) == 0:
        taken += 1
    failed = feed(victim, 40_000_000)
    for _ in range(3):
        feed(victim, 400)
        for context in contexts[:3]:
            feed(context, 400)
    assert feed(victim, 400) == 0
    session.compute(victim)
    assert bytes(session.get_output(victim, 0)) == b"A" * 1600
    print("failed" if failed else "all there", taken)
"""


@pytest.mark.parametrize("encoding", ["ONNX", "OPENVINO"])
@pytest.mark.parametrize("room", [100_000_000, 300_000_000, 450_000_000, 700_000_000])
def test_a_process_that_is_short_of_memory_goes_on(encoding: str, room: int) -> None:
    command = [sys.executable, "-c", SHORT_OF_MEMORY, encoding, str(room)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout[:6]) == (0, "failed"), done.stderr


def test_memory_for_a_tensor_is_zeroed_and_aligned() -> None:
    for size in (0, 1, 63, 64, 1000):
        made = new_buffer(size)
        assert bytes(made) == bytes(size)
        if size:
            assert ctypes.addressof(ctypes.c_char.from_buffer(made)) % 64 == 0


@pytest.mark.parametrize(
    ("function", "failure"), [("decode", 1), ("init_from_model", None), ("sampler_chain_init", 0)]
)
def test_a_text_of_which_a_call_has_failed_is_begun_anew(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, function: str, failure: int | None
) -> None:
    real, left = getattr(lib, function), [0]

    def call(*arguments: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            if function.startswith("sampler"):
                raise MemoryError("injected")
            return failure
        return real(*arguments)

    monkeypatch.setattr(lib, function, call)
    path = successors(tmp_path / "letters.gguf", "abcdef")
    graph = GgmlBackend().load([path], Target.CPU, {"temp": 0, "ctx-size": 64})
    context = graph.init_execution_context()
    prompt = memoryview(b"ab")
    for place in range(1, 6):
        left[0] = place
        for _ in range(3):
            context.set_input(0, TensorType.U8, (2,), prompt)
            try:
                context.compute()
            except (HostError, MemoryError):
                with pytest.raises(HostError, match="before compute"):
                    context.get_output(0)
            else:
                assert bytes(context.get_output(0)) == b"cdef</s>"
        left[0] = 0
        context.compute()
        assert bytes(context.get_output(0)) == b"cdef</s>"

"""Models in a process of their own; what every backend has to do, test_backends.py tests there."""

from __future__ import annotations

import contextlib
import gc
import os
import re
import signal
import struct
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from rewriter.abi.dialects import WASMEDGE, Encoding, Errno, Target, TensorType
from rewriter.installation import install_line
from runtime_shim import NNHost, parse_nn_preload
from runtime_shim.backends.formats import FORMATS
from runtime_shim.backends.isolated import calls as isolated_calls
from runtime_shim.backends.isolated.client import IsolatedBackend, IsolatedGraph, IsolatedStream
from runtime_shim.backends.isolated.wire import LARGEST_MESSAGE, SharedMemory
from runtime_shim.errors import HostError
from runtime_shim.host.session import Floats
from samples.build import SAMPLES
from tests.support import tflite_models
from tests.support.gguf_models import successors
from tests.support.guest import HANDLE, Guest
from tests.support.models import F32, endless, identity, model
from tests.support.processes import ends, started, wait_for


def test_a_crash_is_a_runtime_error_and_the_next_model_runs(
    caplog: pytest.LogCaptureFixture,
) -> None:
    host = NNHost(isolate=True)
    guest, neighbour = Guest(host), Guest(host)
    with started() as pids:
        context = guest.context_for(identity())
    assert neighbour.context_for(identity()) == 2
    (pid,) = pids
    graph = context - 1
    os.kill(pid, signal.SIGSEGV)
    assert ends(pid)
    assert guest.feed(context, 0, TensorType.F32, (1, 4), bytes(16)) == Errno.RUNTIME_ERROR
    assert guest.compute(context) == Errno.RUNTIME_ERROR
    assert guest.init_execution_context(graph, HANDLE) == Errno.RUNTIME_ERROR
    (note,) = (record.getMessage() for record in caplog.records)
    assert (
        note == "the process that runs onnx models was killed by SIGSEGV, and its models are lost"
    )
    again = guest.context_for(identity())  # the very same model, which the host had still
    assert guest.feed(again, 0, TensorType.F32, (1, 4), bytes(range(16))) == 0
    assert guest.compute(again) == 0
    assert guest.output(again, 0) == bytes(range(16))
    assert neighbour.feed(2, 0, TensorType.F32, (1, 4), bytes(range(16))) == 0
    assert neighbour.compute(2) == 0
    assert neighbour.output(2, 0) == bytes(range(16))


def with_a_token_twice() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return successors(Path(folder) / "model.gguf", "abab").read_bytes()


def test_a_model_that_crashes_its_nn_runtime_when_it_is_loaded_is_a_runtime_error() -> None:
    host = NNHost(isolate=True)
    guest = Guest(host, dialect=WASMEDGE, memory='(memory (export "memory") 64)')
    assert guest.load_model(with_a_token_twice(), Encoding.GGML) == Errno.RUNTIME_ERROR
    with pytest.raises(HostError, match="was killed by SIGABRT"):
        host.load([with_a_token_twice()], Encoding.GGML, Target.CPU)
    assert guest.load_model(identity(), Encoding.ONNX) == Errno.SUCCESS


def test_a_model_that_crashes_its_nn_runtime_when_it_computes_is_a_runtime_error() -> None:
    guest = Guest(NNHost(isolate=True))
    context = guest.context_for(tflite_models.reversed_as_computed(), Encoding.TENSORFLOWLITE)
    assert guest.feed(context, 0, TensorType.F32, (0,), b"") == Errno.SUCCESS
    assert guest.feed(context, 1, TensorType.I32, (2,), struct.pack("<2i", 4, 0)) == Errno.SUCCESS
    assert guest.compute(context) == Errno.RUNTIME_ERROR
    assert guest.compute(context) == Errno.RUNTIME_ERROR
    with pytest.raises(HostError, match="was killed by SIGSEGV"):
        guest.session.compute(context)
    assert guest.context_for(tflite_models.identity(np.float32, [4]), Encoding.TENSORFLOWLITE)


def test_a_named_graph_is_loaded_again_after_a_crash() -> None:
    graph = parse_nn_preload(f"digits:onnx:cpu:{SAMPLES / 'digits' / 'model.onnx'}")
    host = NNHost(isolate=True, graphs=[graph])
    with started() as pids:
        first = host.load_by_name("digits")
    os.kill(pids[0], signal.SIGKILL)
    assert ends(pids[0])
    with pytest.raises(HostError, match="was killed by SIGKILL"):
        first.init_execution_context()
    assert host.load_by_name("digits").init_execution_context() is not None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGRTMIN + 3])
def test_a_process_that_ended_unseen_is_not_used_again(number: int) -> None:
    host = NNHost(isolate=True)
    with started() as pids:
        first = host.load([identity()], Encoding.ONNX, Target.CPU)
    os.kill(pids[0], number)
    assert ends(pids[0])
    wait_for(lambda: isinstance(first, IsolatedGraph) and first.lost)
    again = host.load([identity()], Encoding.ONNX, Target.CPU)
    assert again is not first
    assert again.init_execution_context() is not None


def test_a_crash_while_a_model_runs_ends_the_wait_for_it() -> None:
    backend = IsolatedBackend(Encoding.ONNX)
    with started() as pids:
        context = backend.load([endless()], Target.CPU).init_execution_context()
    context.set_input(0, TensorType.F32, (1,), memoryview(bytes(4)))
    threading.Timer(0.5, os.kill, (pids[0], signal.SIGABRT)).start()
    with pytest.raises(HostError, match="was killed by SIGABRT") as caught:
        context.compute()
    assert caught.value.errno is Errno.RUNTIME_ERROR


def test_contexts_compute_at_the_same_time() -> None:
    backend = IsolatedBackend(Encoding.ONNX)
    with started() as pids:
        busy = backend.load([endless()], Target.CPU).init_execution_context()
    busy.set_input(0, TensorType.F32, (1,), memoryview(bytes(4)))

    def compute() -> None:
        with contextlib.suppress(HostError):
            busy.compute()

    thread = threading.Thread(target=compute)
    thread.start()
    other = backend.load([identity()], Target.CPU).init_execution_context()
    other.set_input(0, TensorType.F32, (1, 4), memoryview(bytes(range(16))))
    other.compute()
    assert bytes(other.get_output(0)) == bytes(range(16))
    assert thread.is_alive()
    os.kill(pids[0], signal.SIGKILL)
    thread.join()


def resident(pid: int) -> int:
    """Bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def test_what_a_guest_lets_go_of_is_freed() -> None:
    elements = 1 << 22
    weights = np.zeros(elements, np.float32)
    node = helper.make_node("Add", ["x", "w"], ["y"])
    big = model([node], [("x", F32, (1,))], [("y", F32, (elements,))], {"w": weights})
    session = NNHost(isolate=True).session()

    def load_and_unload() -> None:
        session.unload(session.load([big], Encoding.ONNX, Target.CPU))

    def falls_below(size: int) -> bool:
        wait_for(lambda: resident(pids[0]) < size)
        return resident(pids[0]) < size

    with started() as pids:
        load_and_unload()
    before = resident(pids[0])
    for _ in range(20):
        load_and_unload()
    assert falls_below(before + 5 * weights.nbytes)
    graph = session.load([identity(dims=(elements,))], Encoding.ONNX, Target.CPU)
    for _ in range(20):
        context = session.init_execution_context(graph)
        session.set_input(context, 0, TensorType.F32, (elements,), memoryview(weights.tobytes()))
        session.finalize_execution_context(context)
    assert falls_below(before + 10 * weights.nbytes)


def shared_memory() -> int:
    """Bytes that this process has mapped."""
    ranges = [
        line.split()[0].split("-")
        for line in Path("/proc/self/maps").read_text().splitlines()
        if "memfd:nnshim" in line
    ]
    return sum(int(end, 16) - int(start, 16) for start, end in ranges)


def test_the_shared_memory_of_a_large_tensor_is_not_kept() -> None:
    backend = IsolatedBackend(Encoding.ONNX)
    elements = 20 << 20
    context = backend.load([identity(dims=(elements,))], Target.CPU).init_execution_context()
    before = shared_memory()
    data = memoryview(bytes(4 * elements))
    context.set_input(0, TensorType.F32, (elements,), data)
    gc.collect()
    assert shared_memory() - before < len(data) // 2


def test_a_stream_is_one_in_another_process_too() -> None:
    trial = FORMATS[Encoding.GGML].trial
    backend = IsolatedBackend(Encoding.GGML)
    context = backend.load([trial.model()], Target.CPU, {"temp": 0}).init_execution_context()
    assert isinstance(context, IsolatedStream)
    context.set_input(0, TensorType.U8, (1,), memoryview(b"a"))
    context.compute_single()
    assert bytes(context.get_output_single(0)) == b"b"
    context.fini_single()
    context.compute()
    assert bytes(context.get_output(0)) == b"bc</s>"


def test_a_quantised_model_is_fed_and_read_as_floats_in_another_process_too() -> None:
    quantized = tflite_models.identity(np.uint8, [4], scales=[0.5], zero_points=[10])
    session = NNHost(isolate=True).session()
    graph = session.load([quantized], Encoding.TENSORFLOWLITE, Target.CPU)
    context = session.init_execution_context(graph, floats=Floats.IN_AND_OUT)
    given = struct.pack("<4f", 0.0, 1.0, 2.4, 100.0)
    session.set_input(context, 0, TensorType.F32, (4,), memoryview(given))
    session.compute(context)
    output = session.get_output(context, 0)
    assert struct.unpack("<4f", output) == (0.0, 1.0, 2.0, 100.0)


def test_an_encoding_without_its_packages_is_an_invalid_encoding(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "onnxruntime.py").write_text("raise ImportError('not here')")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    with pytest.raises(HostError, match=re.escape(install_line("onnx"))) as caught:
        NNHost(isolate=True).load([identity()], Encoding.ONNX, Target.CPU)
    assert caught.value.errno is Errno.INVALID_ENCODING


def test_no_module_comes_from_the_current_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("runtime_shim", "json", "onnxruntime", "numpy"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('taken from the folder')")
    monkeypatch.chdir(tmp_path)
    assert IsolatedBackend(Encoding.ONNX).describe().version.startswith("onnxruntime")


def test_a_call_with_too_many_dimensions_is_too_large_and_harms_nobody() -> None:
    context = IsolatedBackend(Encoding.ONNX).load([identity()], Target.CPU).init_execution_context()
    with pytest.raises(HostError) as caught:
        context.set_input(0, TensorType.F32, (1,) * LARGEST_MESSAGE, memoryview(bytes(4)))
    assert caught.value.errno is Errno.TOO_LARGE
    context.set_input(0, TensorType.F32, (1, 4), memoryview(bytes(16)))


@pytest.mark.parametrize(
    "answer",
    ["", "nothing", "[]", "[null, 1]", "[99, 'x', []]", "[null, -1, []]", "[null, 4096, []]",
     "[null, 1e300, []]", "[null, 'a', []]", "[null, 0, [[0]]]", "5", "[" * 10_000],
)  # fmt: skip
def test_a_process_that_makes_no_sense_is_ended(
    monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    """As one that a model has taken over may do."""
    taken_over = f"""
import socket, sys
control = socket.socket(fileno=int(sys.argv[1]))
_, files, _, _ = socket.recv_fds(control, 1000, 2)
control.send(b"true")
channel = socket.socket(fileno=files[0])
channel.recv(100000)
channel.send({answer!r}.replace("'", '"').encode())
control.recv(1000)
"""
    monkeypatch.setattr(isolated_calls, "_START", taken_over)
    monkeypatch.setattr(isolated_calls, "_PATIENCE", 0.2)
    with started() as pids:
        process = IsolatedBackend(Encoding.ONNX).running()
    with pytest.raises(HostError) as caught:
        process.read("get_output", 1, 0)
    assert caught.value.errno is Errno.RUNTIME_ERROR
    assert ends(pids[0])


def test_shared_memory_cannot_be_made_smaller() -> None:
    memory = SharedMemory()
    memory.first(10_000)[:] = bytes(10_000)
    with pytest.raises(PermissionError):
        os.ftruncate(memory.fd, 0)
    larger = SharedMemory(os.dup(memory.fd))
    larger.first(1_000_000)[-1] = 7
    assert memory.size >= 1_000_000
    assert memory.first(1_000_000)[-1] == 7


def test_the_command_answers_the_guest_and_leaves_no_process(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\nif sys.argv[0] == '-c': open('pid', 'w').write(str(os.getpid()))\n"
    )
    samples = str(SAMPLES)
    done = subprocess.run(
        [*(sys.executable, "-m", "nnshim", "run", "--isolate", "--dir", f"{samples}::samples"),
         str(SAMPLES / "digits.wasm"), "samples/digits/model.onnx", "samples/images/3.pgm"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout.split()[:2]) == (0, ["samples/images/3.pgm:", "3"])
    assert ends(int((tmp_path / "pid").read_text()))

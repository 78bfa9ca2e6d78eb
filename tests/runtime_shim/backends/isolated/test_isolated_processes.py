"""Isolated processes: when they start and end, what they leave, and where they print."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from rewriter.abi.dialects import Encoding, Target, TensorType
from runtime_shim import HostError, NNHost, Session
from runtime_shim.backends.common import guest_output
from runtime_shim.backends.isolated import calls as isolated_calls
from runtime_shim.backends.isolated.calls import Patience
from runtime_shim.backends.isolated.client import IsolatedBackend
from runtime_shim.host.pool import Pool
from runtime_shim.testing import FakeBackend
from tests.support.gguf_models import successors
from tests.support.models import identity
from tests.support.processes import PATIENCE, ends, has_ended, nothing_left, started, status
from tests.support.spies import ask, install, own, spying_host

MEET = """
import os, time
from pathlib import Path
from runtime_shim.testing import FakeBackend

def create(settings):
    folder = Path(os.environ["MEETING"])
    (folder / str(os.getpid())).touch()
    deadline = time.monotonic() + 120
    while len(list(folder.iterdir())) < 2:
        if time.monotonic() > deadline:
            raise ImportError("nobody else came")
        time.sleep(0.01)
    return FakeBackend()
"""


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NNHost:
    return spying_host(tmp_path, monkeypatch)


def test_a_session_that_is_dropped_ends_its_processes(host: NNHost) -> None:
    session = host.session()
    pid = own(session).pid
    del session
    gc.collect()
    assert status(pid) is None
    session = host.session()
    pid = own(session).pid
    session.stop = RuntimeError("which holds the session in a cycle")
    session.stop.__context__ = KeyError(session)
    del session
    gc.collect()
    assert status(pid) is None


@pytest.mark.parametrize("how", ["closed", "dropped", "crashed and closed", "crashed and dropped"])
def test_nothing_is_left_of_a_session(host: NNHost, how: str) -> None:
    with nothing_left():
        for _ in range(2):
            session = host.session()
            pids = [own(session, encoding=each).pid for each in (Encoding.MLX, Encoding.PIPER)]
            if "crashed" in how:
                os.kill(pids[0], signal.SIGKILL)
            if "closed" in how:
                session.close()
            del session


def test_a_guest_that_crashes_its_process_again_and_again_holds_no_more_for_it(
    host: NNHost,
) -> None:
    session = host.session()

    def crash() -> None:
        graph = session.load([b"any"], Encoding.MLX, Target.CPU)
        pid = ask(session, graph).pid
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(HostError):
            ask(session, graph)
        assert status(pid) is None

    with nothing_left():
        for _ in range(2):
            crash()


def test_guests_that_start_at_once_do_not_wait_for_one_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, MEET, "mlx")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("MEETING", str(tmp_path / "meeting"))
    (tmp_path / "meeting").mkdir()
    host = NNHost(isolate=True)
    sessions = host.session(), host.session()
    load_at_once(sessions, (Encoding.MLX, Encoding.MLX))


def test_backends_are_imported_at_the_same_time() -> None:
    both = threading.Barrier(2)

    def import_slowly(_: Encoding) -> FakeBackend:
        both.wait(PATIENCE)
        return FakeBackend()

    pool = Pool(import_slowly)
    threads = [
        threading.Thread(target=pool.backend, args=(encoding,))
        for encoding in (Encoding.MLX, Encoding.PIPER)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not both.broken


def load_at_once(sessions: tuple[Session, ...], encodings: tuple[Encoding, ...]) -> None:
    """Raise what a load raises."""
    errors = []

    def load(session: Session, encoding: Encoding) -> None:
        try:
            session.load([b"any"], encoding, Target.CPU)
        except HostError as error:
            errors.append(error)

    threads = [
        threading.Thread(target=load, args=each) for each in zip(sessions, encodings, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_a_process_that_does_not_read_keeps_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(isolated_calls, "_START", "import time; time.sleep(600)")
    process = IsolatedBackend(Encoding.ONNX).running()
    for number in range(10_000):
        process.forget(number)
    process.close()
    assert status(process.pid) is None


def test_what_a_busy_process_did_not_read_it_forgets_later(host: NNHost) -> None:
    session = host.session()
    graph = session.load([b"any"], Encoding.MLX, Target.CPU)
    pid = ask(session, graph).pid
    contexts = [session.init_execution_context(graph) for _ in range(2000)]
    os.kill(pid, signal.SIGSTOP)
    for context in contexts:
        session.finalize_execution_context(context)
    os.kill(pid, signal.SIGCONT)
    for _ in range(100):
        left = ask(session, graph).contexts
        if left < 10:
            break
    assert left < 10


def test_what_a_model_prints_is_on_standard_output_before_its_call_returns(
    host: NNHost, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = successors(tmp_path / "letters.gguf", "abcdef").read_bytes()
    session = host.session()
    context = session.init_execution_context(session.load([model], Encoding.GGML, Target.CPU))
    options = b'{"stream-stdout": true, "n-predict": 3, "temp": 0}'
    for index, data in ((1, options), (0, b"a")):
        session.set_input(context, index, TensorType.U8, (len(data),), memoryview(data))
    for _ in range(2):
        os.write(1, b"<")
        session.compute(context)
        os.write(1, b">")
    assert capfd.readouterr().out == "<bcd><bcd>"
    taken: list[bytes] = []
    with guest_output.goes_to(taken.append):
        session.compute(context)
    assert (taken, capfd.readouterr().out) == ([b"b", b"c", b"d"], "")


PRINTS = """
from runtime_shim.backends.common import guest_output
from runtime_shim.testing import FakeBackend

def infer(inputs):
    guest_output.write(bytes(range(256)) * 1000)
    while inputs[0] == b"without an end":
        guest_output.write(b"more")
    return inputs

def create(settings):
    return FakeBackend(infer)
"""


def test_what_a_model_prints_arrives_whole_and_does_not_put_off_the_end_of_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, PRINTS, "mlx")
    monkeypatch.syspath_prepend(tmp_path)
    session = NNHost(isolate=True).session()
    context = session.init_execution_context(session.load([b"any"], Encoding.MLX, Target.CPU))
    taken: list[bytes] = []
    with guest_output.goes_to(taken.append):
        session.set_input(context, 0, TensorType.U8, (1,), memoryview(b"x"))
        session.compute(context)
        assert b"".join(taken) == bytes(range(256)) * 1000
    with guest_output.goes_to(lambda _: None):
        session.set_input(context, 0, TensorType.U8, (14,), memoryview(b"without an end"))
        monkeypatch.setattr(Patience, "of", lambda *_: ("timeout", 0.5))
        with pytest.raises(
            HostError, match=r"compute took longer than the limit timeout of 0\.5 s"
        ):
            session.compute(context)


def test_what_an_nn_runtime_prints_is_not_on_standard_output(
    host: NNHost, capfd: pytest.CaptureFixture[str]
) -> None:
    own(host.session())
    printed = capfd.readouterr()
    assert printed.out == ""
    assert "what an NN runtime prints" in printed.err


def test_a_fork_of_the_host_leaves_the_process_alone() -> None:
    backend = IsolatedBackend(Encoding.ONNX)
    graph = backend.load([identity()], Target.CPU)
    fork = os.fork()
    if fork == 0:
        backend.running().end()
        os._exit(0)
    assert os.waitpid(fork, 0)[1] == 0
    assert graph.init_execution_context() is not None


def test_what_interrupts_the_host_does_not_interrupt_its_models() -> None:
    backend = IsolatedBackend(Encoding.ONNX)
    with started() as pids:
        graph = backend.load([identity()], Target.CPU)
    os.kill(pids[0], signal.SIGINT)
    time.sleep(0.2)
    assert graph.init_execution_context() is not None


def test_a_process_ends_with_its_backend() -> None:
    backend = IsolatedBackend(Encoding.ONNX)
    with started() as pids:
        backend.describe()
    del backend
    assert ends(pids[0])


def test_a_process_ends_with_a_host_that_is_killed_even_where_it_never_lets_python_run() -> None:
    code = """
import ctypes, os, sys
from runtime_shim.backends.isolated.process import end_with
pipe, lifeline = os.pipe()
pid = os.fork()
if pid == 0:
    os.close(lifeline)
    end_with(pipe)
    print(os.getpid(), flush=True)
    ctypes.PyDLL(None).sleep(3600)  # which keeps the interpreter's lock
os.wait()
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as host:
        assert host.stdout is not None
        pid = int(host.stdout.readline())
        assert not has_ended(pid)
        host.kill()
    assert ends(pid)

"""Isolated processes: when they start and end, what they leave, and where they print."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import threading
from collections.abc import Iterator
from operator import le
from pathlib import Path

import pytest

from rewriter.abi.dialects import Encoding, Errno, Target, TensorType
from runtime_shim import HostError, Limits, NNHost, Session
from runtime_shim.backends.common import guest_output
from runtime_shim.backends.isolated import calls as isolated_calls
from runtime_shim.backends.isolated.calls import Patience
from runtime_shim.backends.isolated.client import IsolatedBackend
from runtime_shim.host.pool import Pool
from runtime_shim.testing import FakeBackend
from tests.support.gguf_models import successors
from tests.support.processes import PATIENCE, children, status, wait_for
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


@contextlib.contextmanager
def nothing_left() -> Iterator[None]:
    """No process, descriptor, thread or shared memory more than before."""

    def counts() -> tuple[set[int], int, int, int]:
        gc.collect()
        shared = Path("/proc/self/maps").read_text().count("memfd:nnshim")
        return children(), len(os.listdir("/proc/self/fd")), threading.active_count(), shared

    def is_back() -> bool:
        processes, *numbers = counts()
        return processes <= before[0] and all(map(le, numbers, before[1:]))

    before = counts()
    yield
    wait_for(is_back)  # what is closed may be about to end


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


def test_closing_a_session_ends_what_it_waits_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = waiting_host(tmp_path, monkeypatch, Limits())
    session = host.session()
    graph = session.load([b"any"], Encoding.MLX, Target.CPU)

    def close() -> None:
        wait_for((tmp_path / "waits").exists)
        session.close()

    thread = threading.Thread(target=close)
    thread.start()
    with pytest.raises(HostError, match="was ended with the session") as caught:
        ask(session, graph, b"wait")
    assert caught.value.errno is Errno.RUNTIME_ERROR
    thread.join()


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


WAITS = """
import os, time
from pathlib import Path
from runtime_shim.testing import FakeBackend

def infer(inputs):
    if b"wait" in inputs:
        (Path(__file__).parent / "waits").touch()
        time.sleep(600)
    return [b"%d" % os.getpid()] * 3

class Waits(FakeBackend):
    def load(self, parts, place, options):
        if parts[0] == b"never":
            while True:
                time.sleep(600)
        return super().load(parts, place, options)

def create(settings):
    return Waits(infer)
"""


def waiting_host(folder: Path, monkeypatch: pytest.MonkeyPatch, limits: Limits) -> NNHost:
    install(folder, WAITS, "mlx")
    monkeypatch.syspath_prepend(folder)
    return NNHost(isolate=True, limits=limits)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (Limits(loading=0.5), "load took longer than the limit loading of 0.5 s"),
        (Limits(timeout=0.5), "load took longer than the limit timeout of 0.5 s"),
        (Limits(loading=0), "load took longer than the limit loading of 0 s"),
    ],
    ids=["loading", "timeout", "no time"],
)
def test_a_load_that_does_not_return_ends_with_its_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limits: Limits, words: str
) -> None:
    host = waiting_host(tmp_path, monkeypatch, limits)
    with host.session() as session, nothing_left():
        with pytest.raises(HostError, match=words) as caught:
            session.load([b"never"], Encoding.MLX, Target.CPU)
        assert caught.value.errno is Errno.TOO_LARGE
        del caught  # which has what was called


def test_what_was_loaded_beside_a_model_that_does_not_load_is_lost_and_others_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = waiting_host(tmp_path, monkeypatch, Limits())
    with host.session() as session, host.session() as neighbour:
        before = session.load([b"fine"], Encoding.MLX, Target.CPU)
        other = own(neighbour).pid
        with monkeypatch.context() as hurried:
            hurried.setattr(Patience, "of", lambda *_: ("loading", 0.2))
            with pytest.raises(HostError, match="limit loading"):
                session.load([b"never"], Encoding.MLX, Target.CPU)
        with pytest.raises(HostError) as caught:
            session.init_execution_context(before)
        assert caught.value.errno is Errno.RUNTIME_ERROR
        assert "limit loading" in caught.value.reason
        assert own(session).pid != other
        assert own(neighbour).pid == other


def test_an_inference_that_does_not_return_ends_with_its_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = waiting_host(tmp_path, monkeypatch, Limits())
    with host.session() as session:
        graph = session.load([b"fine"], Encoding.MLX, Target.CPU)
        monkeypatch.setattr(
            Patience, "of", lambda _, call: ("timeout", 0.2 if call == "compute" else None)
        )
        with pytest.raises(
            HostError, match=r"compute took longer than the limit timeout of 0\.2 s"
        ) as caught:
            ask(session, graph, b"wait")
        assert caught.value.errno is Errno.TOO_LARGE


@pytest.mark.parametrize(
    ("patience", "load", "compute"),
    [
        (Patience(), ("loading", None), ("timeout", None)),
        (Patience(loading=2), ("loading", 2), ("timeout", None)),
        (Patience(timeout=2), ("timeout", 2), ("timeout", 2)),
        (Patience(2, 3), ("loading", 2), ("timeout", 3)),
        (Patience(3, 2), ("timeout", 2), ("timeout", 2)),
    ],
)
def test_a_load_has_a_limit_of_its_own_and_none_beyond_that_of_all_calls(
    patience: Patience, load: tuple[str, float | None], compute: tuple[str, float | None]
) -> None:
    assert patience.of("load")[1] == load[1]
    assert patience.of("compute") == compute
    assert load[1] is None or patience.of("load") == load


def test_what_the_operator_loads_may_take_as_long_as_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = waiting_host(tmp_path, monkeypatch, Limits(loading=0, timeout=0.001))
    host.load([b"fine"], Encoding.MLX, Target.CPU)

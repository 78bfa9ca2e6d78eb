"""With isolation, a guest's own model is in no process that has seen another guest's data: shown
with models that give away all that their process has seen, whatever holes NN runtimes have."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from rewriter.dialects import Encoding, Errno, Target, TensorType
from runtime_shim import HostError, NamedGraph, NNHost, Session
from runtime_shim import pool as pools
from runtime_shim.backends import isolated_calls
from runtime_shim.backends.fake import FakeBackend
from runtime_shim.backends.isolated import IsolatedBackend
from tests.gguf_models import successors
from tests.models import endless, identity
from tests.processes import children, ends, started, status

SPY = """
import gc, os
from pathlib import Path
from runtime_shim.backends.fake import FakeBackend, FakeContext

seen = []

def tell(inputs):
    seen.extend(inputs)
    contexts = sum(isinstance(each, FakeContext) for each in gc.get_objects())
    return [b"%d" % os.getpid(), b"|".join(seen), b"%d" % contexts]

class Spy(FakeBackend):
    def load(self, parts, place, options):
        seen.extend(part.read_bytes() if isinstance(part, Path) else part for part in parts)
        seen.extend(str(value).encode() for value in options.values())
        return super().load(parts, place, options)

def create(settings):
    os.write(1, b"what an NN runtime prints\\n")
    return Spy(tell)
"""

MEET = """
import os, time
from pathlib import Path
from runtime_shim.backends.fake import FakeBackend

def create(settings):
    folder = Path(os.environ["MEETING"])
    (folder / str(os.getpid())).touch()
    deadline = time.monotonic() + 30
    while len(list(folder.iterdir())) < 2:
        if time.monotonic() > deadline:
            raise ImportError("nobody else came")
        time.sleep(0.01)
    return FakeBackend()
"""


def install(folder: Path, code: str, *encodings: str) -> None:
    """A package with a backend of one's own for some encodings."""
    (folder / "hostile.py").write_text(code)
    info = folder / "hostile-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: hostile\nVersion: 1\n")
    points = "".join(f"{encoding} = hostile:create\n" for encoding in encodings)
    (info / "entry_points.txt").write_text("[nnshim.backends]\n" + points)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NNHost:
    """Spies on MLX and Piper models, one of them a named graph."""
    install(tmp_path, SPY, "mlx", "piper")
    monkeypatch.syspath_prepend(tmp_path)
    model = tmp_path / "model"
    model.write_bytes(b"the operator's model")
    named = NamedGraph("named", Encoding.MLX, Target.CPU, (str(model),))
    return NNHost(isolate=True, graphs=[named])


class Told(NamedTuple):
    """What a model gives away: its process, what was seen there, and the contexts there."""

    pid: int
    seen: bytes
    contexts: int


def ask(session: Session, graph: int, *given: bytes) -> Told:
    context = session.init_execution_context(graph)
    for index, data in enumerate(given):
        session.set_input(context, index, TensorType.U8, (len(data),), memoryview(data))
    session.compute(context)
    pid, seen, contexts = (bytes(session.get_output(context, index)) for index in range(3))
    session.finalize_execution_context(context)
    return Told(int(pid), seen, int(contexts))


def own(
    session: Session, *given: bytes, model: bytes = b"any", encoding: Encoding = Encoding.MLX
) -> Told:
    """Of a model that the guest loads from its memory."""
    return ask(session, session.load([model], encoding, Target.CPU), *given)


def test_a_guests_model_sees_nothing_of_another_guest(host: NNHost) -> None:
    guest, spy = host.session(), host.session()
    first = own(guest, b"secret", model=b"private model")
    ask(guest, guest.load_by_name("named", {"option": "private option"}), b"private question")
    assert first.seen == b"private model|secret"
    told = own(spy, b"mine", model=b"spy")
    assert told.seen == b"spy|mine"
    assert told.pid != first.pid
    again = own(spy, model=b"private model")  # which the host has already, for the other guest
    assert again.seen == b"spy|mine|private model"
    assert again.pid == told.pid
    guest.close()
    late = host.session()
    assert own(late, model=b"spy").seen == b"spy"
    assert own(late, model=b"spy").pid not in (first.pid, told.pid)


def test_the_same_bytes_are_one_graph_in_one_guest_and_encodings_have_their_own_process(
    host: NNHost,
) -> None:
    session = host.session()
    with started() as pids:
        first, again = own(session, b"1"), own(session, b"2")
        other = own(session, encoding=Encoding.PIPER)
    assert (again.pid, again.seen) == (first.pid, b"any|1|2")
    assert other.pid != first.pid
    assert set(pids) == {first.pid, other.pid}


def test_named_graphs_share_a_process_that_has_no_guests_model(host: NNHost) -> None:
    guests = host.session(), host.session()
    answers = [ask(guest, guest.load_by_name("named"), b"asked") for guest in guests]
    answers.append(ask(guests[0], guests[0].load_by_name("named", {"option": "1"})))
    assert len({told.pid for told in answers}) == 1
    mine = own(guests[0], model=b"the operator's model")
    assert mine.pid != answers[0].pid
    assert mine.seen == b"the operator's model"
    guests[0].close()
    assert ask(guests[1], guests[1].load_by_name("named")).pid == answers[0].pid
    assert b"asked" not in own(guests[1]).seen


def test_a_real_models_process_is_its_guests_and_an_autodetected_one_is_no_other() -> None:
    host = NNHost(isolate=True)
    sessions = host.session(), host.session()
    mine = []
    for session in sessions:
        with started() as pids:
            for encoding in (Encoding.ONNX, Encoding.AUTODETECT):
                session.load([identity()], encoding, Target.CPU)
        mine.append(pids)
    assert [len(pids) for pids in mine] == [1, 1]
    assert mine[0] != mine[1]


def opened(pid: int) -> set[int]:
    """The files, sockets and pipes that a process has open, besides the standard ones."""
    folder = Path(f"/proc/{pid}/fd")
    standard = {(folder / str(fd)).stat().st_ino for fd in range(3)}
    return {path.stat().st_ino for path in folder.iterdir()} - standard


def test_processes_have_no_memory_or_connection_in_common(host: NNHost) -> None:
    guests = host.session(), host.session()
    pids = [own(guest, b"given").pid for guest in guests]
    pids.append(ask(guests[0], guests[0].load_by_name("named")).pid)
    first, second, named = map(opened, pids)
    output = {os.stat("/proc/self/fd/1").st_ino}
    assert first & second <= output
    assert (first | second) & named <= output


def test_what_the_program_loads_itself_is_in_no_process_of_a_guest_or_a_named_graph(
    host: NNHost,
) -> None:
    session = host.session()
    with started() as pids:
        host.load([b"the program's model"], Encoding.MLX, Target.CPU)
    told = own(session), ask(session, session.load_by_name("named"))
    assert not {each.pid for each in told} & set(pids)
    assert all(b"program" not in each.seen for each in told)


def test_a_session_that_was_closed_begins_anew(host: NNHost) -> None:
    session = host.session()
    graph = session.load([b"first"], Encoding.MLX, Target.CPU)
    before = ask(session, graph, b"secret")
    session.close()
    assert status(before.pid) is None
    with pytest.raises(HostError) as caught:
        session.init_execution_context(graph)
    assert caught.value.errno is Errno.INVALID_ARGUMENT
    after = own(session, model=b"first")
    assert after.pid != before.pid
    assert after.seen == b"first"
    session.close()
    assert status(after.pid) is None


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


def test_a_crash_is_one_guests_loss_and_is_cleaned_up_at_its_end(host: NNHost) -> None:
    guest, neighbour = host.session(), host.session()
    graph = neighbour.load([b"neighbour"], Encoding.MLX, Target.CPU)
    before = ask(neighbour, graph)
    pid = own(guest).pid
    os.kill(pid, signal.SIGSEGV)
    assert ends(pid)
    assert ask(neighbour, graph).pid == before.pid
    guest.close()
    assert status(pid) is None
    assert own(guest).pid != pid


@contextlib.contextmanager
def nothing_left() -> Iterator[None]:
    """No process, descriptor, thread or shared memory more than before."""

    def counts() -> tuple[set[int], int, int, int]:
        gc.collect()
        shared = Path("/proc/self/maps").read_text().count("memfd:nnshim")
        return children(), len(os.listdir("/proc/self/fd")), threading.active_count(), shared

    before = counts()
    yield
    assert counts() == before


@pytest.mark.parametrize("how", ["closed", "dropped", "crashed and closed", "crashed and dropped"])
def test_nothing_is_left_of_a_session(host: NNHost, how: str) -> None:
    with nothing_left():
        for _ in range(5):
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
        for _ in range(5):
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
        both.wait(30)
        return FakeBackend()

    pool = pools.Pool(import_slowly)
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


def test_backends_that_the_program_gives_stay_in_its_process() -> None:
    host = NNHost(isolate=True, backends={Encoding.ONNX: FakeBackend()})
    with started() as pids, host.session() as session:
        context = session.init_execution_context(
            session.load([identity()], Encoding.ONNX, Target.CPU)
        )
        session.set_input(context, 0, TensorType.U8, (1,), memoryview(b"x"))
        session.compute(context)
        assert bytes(session.get_output(context, 0)) == b"x"
    assert not pids


def test_a_process_that_does_not_read_keeps_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(isolated_calls, "_START", "import time; time.sleep(600)")
    process = IsolatedBackend(Encoding.ONNX).running()
    for number in range(10_000):
        process.forget(number)
    process.close()
    assert status(process.pid) is None


def test_closing_a_session_ends_what_it_waits_for() -> None:
    session = NNHost(isolate=True).session()
    context = session.init_execution_context(session.load([endless()], Encoding.ONNX, Target.CPU))
    session.set_input(context, 0, TensorType.F32, (1,), memoryview(bytes(4)))
    timer = threading.Timer(0.5, session.close)
    timer.start()
    with pytest.raises(HostError, match="was ended with the session") as caught:
        session.compute(context)
    assert caught.value.errno is Errno.RUNTIME_ERROR
    timer.join()


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


def test_what_an_nn_runtime_prints_is_not_on_standard_output(
    host: NNHost, capfd: pytest.CaptureFixture[str]
) -> None:
    own(host.session())
    printed = capfd.readouterr()
    assert printed.out == ""
    assert "what an NN runtime prints" in printed.err

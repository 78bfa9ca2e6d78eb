"""With isolation, a guest's own model is in no process that has seen another guest's data: shown
with models that give away all that their process has seen, whatever holes NN runtimes have."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from rewriter.abi.dialects import Encoding, Errno, Target, TensorType
from runtime_shim import HostError, NNHost
from runtime_shim.testing import FakeBackend
from tests.support.models import identity
from tests.support.processes import ends, started, status
from tests.support.spies import ask, install, own, spying_host


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NNHost:
    return spying_host(tmp_path, monkeypatch)


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
    """The files, sockets and pipes that a process has open, besides the standard ones and
    libraries; libffi has its own open from 3.5 on."""
    folder = Path(f"/proc/{pid}/fd")
    standard = {(folder / str(fd)).stat().st_ino for fd in range(3)}
    others = [path for path in folder.iterdir() if ".so" not in path.readlink().name]
    return {path.stat().st_ino for path in others} - standard


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


LOSES = """
import os
from rewriter.abi.dialects import Errno
from runtime_shim.testing import FakeBackend
from runtime_shim.errors import DeviceLost

lost = []

def infer(inputs):
    lost.extend(each for each in inputs if each == b"lose it")
    if lost:
        raise DeviceLost(Errno.RUNTIME_ERROR, "the device is lost")
    return [b"%d" % os.getpid(), b"", b"0"]

def create(settings):
    return FakeBackend(infer)
"""


def test_a_process_that_has_lost_its_device_ends_and_the_guest_gets_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, LOSES, "mlx")
    monkeypatch.syspath_prepend(tmp_path)
    host = NNHost(isolate=True)
    with host.session() as session, host.session() as neighbour:
        graph = session.load([b"any"], Encoding.MLX, Target.CPU)
        first, other = ask(session, graph).pid, own(neighbour).pid
        with pytest.raises(HostError, match="the device is lost") as caught:
            ask(session, graph, b"lose it")
        assert caught.value.errno is Errno.RUNTIME_ERROR
        with pytest.raises(HostError, match="the device is lost"):
            ask(session, graph)
        assert own(session).pid != first
        assert own(neighbour).pid == other

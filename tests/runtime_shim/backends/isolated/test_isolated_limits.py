"""Calls of isolated processes that do not return: which limits end them, and what that leaves."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from rewriter.abi.dialects import Encoding, Errno, Target
from runtime_shim import HostError, Limits, NNHost
from runtime_shim.backends.isolated.calls import Patience
from tests.support.processes import nothing_left, wait_for
from tests.support.spies import ask, install, own


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

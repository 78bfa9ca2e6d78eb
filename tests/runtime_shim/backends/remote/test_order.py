"""The order of servers, when several threads find that one has failed."""

from __future__ import annotations

import sys
import threading
from typing import Any, cast

import pytest

from runtime_shim.backends.remote.failures import NotTaken, before_an_inference, late
from runtime_shim.backends.remote.interface import Server
from runtime_shim.backends.remote.servers import Servers
from runtime_shim.errors import ServerError
from tests.runtime_shim.backends.remote.remote_graphs import SERVER
from tests.support.processes import PATIENCE, wait_for


class Failing:
    """A server that is ready, and takes no request."""

    name = "s"

    def has_lost_connection(self) -> bool:
        return False

    def check_ready(self, until: float) -> None: ...


def fail(*_: object) -> Any:
    raise NotTaken("why")


def test_a_server_that_fails_in_two_threads_is_always_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("runtime_shim.backends.remote.servers._RESTING", 0.0)
    servers = Servers([cast(Server, Failing())], {})
    reasons: set[str] = set()

    def ask() -> None:
        for _ in range(50000):
            try:
                servers.ask(fail, 1e9)
            except NotTaken as error:
                reasons.add(str(error))

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert reasons == {"why"}


def test_threads_wait_for_what_one_of_them_asks_a_server_that_has_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("runtime_shim.backends.remote.servers._CHECKING", PATIENCE)
    began, ended = threading.Event(), threading.Event()
    asked: list[float] = []

    class Recovered:
        name = "s"

        def has_lost_connection(self) -> bool:
            return False

        def check_ready(self, until: float) -> None:
            asked.append(until)
            began.set()
            assert ended.wait(PATIENCE)

    servers = Servers([cast(Server, Recovered())], {})
    with pytest.raises(NotTaken):
        servers.ask(fail, 1e9)
    found: list[str] = []

    def ask() -> None:
        try:
            found.append(servers.ask(lambda *_: "computed", 1e9))
        except NotTaken as error:
            found.append(str(error))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    threads[0].start()
    assert began.wait(PATIENCE)
    for thread in threads[1:]:
        thread.start()
    wait_for(lambda: threading.active_count() > 3)
    ended.set()
    for thread in threads:
        thread.join()
    assert found == ["computed"] * 3
    assert len(asked) == 1


class Slow:
    """Takes so long for each answer, in seconds of a clock."""

    name = "s"

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.now = 0.0
        self.speaker = SERVER

    def has_lost_connection(self) -> bool:
        return False

    def take(self, until: float) -> None:
        self.now += min(self.seconds, until - self.now)
        if self.now >= until:
            raise late(self.speaker)

    def check_ready(self, until: float) -> None:
        self.take(until)

    def meet(self, _: object, until: float) -> None:
        with before_an_inference():
            self.take(until)


@pytest.mark.parametrize("seconds", [0.1, 0.3, 0.4, 0.6, 0.9])
def test_a_server_that_was_late_once_computes_again(
    seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though it may not do in one deadline what it is asked after a failure."""
    monkeypatch.setattr("runtime_shim.backends.remote.servers._RESTING", 0.0)
    slow = Slow(seconds)
    monkeypatch.setattr("runtime_shim.backends.remote.servers.monotonic", lambda: slow.now)
    servers = Servers([cast(Server, slow)], {})
    servers.introduce(cast(Server, slow), slow.meet)

    def infer(server: Server, until: float) -> str:
        slow.take(until)
        return "computed"

    def asked() -> str:
        try:
            return servers.ask(infer, slow.now + 1)
        except (NotTaken, ServerError):
            return "failed"

    assert asked() == "computed"
    slow.seconds = 2
    assert asked() == "failed"
    slow.seconds = seconds
    assert [asked() for _ in range(4)][-1] == "computed"
    monkeypatch.setattr("runtime_shim.backends.remote.servers._STARTING", 0.2)
    found = []
    for _ in range(4):
        slow.now += 1  # in which it may have been started again
        found.append(asked())
    assert found[-2:] == ["computed", "computed"]


def test_a_server_that_only_fails_to_compute_leaves_it_to_the_next_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0
    monkeypatch.setattr("runtime_shim.backends.remote.servers.monotonic", lambda: now)
    first, second = Slow(0.01), Slow(0.01)
    second.name = "t"
    servers = Servers([cast(Server, first), cast(Server, second)], {})
    servers.introduce(cast(Server, first), lambda *_: None)

    def infer(server: Server, until: float) -> str:
        nonlocal now
        if server.name == "s":
            now = until
            raise late(SERVER)
        return server.name

    with pytest.raises(ServerError, match="NN604"):
        servers.ask(infer, now + 1)
    assert servers.ask(infer, now + 1) == "t"

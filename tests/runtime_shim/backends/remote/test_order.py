"""The order of servers, when several threads find that one has failed."""

from __future__ import annotations

import sys
import threading
from typing import Any, cast

import pytest

from runtime_shim.backends.remote.failures import NotTaken
from runtime_shim.backends.remote.interface import Server
from runtime_shim.backends.remote.servers import Servers
from tests.support.processes import PATIENCE, wait_for


class Failing:
    """A server that is ready, and takes no request."""

    name = "s"

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

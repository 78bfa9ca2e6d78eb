"""The order of servers, when several threads find that one has failed."""

from __future__ import annotations

import sys
import threading
from typing import Any, cast

import pytest

from runtime_shim.backends.remote.failures import NotTaken
from runtime_shim.backends.remote.interface import Server
from runtime_shim.backends.remote.servers import Servers


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
    servers = Servers([cast(Server, Failing())])
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

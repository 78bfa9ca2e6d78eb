"""The servers that have a model: which of them gets a request."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from time import monotonic
from typing import TypeVar

from runtime_shim.backends.remote.failures import NotTaken, is_of_an_ill_server, late
from runtime_shim.backends.remote.interface import Server
from runtime_shim.errors import HostError, ServerError

__all__ = ["Servers"]

R = TypeVar("R")

_CHECKING = 1.0
"""How many seconds a server has to say that it is ready."""

_STARTING = 0.2
"""Seconds without an answer in which a server may have been started again with another model."""

_RESTING = 1.0
"""For how many seconds it is not asked again if it did not."""


class Servers:
    """The servers, of which the first gets all requests until it fails, and is then the last. A
    request goes to the next one only if the one before has certainly not begun to compute. One that
    has failed gets no request until it says that it is ready, which it is asked before its next
    turn. Nor does one compute before `meet` has returned for it: at first, after each failure, and
    after a pause in which it may have been started again. May be shared by threads."""

    def __init__(self, servers: Sequence[Server], ill: dict[str, float]) -> None:
        """`ill` has the names of servers that are known not to be well, with when each was asked
        last. It is changed."""
        self._lock = threading.Lock()
        self._order = tuple(sorted(servers, key=lambda server: server.name in ill))
        self._failed = ill
        self._asking = {server.name: threading.Lock() for server in servers}
        self._known: dict[str, float] = {}
        """Servers whose model is the one that the guest knows, with when they last answered."""
        self._meeting: dict[str, float] = {}
        """How many seconds it last took to meet a server."""
        self._meet: Callable[[Server, float], object] = lambda *_: None

    def introduce(self, met: Server, meet: Callable[[Server, float], object]) -> None:
        """Let `meet` look at each server before it computes, but at `met` not yet. It raises as
        `ask` does for one that must not."""
        self._known[met.name] = monotonic()
        self._meet = meet

    def ask(self, what: Callable[[Server, float], R], until: float) -> R:
        """The answer of the first server that takes a request which computes something. Raises
        NotTaken if none does, and HostError as the server that has taken it."""
        reasons = []
        for server in self._order:  # never changed in place
            try:
                return self._asked(server, what, until, computes=True)
            except NotTaken as error:
                reasons.append(str(error))
        raise NotTaken("; ".join(reasons))

    def ask_each(self, what: Callable[[Server, float], R], until: float, *, spare: bool) -> R:
        """The first answer to a request that computes nothing. Each server has its part of the time
        that is left, and so has what comes after them, with `spare`. Raises as `ask`."""
        reasons = []
        order = self._order
        for left_over, server in zip(range(len(order), 0, -1), order, strict=True):
            now = monotonic()
            part = (until - now) / (left_over + spare)
            try:
                return self._asked(server, what, now + part, computes=False)
            except NotTaken as error:
                reasons.append(str(error))
            except ServerError as error:
                if not is_of_an_ill_server(error) or monotonic() > until:
                    raise
                reasons.append(error.reason)
        raise NotTaken("; ".join(reasons))

    def _asked(
        self, server: Server, what: Callable[[Server, float], R], until: float, *, computes: bool
    ) -> R:
        began = since = monotonic()
        is_prepared = False
        try:
            if server.name in self._failed:
                self._check(server, until)
                since = monotonic()
            if computes and not self._is_known(server, until):
                self._meet_now(server, until)
                since = monotonic()
            is_prepared = True
            found = what(server, until)
            if monotonic() > until:  # to understand an answer takes time, too
                raise late(server.speaker)
        except (NotTaken, ServerError) as error:
            was_cut_short = monotonic() >= until and since - began > (until - began) / 2
            self._note_failure(server, error, is_prepared, was_cut_short)
            raise
        if computes:
            self._known[server.name] = monotonic()
        return found

    def _note_failure(
        self,
        server: Server,
        error: NotTaken | ServerError,
        is_prepared: bool,
        was_cut_short: bool,
    ) -> None:
        """Let a server that is not well be the last, which then has to say that it is well. One
        that had too little time after all that it was asked before is not ill: what it has answered
        counts, so that there is more time the next time."""
        if was_cut_short:
            if server.name in self._known:
                self._known[server.name] = monotonic()
        elif not is_prepared or isinstance(error, NotTaken) or is_of_an_ill_server(error):
            self._is_ill(server)

    def _is_known(self, server: Server, until: float) -> bool:
        """Whether it cannot have been started again since it was met. A pause does not count where
        it would take too much of the time to meet it again."""
        known = self._known.get(server.name)
        if known is None or server.has_lost_connection():
            return False
        now = monotonic()
        return now - known < _STARTING or self._meeting.get(server.name, 0) > (until - now) / 4

    def _meet_now(self, server: Server, until: float) -> None:
        began = monotonic()
        try:
            self._meet(server, until)
            self._known[server.name] = monotonic()
        finally:
            self._meeting[server.name] = monotonic() - began

    def _check(self, server: Server, until: float) -> None:
        """Raise NotTaken unless it says that it is ready. Only one thread asks, and others wait for
        what it finds."""
        lock = self._asking[server.name]
        if not lock.acquire(timeout=max(min(until - monotonic(), _CHECKING), 0)):
            raise NotTaken(f"{server.name} does not say whether it is ready")
        try:
            if server.name in self._failed:
                self._ask_whether_ready(server, until)
        finally:
            lock.release()

    def _ask_whether_ready(self, server: Server, until: float) -> None:
        asked = self._failed[server.name]
        now = monotonic()
        if now - asked < _RESTING:
            raise NotTaken(f"{server.name} was not ready when asked less than a second ago")
        try:
            server.check_ready(min(until, now + _CHECKING))
        except HostError as error:
            raise NotTaken(f"{server.name} does not say that it is ready: {error.reason}") from None
        finally:
            self._failed[server.name] = monotonic()
        self._failed.pop(server.name, None)

    def _is_ill(self, server: Server) -> None:
        """Let the others come first."""
        self._known.pop(server.name, None)
        with self._lock:
            if server.name not in self._failed:
                self._failed[server.name] = 0.0
                self._order = (*(each for each in self._order if each is not server), server)

    def close(self) -> None:
        for server in self._order:
            server.close()

"""Workers that are actors of a Ray cluster."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any

from nnshim.many.engines.interface import Answer, Gone, Ready
from nnshim.many.engines.worker import Do, Failed, answer
from rewriter.errors import ClusterError, DependencyMissing
from rewriter.installation import install_line

__all__ = ["Actors", "fitting", "unreached", "with_port"]

_log = logging.getLogger(__name__)

_TICK = 1.0
"""Seconds after which Ctrl-C is noticed at the latest."""

_FRESH = 5.0
"""Seconds for which the number of processors of the cluster is taken for granted."""

_SOON = 10.0
"""Seconds in which the first worker has started, unless others use the cluster."""


class _Serving:
    """What an actor is: it does what it is given, and nothing of its own."""

    def __init__(self, do: Do) -> None:
        self._do = do

    def begin(self) -> tuple[str, str]:
        """The node that it is on, and the version of nnshim there."""
        import ray

        return ray.get_runtime_context().get_node_id(), version("nnshim")

    def work(self, items: Sequence[Any]) -> list[Any] | Failed:
        return answer(self._do, items)


@contextlib.contextmanager
def _told_if_gone() -> Iterator[None]:
    """Raise ClusterError for what Ray's client raises without its server: ConnectionError, or an
    error of gRPC, which nobody else raises here."""
    try:
        yield
    except Exception as error:
        if not isinstance(error, ConnectionError) and not hasattr(error, "details"):
            raise
        raise ClusterError(f"the cluster is gone: {_line(error)}") from error


class _Actor:
    """Implements engine.Hand. `pending` is what it is asked."""

    def __init__(self, handle: Any) -> None:
        self.handle = handle
        self.node: str | None = None
        self.pending: Any = handle.begin.remote()

    def give(self, items: Sequence[Any]) -> None:
        with _told_if_gone():
            self.pending = self.handle.work.remote(items)


class Actors:
    """Implements engine.Engine, in the cluster at `ray://HOST[:PORT]`: an actor for each processor
    of it, or for each `gpus` GPUs, if it is to have some, which may be a fraction of one. `make`
    makes what they do, once the cluster is there; it is stored once.

    Raises DependencyMissing without Ray, and ClusterError if the cluster cannot be reached.
    """

    def __init__(self, make: Callable[[], Do], address: str, gpus: float = 0) -> None:
        self._address = address = with_port(address)
        with _same_end():
            self._ray = ray = _imported()
            self._is_ours = not ray.is_initialized()
            if self._is_ours:
                _connect(ray, address)
        self._all: list[_Actor] = []
        self._starter = os.getpid()
        self._do = ray.put(make())
        self._gpus = gpus
        self._remote = ray.remote(num_cpus=1, num_gpus=gpus, max_restarts=0)(_Serving)
        self._counted = -_FRESH
        self._most = 1
        self._asked = 0.0
        """When the first worker was asked for."""
        self._says_if_late = True
        if not self._places():
            hint = "; --gpus 0 asks for none" if gpus else ""
            _log.warning("no node of %s has %s: waiting for one%s", address, self._needs, hint)
            self._says_if_late = False

    @property
    def most(self) -> int:
        """Nodes may come and go."""
        now = time.monotonic()
        if now - self._counted > _FRESH:
            self._counted = now
            self._most = max(1, self._places())
        return self._most

    def _places(self) -> int:
        """Actors that fit into the nodes that there are now."""
        self._check_connected()
        with _told_if_gone():
            alive = [each["Resources"] for each in self._ray.nodes() if each["Alive"]]
        return sum(fitting(each, self._gpus) for each in alive)

    @property
    def _needs(self) -> str:
        """What a worker needs of a node."""
        return f"a CPU and {self._gpus:g} GPU for a worker" if self._gpus else "a CPU for a worker"

    def start(self) -> _Actor:
        self._check_connected()
        with _told_if_gone():
            started = _Actor(self._remote.remote(self._do))
        self._asked = self._asked or time.monotonic()
        self._all.append(started)
        return started

    def wait(self, *, at_most: float | None = None) -> Sequence[tuple[_Actor, Answer]]:
        asked = {each.pending: each for each in self._all if each.pending is not None}
        with _told_if_gone():
            ready = self._ready(list(asked), at_most)
            found = [(asked[each], self._answer(asked[each])) for each in ready]
        gone = [each for each, answer in found if isinstance(answer, Gone)]
        self._all = [each for each in self._all if each not in gone]
        return found

    def _ready(self, asked: list[Any], at_most: float | None) -> list[Any]:
        """Those of what was asked that are answered, at least one if it may take any time."""
        self._check_connected()
        ready: list[Any]
        ready, left = self._ray.wait(asked, timeout=_TICK if at_most is None else at_most)
        while not ready and at_most is None:
            self._say_if_late()
            self._check_connected()
            ready, left = self._ray.wait(asked, timeout=_TICK)
        if ready and left:
            ready += self._ray.wait(left, num_returns=len(left), timeout=0)[0]
        return ready

    def _say_if_late(self) -> None:
        """Say once that no worker has started yet, if nothing of the cluster is free."""
        if not self._says_if_late or time.monotonic() - self._asked < _SOON:
            return
        self._says_if_late = False
        free = self._ray.available_resources()
        lacks = (
            "CPU" if free.get("CPU", 0) < 1 else "GPU" if free.get("GPU", 0) < self._gpus else ""
        )
        if lacks:
            _log.warning(
                "no worker has started in %.0f seconds, and no %s of %s is free: other jobs, or"
                " another map of this program, may be using them; waiting for one",
                *(_SOON, lacks, self._address),
            )

    def _answer(self, actor: _Actor) -> Answer:
        """Raises ClusterError for another version of nnshim, whose results may differ."""
        asked, actor.pending = actor.pending, None
        try:
            said = self._ray.get(asked)
        except self._ray.exceptions.RayError as error:
            self._end(actor)
            early = f"; {_JUST_STARTED}" if actor.node is None else ""
            how = f"ended; Ray says: {_line(error).rstrip('.')}{early}"
            return Gone(how, to_blame=self._is_there(actor.node))
        if actor.node is not None:
            answered: list[Any] | Failed = said
            return answered
        actor.node, there = said
        self._says_if_late = False
        if there != version("nnshim"):
            raise ClusterError(
                f"a node of the cluster has nnshim {there}, and here is {version('nnshim')}:"
                " install the same version"
            )
        return Ready()

    def _check_connected(self) -> None:
        """Raise ClusterError where what is asked of Ray would make it start a cluster here."""
        if not self._ray.is_initialized():
            raise ClusterError("the cluster is gone: the connection to it was lost")

    def _is_there(self, node: str | None) -> bool:
        """Whether a node is alive, and not lost with all that ran on it."""
        self._check_connected()
        return node is None or any(
            each["NodeID"] == node and each["Alive"] for each in self._ray.nodes()
        )

    def _end(self, actor: _Actor) -> None:
        if not self._ray.is_initialized():
            return
        with contextlib.suppress(Exception):  # it is gone, or Ray is
            self._ray.kill(actor.handle, no_restart=True)

    def close(self) -> None:
        if os.getpid() != self._starter:  # it was forked since
            return
        for each in self._all:
            self._end(each)
        if self._is_ours:
            self._ray.shutdown()


@contextlib.contextmanager
def _same_end() -> Iterator[None]:
    """Have SIGTERM end this process as before. When Ray is imported, it makes that raise SystemExit
    with the signal's number, in the main thread.

    https://github.com/ray-project/ray/blob/master/python/ray/_private/worker.py
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if before is not None:  # which means that it was not set by Python
            signal.signal(signal.SIGTERM, before)


def _connect(ray: Any, address: str) -> None:
    """Raises ClusterError. What a busy head was too slow to start for this client, it is asked for
    a second time."""
    log = logging.getLogger("ray.util.client")
    if log.level == logging.NOTSET:
        log.setLevel(logging.ERROR)  # which `logging_level` does not reach
    started = time.monotonic()
    for is_last in (False, True):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the error says the same
                ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
        except Exception as error:  # Ray raises many kinds
            if isinstance(error, ConnectionAbortedError) and not is_last:
                continue
            seconds = time.monotonic() - started
            raise ClusterError(unreached(address, error, seconds)) from error
        return


def _imported() -> Any:
    """Ray, which is told not to start a cluster of its own where it has lost one: by default, most
    of its functions do that. It reads the variable once, when it is imported; in a program that did
    that before, a cluster that is lost while one of them is called is the only case left.

    Raises DependencyMissing.
    """
    before = os.environ.get(_AUTO_CONNECT)
    os.environ[_AUTO_CONNECT] = "0"
    try:
        import ray
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise DependencyMissing(
            f"clusters need Ray, which is not installed; {install_line('ray')}"
        ) from None
    finally:
        if before is None:
            del os.environ[_AUTO_CONNECT]
        else:
            os.environ[_AUTO_CONNECT] = before
    return ray


_AUTO_CONNECT = "RAY_ENABLE_AUTO_CONNECT"
"""https://github.com/ray-project/ray/blob/master/python/ray/_private/auto_init_hook.py"""


def with_port(address: str) -> str:
    """The address of a cluster with a port: by default that of Ray's client server, which Ray
    itself does not assume.

    https://docs.ray.io/en/latest/cluster/running-applications/job-submission/ray-client.html
    """
    has_port = re.search(r"[^:]:\d+$", address) is not None
    return address if has_port else f"{address}:{_PORT}"


_PORT = 10001


def fitting(resources: Mapping[str, float], gpus: float) -> int:
    """Actors that a node has room for, each with a CPU and so many GPUs. Of each GPU, Ray gives as
    many equal shares as it has room for."""
    cpus, there = int(resources.get("CPU", 0)), resources.get("GPU", 0)
    if not gpus:
        return cpus
    shares = int(there / gpus) if gpus >= 1 else int(there) * int(1 / gpus)
    return min(cpus, shares)


def unreached(address: str, error: Exception, seconds: float) -> str:
    """Why there is no connection to a cluster, by what Ray's client has raised after so long. It
    raises ConnectionAbortedError or an error of gRPC where a server answered that could not start
    what serves this client, and some kind of timeout where none answered.

    https://github.com/ray-project/ray/blob/master/python/ray/util/client/worker.py
    """
    said = _line(error)
    if isinstance(error, ConnectionAbortedError) or hasattr(error, "details"):
        return f"the cluster {address} cannot be used: {said.rstrip('.')}; {_JUST_STARTED}"
    if "timeout" in f"{type(error).__name__} {said}".lower():
        return (
            f"no cluster answered at {address} in {seconds:.0f} seconds: check the host, and that"
            f" the port is that of Ray's client server, usually {_PORT}"
        )
    return f"cannot reach the cluster {address}: {said}"


_JUST_STARTED = "if its head is busy, or has only just started, try again in a minute"


def _line(error: BaseException) -> str:
    """The last line of what Ray says, which has the cause, or what gRPC calls the details."""
    details = re.search(r'\bdetails = "(.+)"', str(error))
    if details is not None:
        return details[1]
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__

"""The host's side of a process that models run in: how it is started, called, and ended."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import weakref
from collections import deque
from collections.abc import Iterator, Sequence
from time import monotonic
from typing import Any, NamedTuple

from rewriter.abi.dialects import Encoding, Errno
from rewriter.descriptors import open_standard
from runtime_shim.backends.common import guest_output
from runtime_shim.backends.interface import Settings
from runtime_shim.backends.isolated.wire import (
    DEVICE_LOST,
    SharedMemory,
    receive,
    send,
    send_at_once,
)
from runtime_shim.errors import DeviceLost, HostError

__all__ = ["Patience", "Process"]

log = logging.getLogger("runtime_shim")

_START = (
    "import sys; sys.path[:] = sys.argv[5:]; from runtime_shim.backends.isolated.process import"
    " main; main(*sys.argv[1:5])"
)
"""Modules come from where this process has them, and not from the current folder."""

Bytes = bytes | memoryview

_KEPT = 64 << 20
"""Bytes of shared memory that a channel may have to be used again."""

_MOMENT = 1e-3
"""Seconds: with none at all, a socket would not wait even for what takes no time."""

_PATIENCE = 5
"""Seconds for a process that has closed its side to end."""


class Patience(NamedTuple):
    """How many seconds the process may take to load a model, and for any call; None for as many as
    it wants. They are limits of these names."""

    loading: float | None = None
    timeout: float | None = None

    def of(self, operation: str) -> tuple[str, float | None]:
        """The limit of an operation, and its seconds."""
        if operation != "load" or self.loading is None:
            return "timeout", self.timeout
        if self.timeout is not None and self.timeout <= self.loading:
            return "timeout", self.timeout
        return "loading", self.loading


class Process:
    """The other process. `lost` says why it is gone, once that is known. It is ended where a call
    takes longer than it may: see Patience."""

    def __init__(self, encoding: Encoding, settings: Settings, patience: Patience) -> None:
        self._what = f"the process that runs {encoding.name.lower()} models"
        self._patience = patience
        self.lost: str | None = None
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        """Held by whoever uses the control socket, or closes it."""
        self._free: list[_Channel] = []
        self._forgotten: deque[int] = deque()
        open_standard()  # a guest would inherit a socket in their place
        with contextlib.ExitStack() as opened, contextlib.ExitStack() as kept:
            self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            kept.enter_context(self._control)
            opened.enter_context(theirs)
            pipe, lifeline = os.pipe()
            kept.callback(os.close, lifeline)
            opened.callback(os.close, pipe)
            given = theirs.fileno(), pipe
            arguments = [*map(str, given), encoding.name, json.dumps(settings)]
            self._process = subprocess.Popen(
                [sys.executable, "-c", _START, *arguments, *sys.path],
                pass_fds=given,
                stdin=subprocess.DEVNULL,
                stdout=2,  # what NN runtimes print is not output of the guest
            )
            kept.pop_all()
        self.pid = self._process.pid
        self.end = weakref.finalize(self, _end, self._control, lifeline, self._process)
        """Ends it, if that was not done yet; does nothing in a fork of the host, which is not its
        parent."""

    def call(self, operation: str, *arguments: object, data: Sequence[Bytes] = ()) -> Any:
        """What an operation returns. `data` are copied to where the process reads them.

        Raises HostError, `runtime_error` where the process ends meanwhile, or cannot open what one
        more call at a time needs, and `too_large` where it is ended because the call takes too
        long; and OSError where this process cannot open what it needs.
        """
        with self._channel() as channel:
            channel.write(data)
            return channel.call(operation, arguments, self._patience)

    def read(self, operation: str, *arguments: object) -> memoryview:
        """The bytes that an operation leaves in the shared memory. Raises what `call` raises."""
        with self._channel() as channel:
            return channel.read(channel.call(operation, arguments, self._patience))

    def has_ended(self) -> bool:
        if self.lost is None and self._process.poll() is not None:
            self._how_lost()
        return self.lost is not None

    def close(self) -> None:
        """End it. Whatever is called later is a `runtime_error`."""
        with self._lock:
            if self.lost is None:
                self.lost = f"{self._what} was ended with the session"
        self._give_back()

    def forget(self, number: int) -> None:
        """Let go of a graph or a context. May be called at any time, also by the collector of
        garbage in the middle of another method, and does not wait."""
        self._forgotten.append(number)
        self._tell_forgotten()

    def _tell_forgotten(self) -> None:
        """Those that it does not take yet, because it is busy, are told with the next call."""
        while self._forgotten and self._sending.acquire(blocking=False):
            try:
                while self._forgotten:
                    send_at_once(self._control, self._forgotten[0])
                    self._forgotten.popleft()
            except BlockingIOError:
                return
            except OSError:
                self._forgotten.clear()
            finally:
                self._sending.release()

    @contextlib.contextmanager
    def _channel(self) -> Iterator[_Channel]:
        """A channel for one call, in which HostError is an answer like any other."""
        try:
            with self._lock:
                channel = self._free.pop() if self._free else None
            if channel is None:
                with self._sending:
                    channel = _Channel(self._control)
            self._tell_forgotten()
            try:
                yield channel
            except DeviceLost as error:
                raise HostError(error.errno, self._lose(f"{self._what}: {error.reason}")) from error
            except HostError:
                self._keep(channel)
                raise
            self._keep(channel)
        except _Late as late:
            reason = f"{self._what} was ended, and its models are lost: {late}"
            raise HostError(Errno.TOO_LARGE, self._lose(reason)) from late
        except _Lost as error:
            raise HostError(Errno.RUNTIME_ERROR, self._how_lost()) from error
        except OSError as error:
            if self.lost is None:
                raise
            raise HostError(Errno.RUNTIME_ERROR, self.lost) from error  # the socket is closed

    def _keep(self, channel: _Channel) -> None:
        if channel.memory.size <= _KEPT:
            with self._lock:
                if self.lost is None:
                    self._free.append(channel)

    def _how_lost(self) -> str:
        with self._lock:
            if self.lost is None:
                self.lost = f"{self._what} {_how_ended(self._process)}, and its models are lost"
                log.warning("%s", self.lost)
            reason = self.lost
        self._give_back()
        return reason

    def _lose(self, reason: str) -> str:
        """End it, unless it is gone already, and say why it is."""
        with self._lock:
            if self.lost is None:
                self.lost = reason
                log.warning("%s", reason)
            reason = self.lost
        self._give_back()
        return reason

    def _give_back(self) -> None:
        """See it to its end, and close what was open for it: a guest may hold the graphs of any
        number of processes that are lost."""
        if not self.end.alive:
            return
        self._process.kill()
        self._process.wait()
        with self._lock:
            self._free.clear()
        with self._sending:
            self.end()


class _Late(Exception):
    """There is no answer in the time for one."""


class _Lost(Exception):
    """The process is gone, or its answer makes no sense."""


class _Channel:
    """A connection for one call after the other, with the memory for their tensors."""

    def __init__(self, control: socket.socket) -> None:
        """Raises _Lost; HostError where the other process cannot open more files; and OSError where
        this one cannot."""
        open_standard()
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        weakref.finalize(self, self._socket.close)
        with theirs:
            self.memory = SharedMemory()
            with _lost_if_it_ends():
                send(control, None, [theirs.fileno(), self.memory.fd])
                taken, _ = receive(control)
        if taken is not True:
            raise HostError(
                Errno.RUNTIME_ERROR, "the process that runs models cannot open more files"
            )

    def write(self, data: Sequence[Bytes]) -> None:
        """Put data one after the other into the shared memory. Raises OSError where there is none
        left."""
        view = self.memory.first(sum(map(len, data)))
        for item in data:
            view[: len(item)] = item
            view = view[len(item) :]

    def read(self, size: object) -> memoryview:
        """A copy of the first bytes of the shared memory, which the next call may use."""
        if not isinstance(size, int) or not 0 <= size <= self.memory.size:
            raise _Lost(f"an output of {size} bytes")
        return memoryview(bytes(self.memory.first(size)))

    def call(self, operation: str, arguments: Sequence[object], patience: Patience) -> Any:
        """Raises HostError, DeviceLost, _Late and _Lost."""
        name, seconds = patience.of(operation)
        end = None if seconds is None else monotonic() + seconds
        try:
            with _lost_if_it_ends():
                self._wait_until(end)
                send(self._socket, [operation, *arguments])
                while len(answered := self._received(end)) == 1:
                    (text,) = answered
                    guest_output.write(str(text).encode("latin-1"))
                errno, answer, remarks = answered
                for level, text in remarks:
                    log.log(int(level), "%s", text)
                if errno == DEVICE_LOST:
                    raise DeviceLost(Errno.RUNTIME_ERROR, str(answer))
                if errno is not None:
                    raise HostError(Errno(errno), str(answer))
        except TimeoutError as error:
            raise _Late(f"{operation} takes longer than the limit {name}, {seconds:g} s") from error
        return answer

    def _received(self, end: float | None) -> Any:
        """The answer; or, before it, what a model prints, alone in a list."""
        self._wait_until(end)
        message, _ = receive(self._socket)
        return message

    def _wait_until(self, end: float | None) -> None:
        self._socket.settimeout(None if end is None else max(end - monotonic(), _MOMENT))


@contextlib.contextmanager
def _lost_if_it_ends() -> Iterator[None]:
    """What shows that the other process is gone, or not to be trusted, is _Lost. It is not that the
    system has nothing left for this one, which is an OSError like any other."""
    try:
        yield
    except (EOFError, ConnectionError, TypeError, ValueError) as error:
        raise _Lost from error


def _end(control: socket.socket, lifeline: int, process: subprocess.Popen[bytes]) -> None:
    control.close()
    os.close(lifeline)
    process.kill()
    process.wait()


def _how_ended(process: subprocess.Popen[bytes]) -> str:
    """Wait for a process that should be at its end, and see to it if it is not."""
    try:
        status = process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return "made no sense and was ended"
    if status >= 0:
        return f"exited with {status}"
    known = {int(each): each.name for each in signal.Signals}
    return f"was ended by {known.get(-status, f'signal {-status}')}"

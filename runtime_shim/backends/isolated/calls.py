"""The host's side of a process that runs models: starting, calling and ending it."""

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
"""Modules come from the same places as in this process, not from the current folder."""

Bytes = bytes | memoryview

_DIMENSIONS = range(1 << 32)
"""Lengths of a dimension that a guest can be told."""

_KEPT = 64 << 20
"""Maximum size in bytes of the shared memory of a channel that is kept for later calls."""

_MOMENT = 1e-3
"""In seconds. With a timeout of 0, a socket would not even wait for an immediate answer."""

_PATIENCE = 5
"""Seconds that a process has to end after it has closed its side."""


class Patience(NamedTuple):
    """How many seconds the process may take to load a model (`loading`), and for any call
    (`timeout`); None for no limit. They are the limits with these names."""

    loading: float | None = None
    timeout: float | None = None

    def of(self, operation: str) -> tuple[str, float | None]:
        """The name of the limit for an operation, and its seconds."""
        if operation != "load" or self.loading is None:
            return "timeout", self.timeout
        if self.timeout is not None and self.timeout <= self.loading:
            return "timeout", self.timeout
        return "loading", self.loading


class Process:
    """The other process. `lost` says why it is gone, once that is known. It is killed if a call
    takes too long: see Patience."""

    def __init__(self, encoding: Encoding, settings: Settings, patience: Patience) -> None:
        self._what = f"the process that runs {encoding.name.lower()} models"
        self._patience = patience
        self.lost: str | None = None
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        """Held while using the control socket, or closing it."""
        self._free: list[_Channel] = []
        self._forgotten: deque[int] = deque()
        open_standard()  # otherwise a guest could inherit a socket in their place
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
        """Ends the process, unless that was already done. Does nothing in a fork of the host, which
        is not its parent."""

    def call(self, operation: str, *arguments: object, data: Sequence[Bytes] = ()) -> Any:
        """Call an operation, and return its result. `data` is copied to where the process reads it.

        Raises HostError: `runtime_error` if the process ends during the call, or cannot open what
        another concurrent call needs, and `too_large` if it is killed because the call takes too
        long. Raises OSError if this process cannot open what it needs.
        """
        with self._channel() as channel:
            channel.write(data)
            return channel.call(operation, arguments, self._patience)

    def read(self, operation: str, *arguments: object) -> memoryview:
        """The bytes that an operation leaves in the shared memory. Raises the same as `call`."""
        with self._channel() as channel:
            return channel.read(channel.call(operation, arguments, self._patience))

    def read_output(self, *arguments: object) -> tuple[str, tuple[int, ...], memoryview]:
        """The short name of an output's elements, its shape and its bytes. Raises the same as
        `call`."""
        with self._channel() as channel:
            size, name, shape = channel.described(arguments, self._patience)
            return name, shape, channel.read(size)

    def has_ended(self) -> bool:
        if self.lost is None and self._process.poll() is not None:
            self._how_lost()
        return self.lost is not None

    def close(self) -> None:
        """End the process. Every later call is a `runtime_error`."""
        with self._lock:
            if self.lost is None:
                self.lost = f"{self._what} was ended with the session"
        self._give_back()

    def forget(self, number: int) -> None:
        """Release a graph or a context. May be called at any time, even by the garbage collector in
        the middle of another method, and does not wait."""
        self._forgotten.append(number)
        self._tell_forgotten()

    def _tell_forgotten(self) -> None:
        """Send releases. Those that the busy process does not accept yet are sent with the next
        call."""
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
        """A channel for one call, which stays usable after a HostError, because that is an answer
        like any other."""
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
            reason = f"{self._what} was killed, and its models are lost: {late}"
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
        """Kill the process, unless it is already gone, and return why it is lost."""
        with self._lock:
            if self.lost is None:
                self.lost = reason
                log.warning("%s", reason)
            reason = self.lost
        self._give_back()
        return reason

    def _give_back(self) -> None:
        """Wait for the end of the process, and close what was open for it: a guest may hold the
        graphs of any number of lost processes."""
        if not self.end.alive:
            return
        self._process.kill()
        self._process.wait()
        with self._lock:
            self._free.clear()
        with self._sending:
            self.end()


class _Late(Exception):
    """There was no answer in time."""


class _Lost(Exception):
    """The process is gone, or its answer is invalid."""


class _Channel:
    """A connection for one call at a time, with the memory for its tensors."""

    def __init__(self, control: socket.socket) -> None:
        """Raises _Lost; HostError if the other process cannot open more files; and OSError if this
        one cannot."""
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
        """Write data to the shared memory, one item after the other. Raises OSError if there is not
        enough memory."""
        view = self.memory.first(sum(map(len, data)))
        for item in data:
            view[: len(item)] = item
            view = view[len(item) :]

    def read(self, size: object) -> memoryview:
        """A copy of the first bytes of the shared memory, which the next call may overwrite."""
        if not isinstance(size, int) or not 0 <= size <= self.memory.size:
            raise _Lost(f"an output of {size} bytes")
        return memoryview(bytes(self.memory.first(size)))

    def described(
        self, arguments: Sequence[object], patience: Patience
    ) -> tuple[int, str, tuple[int, ...]]:
        """The size, element and shape of an output that is put in the memory. Raises the same as
        `call`."""
        answer = self.call("output", arguments, patience)
        with _lost_if_it_ends():
            size, name, shape = answer
            if not all(isinstance(dim, int) and dim in _DIMENSIONS for dim in shape):
                raise ValueError("an output without a shape")
            return size, str(name), tuple(shape)

    def call(self, operation: str, arguments: Sequence[object], patience: Patience) -> Any:
        """Make a call. Raises HostError, DeviceLost, _Late and _Lost."""
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
            raise _Late(
                f"{operation} took longer than the limit {name} of {seconds:g} s"
            ) from error
        return answer

    def _received(self, end: float | None) -> Any:
        """The next message: the answer, or before it what a model prints, alone in a list."""
        self._wait_until(end)
        message, _ = receive(self._socket)
        return message

    def _wait_until(self, end: float | None) -> None:
        self._socket.settimeout(None if end is None else max(end - monotonic(), _MOMENT))


@contextlib.contextmanager
def _lost_if_it_ends() -> Iterator[None]:
    """Raise _Lost for exceptions that show that the other process is gone or cannot be trusted. A
    lack of resources in this process remains an OSError."""
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
    """Wait for a process that should be ending, and kill it if it does not."""
    try:
        status = process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return "sent an invalid reply and was killed"
    if status >= 0:
        return f"exited with code {status}"
    known = {int(each): each.name for each in signal.Signals}
    return f"was killed by {known.get(-status, f'signal {-status}')}"

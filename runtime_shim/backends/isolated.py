"""Models in a process of their own: where one crashes its NN runtime, the host lives.

There is one process for each backend. What guests load in it is lost when it crashes: they get
`runtime_error` from then on, and whatever is loaded next starts another one. It is no sandbox: the
process may do whatever the host may.
"""

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
from collections.abc import Iterator, Sequence
from typing import Any

from rewriter.dialects import Encoding, Errno, Target, TensorType
from runtime_shim.backends.base import (
    DEFAULTS,
    NO_OPTIONS,
    Options,
    Part,
    Place,
    Quantization,
    Runtime,
    Settings,
)
from runtime_shim.backends.isolated_wire import SharedMemory, receive, send
from runtime_shim.backends.native import free_with
from runtime_shim.errors import HostError

__all__ = ["IsolatedBackend"]

log = logging.getLogger("runtime_shim")

_START = (
    "import sys; sys.path[:] = sys.argv[5:]; from runtime_shim.backends.isolated_process import"
    " main; main(*sys.argv[1:5])"
)
"""Modules come from where this process has them, and not from the current folder."""

Bytes = bytes | memoryview

_KEPT = 64 << 20
"""Bytes of shared memory that a channel may have to be used again."""

_PATIENCE = 5
"""Seconds for a process that has closed its side to end."""


class IsolatedBackend:
    """Implements backends.base.Backend: the backend of an encoding, in another process."""

    def __init__(self, encoding: Encoding, settings: Settings = DEFAULTS) -> None:
        self._encoding = encoding
        self._settings = settings
        self._process: _Process | None = None
        self._lock = threading.Lock()

    def describe(self) -> Runtime:
        version, devices = self.running().call("describe")
        return Runtime(version, {name: Target(target) for name, target in devices.items()})

    def load(
        self, parts: Sequence[Part], place: Place, options: Options = NO_OPTIONS
    ) -> IsolatedGraph:
        process = self.running()
        content = [json.dumps(dict(options)).encode()]
        content += [part for part in parts if isinstance(part, bytes)]
        told = [len(part) if isinstance(part, bytes) else os.path.abspath(part) for part in parts]
        where = int(place) if isinstance(place, Target) else place
        number, device, inputs, outputs = process.call(
            "load", where, len(content[0]), told, data=content
        )
        if inputs is None:
            return IsolatedGraph(process, number, str(device))
        graph = IsolatedQuantizedGraph(process, number, str(device))
        graph.input_quantization = [_quantization(item) for item in inputs]
        graph.output_quantization = [_quantization(item) for item in outputs]
        return graph

    def running(self) -> _Process:
        """The process, which is started if there is none."""
        with self._lock:
            if self._process is None or self._process.has_ended():
                self._process = _Process(self._encoding, self._settings)
            return self._process


class _Process:
    """The other process. `lost` says why there is none any more, once that was found out."""

    def __init__(self, encoding: Encoding, settings: Settings) -> None:
        self._what = f"the process that runs {encoding.name.lower()} models"
        self.lost: str | None = None
        self._lock = threading.Lock()
        self._free: list[_Channel] = []
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pipe, lifeline = os.pipe()
        with theirs, open(pipe, "rb"):
            given = theirs.fileno(), pipe
            arguments = [*map(str, given), encoding.name, json.dumps(settings)]
            self._process = subprocess.Popen(
                [sys.executable, "-c", _START, *arguments, *sys.path],
                pass_fds=given,
                stdin=subprocess.DEVNULL,
                stdout=2,  # what NN runtimes print is no output of the guest
            )
        self.pid = self._process.pid
        self.end = weakref.finalize(self, _end, self._control, lifeline, self._process)
        """Ends it, if that was not done yet; in a fork of the host, which is no parent of it, does
        nothing."""

    def call(self, operation: str, *arguments: object, data: Sequence[Bytes] = ()) -> Any:
        """What an operation returns. `data` are copied to where the process reads them.

        Raises HostError, `runtime_error` where the process ends meanwhile.
        """
        with self._channel() as channel:
            channel.write(data)
            return channel.call(operation, arguments)

    def read(self, operation: str, *arguments: object) -> memoryview:
        """The bytes that an operation leaves in the shared memory. Raises what `call` raises."""
        with self._channel() as channel:
            return channel.read(channel.call(operation, arguments))

    def has_ended(self) -> bool:
        if self.lost is None and self._process.poll() is not None:
            self._how_lost()
        return self.lost is not None

    def forget(self, number: int) -> None:
        """Let go of a graph or a context. May be called at any time."""
        with contextlib.suppress(OSError):
            send(self._control, number)

    @contextlib.contextmanager
    def _channel(self) -> Iterator[_Channel]:
        """A channel for one call, in which HostError is an answer as any."""
        try:
            with self._lock:
                channel = self._free.pop() if self._free else None
            if channel is None:
                channel = _Channel(self._control)
            try:
                yield channel
            except HostError:
                self._keep(channel)
                raise
            self._keep(channel)
        except _Lost as error:
            raise HostError(Errno.RUNTIME_ERROR, self._how_lost()) from error

    def _keep(self, channel: _Channel) -> None:
        if channel.memory.size <= _KEPT:
            with self._lock:
                self._free.append(channel)

    def _how_lost(self) -> str:
        with self._lock:
            if self.lost is None:
                self.lost = f"{self._what} {_how_ended(self._process)}, and its models are lost"
                log.warning("%s", self.lost)
            return self.lost


class _Lost(Exception):
    """The process is gone, or answers what makes no sense."""


class _Channel:
    """A connection for one call after the other, with the memory for their tensors."""

    def __init__(self, control: socket.socket) -> None:
        """Raises _Lost."""
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        weakref.finalize(self, self._socket.close)
        with theirs:
            self.memory = SharedMemory()
            try:
                send(control, None, [theirs.fileno(), self.memory.fd])
            except OSError as error:
                raise _Lost from error

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

    def call(self, operation: str, arguments: Sequence[object]) -> Any:
        """Raises HostError and _Lost."""
        try:
            send(self._socket, [operation, *arguments])
            (errno, answer, remarks), _ = receive(self._socket)
            for level, text in remarks:
                log.log(int(level), "%s", text)
            if errno is not None:
                raise HostError(Errno(errno), str(answer))
        except (EOFError, OSError, TypeError, ValueError) as error:
            raise _Lost from error
        return answer


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


class IsolatedGraph:
    """Implements backends.base.Graph. `lost` is whether it went with its process."""

    def __init__(self, process: _Process, number: int, device: str) -> None:
        self._process = process
        self._number = number
        self.device = device
        free_with(self, process.forget, number)

    @property
    def lost(self) -> bool:
        return self._process.has_ended()

    def init_execution_context(self) -> IsolatedContext:
        number, streams = self._process.call("init_execution_context", self._number)
        return (IsolatedStream if streams else IsolatedContext)(self._process, number)


class IsolatedQuantizedGraph(IsolatedGraph):
    """Implements backends.base.QuantizedGraph."""

    input_quantization: Sequence[Quantization | None]
    output_quantization: Sequence[Quantization | None]


class IsolatedContext:
    """Implements backends.base.ExecutionContext."""

    def __init__(self, process: _Process, number: int) -> None:
        self._process = process
        self._number = number
        free_with(self, process.forget, number)

    def set_input(
        self, index: int, tensor_type: TensorType, shape: tuple[int, ...], data: memoryview
    ) -> None:
        arguments = self._number, index, int(tensor_type), shape, len(data)
        self._process.call("set_input", *arguments, data=[data])

    def compute(self) -> None:
        self._process.call("compute", self._number)

    def get_output(self, index: int) -> memoryview:
        return self._process.read("get_output", self._number, index)


class IsolatedStream(IsolatedContext):
    """Implements backends.base.StreamingContext."""

    def compute_single(self) -> None:
        self._process.call("compute_single", self._number)

    def get_output_single(self, index: int) -> memoryview:
        return self._process.read("get_output_single", self._number, index)

    def fini_single(self) -> None:
        self._process.call("fini_single", self._number)


def _quantization(item: Any) -> Quantization | None:
    if item is None:
        return None
    kind, scales, zero_points = item
    return Quantization(
        None if kind is None else TensorType(kind), tuple(scales), tuple(zero_points)
    )

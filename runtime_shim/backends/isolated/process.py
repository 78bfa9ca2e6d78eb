"""The process that runs isolated models. It does what runtime_shim.backends.isolated.client asks
for.

It ends when the host does, whatever it is doing at that time.
"""

from __future__ import annotations

import fcntl
import functools
import itertools
import json
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rewriter.abi.dialects import Encoding, Target, TensorType
from rewriter.terminal import take_over
from runtime_shim.backends import import_backend
from runtime_shim.backends.common import guest_output
from runtime_shim.backends.common.working import WorkingContext
from runtime_shim.backends.interface import (
    Backend,
    Element,
    Names,
    Output,
    Part,
    Place,
    Quantization,
    QuantizedGraph,
    Settings,
    SharedGraph,
    StreamingContext,
    elements_of,
    guarded,
    is_described,
    takes_bf16,
)
from runtime_shim.backends.isolated.wire import (
    DEVICE_LOST,
    LARGEST_MESSAGE,
    SharedMemory,
    receive,
    send,
)
from runtime_shim.errors import DeviceLost, HostError

__all__ = ["end_with", "main"]

_LONGEST_TEXT = LARGEST_MESSAGE // 64
"""Maximum length in characters of a reason or log message. JSON may take up to twelve bytes for
each."""

_MOST_INPUTS = LARGEST_MESSAGE // 16
"""Maximum number of inputs of a model whose types are sent to the host. The host does not check the
types of the others."""

_MOST_OUTPUT = LARGEST_MESSAGE // 8
"""Maximum number of bytes in one message. In JSON, each is a character of up to six bytes."""

_MOST_REMARKS = 3
"""Maximum number of log messages of one call."""

_FILES_OF_A_CHANNEL = 2
"""A socket, and memory."""


def main(control_fd: str, lifeline_fd: str, encoding: str, settings: str) -> None:
    """Serve until the host is gone. The arguments are those of the command line."""
    end_with(int(lifeline_fd))
    take_over()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the host decides what Ctrl+C ends
    control = socket.socket(fileno=int(control_fd))
    remarks = _Remarks(logging.INFO)
    logging.getLogger("runtime_shim").addHandler(remarks)
    logging.getLogger("runtime_shim").setLevel(logging.INFO)
    models = _Models(Encoding[encoding], Settings(*json.loads(settings)), remarks)
    while True:
        try:
            number, files = receive(control, _FILES_OF_A_CHANNEL)
        except EOFError:
            os._exit(0)
        if number is None:
            send(control, _opened(models, files))
        else:
            models.forget(number)


def _opened(models: _Models, files: Sequence[int]) -> bool:
    """Serve a channel: a socket and its memory. Returns False if this process did not get both,
    because it has reached its limit of open files or threads."""
    if len(files) < _FILES_OF_A_CHANNEL:
        for fd in files:
            os.close(fd)
        return False
    channel, memory = socket.socket(fileno=files[0]), SharedMemory(files[1])
    try:
        threading.Thread(target=models.serve, args=(channel, memory), daemon=True).start()
    except RuntimeError:
        channel.close()
        return False
    return True


def end_with(lifeline: int) -> None:
    """Make the system kill this process when the other end of a pipe is closed. An NN runtime may
    hold the interpreter's lock forever, as LiteRT does while it plans a model's memory."""
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(lifeline, fcntl.F_SETFL, os.O_ASYNC)


class _Remarks(logging.Handler):
    """Keeps what each thread logs, for the host to log it."""

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self._mine = threading.local()

    def emit(self, record: logging.LogRecord) -> None:
        self._mine.__dict__.setdefault("records", []).append(
            (record.levelno, record.getMessage()[:_LONGEST_TEXT])
        )

    def taken(self) -> list[tuple[int, str]]:
        """Level and text of what this thread has logged since the last call."""
        records: list[tuple[int, str]] = self._mine.__dict__.pop("records", [])
        return records[:_MOST_REMARKS]


class _Models:
    """The graphs and contexts, by number."""

    def __init__(self, encoding: Encoding, settings: Settings, remarks: _Remarks) -> None:
        self._encoding = encoding
        self._settings = settings
        self._remarks = remarks
        self._backend: Backend | None = None
        self._lock = threading.Lock()
        self._objects: dict[int, Any] = {}
        self._numbers = itertools.count(1)
        self._operations: Mapping[str, Callable[..., Any]] = {
            "describe": self._describe,
            "load": self._load,
            "with_options": self._with_options,
            "init_execution_context": self._init_execution_context,
            "set_input": self._set_input,
            "set_bf16_input": self._set_bf16_input,
            "compute": lambda _, context: self._objects[context].compute(),
            "get_output": lambda memory, context, index: _put(
                memory, self._objects[context].get_output(index)
            ),
            "output": lambda memory, context, index: _put_output(
                memory, self._objects[context].output(index)
            ),
            "names": lambda memory, context: _put_names(memory, self._objects[context].names),
            "input_index": lambda memory, context, size: self._objects[context].names.input_index(
                _taken(memory, size)
            ),
            "output_index": lambda memory, context, size: self._objects[context].names.output_index(
                _taken(memory, size)
            ),
            "compute_single": lambda _, context: self._objects[context].compute_single(),
            "get_output_single": lambda memory, context, index: _put(
                memory, self._objects[context].get_output_single(index)
            ),
            "allow": lambda _, context, most: _allow(self._objects[context], most),
            "working_bytes": lambda _, context: _working_bytes(self._objects[context]),
            "fini_single": lambda _, context: self._objects[context].fini_single(),
        }

    def serve(self, channel: socket.socket, memory: SharedMemory) -> None:
        """Answer calls until the host closes the channel."""
        with guest_output.goes_to(functools.partial(_send_output, channel)):
            self._serve(channel, memory)

    def _serve(self, channel: socket.socket, memory: SharedMemory) -> None:
        while True:
            try:
                (operation, *arguments), _ = receive(channel)
            except EOFError:
                return
            try:
                answer = guarded(self._operations[operation], memory, *arguments)
                send(channel, (None, answer, self._remarks.taken()))
            except HostError as error:
                errno = DEVICE_LOST if isinstance(error, DeviceLost) else int(error.errno)
                send(channel, (errno, error.reason[:_LONGEST_TEXT], self._remarks.taken()))

    def forget(self, number: int) -> None:
        self._objects.pop(number, None)

    def _add(self, value: object) -> int:
        number = next(self._numbers)
        self._objects[number] = value
        return number

    def _imported(self) -> Backend:
        with self._lock:
            if self._backend is None:
                self._backend = import_backend(self._encoding, self._settings)
            return self._backend

    def _describe(self, _: SharedMemory) -> tuple[str, dict[str, Target]]:
        version, devices = self._imported().describe()
        return version, dict(devices)

    def _load(
        self, memory: SharedMemory, where: int | str, options: int, told: list[int | str]
    ) -> tuple[object, ...]:
        """Load a model. The memory has the options, with the given length, and then the parts."""
        sizes = [size for size in told if isinstance(size, int)]
        data = memory.first(options + sum(sizes))
        configured = json.loads(bytes(data[:options]))
        parts: list[Part] = []
        pos = options
        for part in told:
            if isinstance(part, int):
                parts.append(bytes(data[pos : pos + part]))
                pos += part
            else:
                parts.append(Path(part))
        place: Place = Target(where) if isinstance(where, int) else where
        graph = self._imported().load(parts, place, configured)
        quantized: tuple[object, object] = None, None
        if isinstance(graph, QuantizedGraph):
            quantized = _short(graph.input_quantization), _short(graph.output_quantization)
        return self._add(graph), graph.device, isinstance(graph, SharedGraph), *quantized

    def _with_options(self, memory: SharedMemory, graph: int, size: int) -> int:
        return self._add(self._objects[graph].with_options(json.loads(bytes(memory.first(size)))))

    def _init_execution_context(
        self, _: SharedMemory, graph: int
    ) -> tuple[int, bool, list[str] | None, int | None, bool, bool]:
        context = self._objects[graph].init_execution_context()
        elements = elements_of(context)
        configured_by = getattr(context, "configured_by", None)
        streams = isinstance(context, StreamingContext)
        names = None if elements is None else _short_names(elements)
        known = is_described(context), takes_bf16(context)
        return self._add(context), streams, names, configured_by, *known

    def _set_input(
        self,
        memory: SharedMemory,
        context: int,
        index: int,
        tensor_type: int,
        shape: list[int],
        size: int,
    ) -> None:
        data = memory.first(size)
        self._objects[context].set_input(index, TensorType(tensor_type), tuple(shape), data)

    def _set_bf16_input(
        self, memory: SharedMemory, context: int, index: int, shape: list[int], size: int
    ) -> None:
        self._objects[context].set_bf16_input(index, tuple(shape), memory.first(size))


def _send_output(channel: socket.socket, data: bytes) -> None:
    """Send what a model prints to the host, which writes it to the output of the guest."""
    for start in range(0, len(data), _MOST_OUTPUT):
        send(channel, [data[start : start + _MOST_OUTPUT].decode("latin-1")])


def _short_names(elements: Sequence[Element | None]) -> list[str]:
    """Names of the first inputs' elements; empty for an input that is not a tensor of numbers."""
    return [element.name if element else "" for element in elements[:_MOST_INPUTS]]


def _short(found: Sequence[Quantization | None]) -> list[Quantization | None]:
    """Quantisations with at most two scales each, which still shows whether there is one for
    all."""
    return [
        item and item._replace(scales=item.scales[:2], zero_points=item.zero_points[:2])
        for item in found
    ]


def _allow(context: object, most: int) -> None:
    if isinstance(context, WorkingContext):
        context.allow(most)


def _working_bytes(context: object) -> int:
    return context.working_bytes() if isinstance(context, WorkingContext) else 0


def _put(memory: SharedMemory, output: memoryview) -> int:
    """Put the bytes of an output where the host reads them, and return their number."""
    memory.first(len(output))[:] = output
    return len(output)


def _put_output(memory: SharedMemory, output: Output) -> tuple[int, str, Sequence[int]]:
    return _put(memory, output.data), output.element.name, output.shape


def _put_names(memory: SharedMemory, names: Names) -> int:
    """Put names where the host reads them, as JSON: a message may be too small for them."""
    text = json.dumps([names.inputs, names.outputs, names.shown, names.vary])
    return _put(memory, memoryview(text.encode()))


def _taken(memory: SharedMemory, size: int) -> str:
    """The name that the host asks for."""
    return str(bytes(memory.first(size)), "utf-8", "surrogatepass")

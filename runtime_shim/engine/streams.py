"""Standard streams of a guest that are not those of this process.

An output is a pipe. wasmtime also accepts a callback, but hands each write to its own thread, which
takes five times as long. A thread empties the pipe while the guest runs, even if the data is no
longer wanted, so a guest never blocks on a full pipe.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import select
import threading
from collections.abc import Callable, Iterator
from typing import Protocol

import wasmtime

from rewriter.errors import InputError, UsageError
from rewriter.plurals import counted
from runtime_shim.backends.common import guest_output
from runtime_shim.engine.deadline import Deadline
from runtime_shim.engine.options import Capture, Reader, RunOptions, Writer
from runtime_shim.engine.outcome import Reason, Stopped

__all__ = ["Streams"]

_CHUNK = 1 << 16
"""Bytes per read: the capacity of a pipe on Linux."""

_PATIENCE = 1.0
"""Seconds after the deadline in which the guest's output may still arrive. A file that takes longer
is not waited for."""

Stop = Callable[[BaseException], None]
"""Ends the guest with an exception, from any thread."""


class Streams:
    """The streams of one run, in three steps: enter it, `configure` wasmtime, and `finish` once the
    guest has ended. Until then, other threads may call `stop`: if a file cannot be read or written,
    if a captured output exceeds `limit` bytes, or if the guest's output has not arrived soon after
    its `deadline`."""

    def __init__(
        self, options: RunOptions, limit: int | None, deadline: Deadline, stop: Stop
    ) -> None:
        self._options = options
        self._limit = limit
        self._deadline = deadline
        self._stop_guest = stop
        self._stopped: BaseException | None = None
        self._exits = contextlib.ExitStack()
        self._captured: dict[str, _Capture] = {}
        self._outputs: dict[str, int] = {}
        self._pump: _Pump | None = None

    def _stop(self, error: BaseException) -> None:
        if self._stopped is None:
            self._stopped = error
            self._stop_guest(error)

    def __enter__(self) -> Streams:
        return self

    def __exit__(self, *_: object) -> None:
        self._exits.close()

    def configure(self, config: wasmtime.WasiConfig) -> None:
        """Connect the streams to wasmtime. Raises InputError if this system has no /proc."""
        try:
            self._configure(config)
        except wasmtime.WasmtimeError as error:
            raise InputError(
                f"redirecting a guest's streams needs /proc/self/fd: {error}"
            ) from error

    def _configure(self, config: wasmtime.WasiConfig) -> None:
        if self._options.stdin is None:
            config.inherit_stdin()
        else:
            with self._input(self._options.stdin) as path:
                config.stdin_file = path
        sinks: dict[int, _Sink] = {}
        try:
            self._configure_outputs(config, sinks)
            if sinks:
                self._pump = _Pump(sinks)
                self._exits.callback(self._pump.end)
        except BaseException:
            for reader in sinks:
                os.close(reader)
            raise
        if sinks:
            self._exits.enter_context(self._deadline.ends(self._leave_behind, _PATIENCE))

    def _configure_outputs(self, config: wasmtime.WasiConfig, sinks: dict[int, _Sink]) -> None:
        """Create the pipes, and add their read ends to `sinks`."""
        by_file: dict[int, int] = {}
        for name, where in (("stdout", self._options.stdout), ("stderr", self._options.stderr)):
            if where is None:
                getattr(config, f"inherit_{name}")()
                continue
            shared = None if isinstance(where, Capture) else by_file.get(id(where))
            if shared is None:
                reader, shared = os.pipe()
                self._exits.callback(os.close, shared)
                sinks[reader] = self._sink(name, where)
                by_file[id(where)] = shared
            self._outputs[name] = shared
            setattr(config, f"{name}_file", f"/proc/self/fd/{shared}")

    @contextlib.contextmanager
    def _input(self, given: Reader | bytes) -> Iterator[str]:
        """The path of an input, valid while wasmtime opens it."""
        if isinstance(given, bytes):
            with os.fdopen(os.memfd_create("stdin"), "wb", buffering=0) as file:
                try:
                    whole = file.write(given) == len(given)
                except OSError:  # the process may not write such large files
                    whole = False
                if whole:
                    yield f"/proc/self/fd/{file.fileno()}"
                    return
            given = io.BytesIO(given)
        reader, writer = os.pipe()
        feeding = threading.Thread(target=self._feed, args=(given, writer), daemon=True)
        try:
            yield f"/proc/self/fd/{reader}"
        except BaseException:
            os.close(writer)
            raise
        finally:
            os.close(reader)
        feeding.start()

    def _feed(self, given: Reader, writer: int) -> None:
        """Copy the file to the pipe until its end, or until the guest has ended."""
        read = getattr(given, "read1", given.read)  # read1 returns what is available
        with os.fdopen(writer, "wb", buffering=0) as pipe, contextlib.suppress(BrokenPipeError):
            while True:
                try:
                    chunk = read(_CHUNK)
                    if chunk is None:
                        raise BlockingIOError(errno.EAGAIN, "the file has no data at present")
                    left = memoryview(chunk)
                except BaseException as error:  # noqa: BLE001 - it is raised where the guest was run
                    self._stop(error)
                    return
                if not left:
                    return
                while left:
                    left = left[pipe.write(left) :]

    def _sink(self, name: str, where: Writer | Capture) -> _Sink:
        if not isinstance(where, Capture):
            return _File(where, self._stop)
        self._captured[name] = _Capture(name, self._limit, self._stop)
        return self._captured[name]

    @contextlib.contextmanager
    def take_what_models_print(self) -> Iterator[None]:
        """While this is active, what models print for the guest of this thread goes to its standard
        output."""
        fd = self._outputs.get("stdout")
        if fd is None:
            yield
            return

        def write(data: bytes) -> None:
            if self._stopped is not None:
                raise self._stopped
            guest_output.write_to(fd, data)

        with guest_output.goes_to(write):
            yield

    def _leave_behind(self, error: BaseException) -> None:
        self._stop(error)
        if self._pump is not None:
            self._pump.leave_behind()

    def finish(self) -> None:
        """Wait for all that the guest has written, unless it arrives too late."""
        if self._pump is not None:
            self._pump.finish()

    def captured(self, name: str) -> bytes | None:
        """The bytes captured from an output, None if it is not captured."""
        found = self._captured.get(name)
        return None if found is None else found.bytes.getvalue()


class _Sink(Protocol):
    """Receives a guest's output."""

    def take(self, data: bytes) -> None:
        """Take all of the data. Never raises anything."""


class _Capture:
    """Keeps up to `limit` bytes in memory (None: no limit)."""

    def __init__(self, name: str, limit: int | None, stop: Stop) -> None:
        self.bytes = io.BytesIO()
        self._what = "standard output" if name == "stdout" else "standard error"
        self._limit = limit
        self._stop = stop

    def take(self, data: bytes) -> None:
        if self._limit is None:
            self.bytes.write(data)
            return
        room = self._limit - self.bytes.tell()
        self.bytes.write(data[:room])
        if len(data) > room:
            limit = counted(self._limit, "byte")
            text = f"its {self._what} exceeds the limit output of {limit}"
            self._stop(Stopped(Reason.TOO_MUCH_OUTPUT, text))


class _File:
    """Writes to a Python file. After a failed write, everything else is discarded."""

    def __init__(self, file: Writer, stop: Stop) -> None:
        self._file = file
        self._stop = stop
        self._is_broken = False

    def take(self, data: bytes) -> None:
        if self._is_broken:
            return
        try:
            left = data
            while left:
                left = left[self._written(left) :]
            flush = getattr(self._file, "flush", None)
            if flush is not None:
                flush()
        except BaseException as error:  # noqa: BLE001 - it is raised where the guest was run
            self._is_broken = True
            self._stop(error)

    def _written(self, data: bytes) -> int:
        """Write some of the data and return how many bytes were written, at least one. A file that
        returns None has written all, except raw files. Raises BlockingIOError if nothing was
        written, UsageError for an invalid return value."""
        count = self._file.write(data)
        if count is None and not isinstance(self._file, io.RawIOBase):
            return len(data)
        if count is None or (count == 0 and count is not False):
            raise BlockingIOError(errno.EAGAIN, "the file accepts no more at present")
        if isinstance(count, bool) or not isinstance(count, int) or not 0 < count <= len(data):
            raise UsageError(
                f"write of {type(self._file).__name__} returned {count!r} for {len(data)} "
                "bytes: expected the number of bytes written, or None for all"
            )
        return count


class _Pump:
    """Reads pipes in a thread, and passes the data to their sinks."""

    def __init__(self, sinks: dict[int, _Sink]) -> None:
        self._sinks = sinks
        self._lock = threading.Lock()
        """Held while reading from the pipes or closing them."""
        self._is_closed = False
        self._done = threading.Event()
        self._ending = os.eventfd(0)
        self._is_ending = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Let the thread end once it has passed on what is there."""
        if not self._is_ending:
            self._is_ending = True
            os.eventfd_write(
                self._ending, 1
            )  # closing is not enough: another process may have a copy of a pipe's end

    def finish(self) -> None:
        """Like `end`, but wait for the thread, or until it is left behind."""
        self.end()
        self._done.wait()

    def leave_behind(self) -> None:
        """Stop waiting for a sink that does not return. Neither `finish` nor a guest that writes to
        a full pipe waits any longer."""
        self._close()
        self.end()

    def _close(self) -> None:
        with self._lock:
            if not self._is_closed:
                self._is_closed = True
                for fd in self._sinks:
                    os.close(fd)
        self._done.set()

    def _run(self) -> None:
        poll = select.poll()
        for fd in (*self._sinks, self._ending):
            poll.register(fd, select.POLLIN)
            os.set_blocking(fd, False)
        is_ending = False
        while not is_ending:
            ready = {fd for fd, _ in poll.poll()}
            is_ending = self._ending in ready
            for fd, sink in self._sinks.items():
                if is_ending or fd in ready:
                    while data := self._read(fd):
                        sink.take(data)
        self._close()
        os.close(self._ending)

    def _read(self, fd: int) -> bytes:
        """Read what is available."""
        with self._lock, contextlib.suppress(BlockingIOError):
            if not self._is_closed:
                return os.read(fd, _CHUNK)
        return b""

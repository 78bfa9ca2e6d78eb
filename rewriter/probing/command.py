"""Runs a host's command with one module per process, because hosts crash, hang, and print lines of
their own."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from enum import Enum
from typing import IO, NamedTuple

from rewriter.errors import UsageError

__all__ = ["MARK", "PLACE", "End", "Ran", "ended", "run"]

PLACE = "{}"
"""The placeholder for a module's path in a command."""

MARK = b"[nnprobe "
"""Every line with an answer contains this."""

_KEPT = 1 << 20
"""Bytes of a process's output that are kept, and the same number again for later lines with
answers. A host in a loop prints without end."""

_LINE = 1 << 12
"""The longest of those later lines."""

_SIGNALS = frozenset(
    getattr(signal, f"SIG{name}") for name in ("ILL", "TRAP", "ABRT", "BUS", "FPE", "SEGV", "SYS")
)
"""Signals that end a crashed process. A shell reports 128 plus the signal."""


class End(Enum):
    """How a process ended that did not finish its module."""

    TRAPS = "traps"
    ABORTS = "aborts"
    HANGS = "hangs"
    UNCLEAR = "traps or aborts"
    """The exit code does not show which: a shell has changed it, or it can mean both."""


class Ran(NamedTuple):
    """How a process ended. `code` is negative for a signal, and None after a timeout. `output` has
    standard output and standard error: at most one MiB, and later lines with answers."""

    code: int | None
    output: bytes


def ended(code: int | None, of_trap: int | None, *, comes_through: bool = True) -> End:
    """How a process ended that did not finish its module. `of_trap` is the exit code after a trap,
    and `comes_through` says whether exit codes are the host's own.

    The exit code after a trap may be the same as a shell's after an abort (134), or 0, which shows
    nothing.
    """
    if code is None:
        return End.HANGS
    if code < 0:
        return End.ABORTS
    is_signal = code - 128 in _SIGNALS
    if is_signal and code != of_trap:
        return End.ABORTS
    return End.UNCLEAR if is_signal or code == 0 or not comes_through else End.TRAPS


def run(command: Sequence[str], path: str, timeout: float) -> Ran:
    """Run `command` with the path instead of each `{}`, or at the end if there is none.

    Raises UsageError if it cannot be started. Its child processes are killed with it.
    """
    words = [word.replace(PLACE, path) for word in command]
    if not any(PLACE in word for word in command):
        words.append(path)
    deadline = time.monotonic() + timeout
    try:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise UsageError(f"{words[0]} cannot be started: {error.strerror or error}") from error
    try:
        output = _read(process.stdout, deadline) if process.stdout else b""
        code = process.wait(max(deadline - time.monotonic(), 0))
    except subprocess.TimeoutExpired as error:
        return Ran(None, error.output or b"")
    finally:
        _end(process)
    return Ran(code, output)


def _read(stream: IO[bytes], deadline: float) -> bytes:
    """The output until the process ends. Raises TimeoutExpired with the output so far."""
    fd, kept = stream.fileno(), _Kept()
    poll = select.poll()  # select refuses descriptors from 1024 on
    poll.register(fd, select.POLLIN)
    while True:
        left = max(deadline - time.monotonic(), 0)
        if not poll.poll(left * 1000) or not left:
            raise subprocess.TimeoutExpired((), 0, kept.whole)
        data = os.read(fd, 1 << 16)
        if not data:
            return kept.whole
        kept.add(data)


class _Kept:
    """Collects the output that is kept."""

    def __init__(self) -> None:
        self._first, self._answers, self._line = bytearray(), bytearray(), b""

    def add(self, data: bytes) -> None:
        room = _KEPT - len(self._first)
        self._first += data[:room]
        if len(data) <= room:
            return
        *lines, self._line = (self._line + data[room:]).split(b"\n")
        self._line = self._line[-_LINE:]
        for line in lines:
            if MARK in line and len(self._answers) < _KEPT:
                self._answers += line[-_LINE:] + b"\n"

    @property
    def whole(self) -> bytes:
        return bytes(self._first + (b"\n" if self._answers else b"") + self._answers)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and its children: the command may be a shell script that starts the host."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()

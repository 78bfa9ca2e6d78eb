"""A host's own command, run with one module in a process of its own: hosts crash, hang, and print
lines of their own."""

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
"""What stands for a module's path in a command."""

MARK = b"[nnprobe "
"""What a line of an answer has in it."""

_KEPT = 1 << 20
"""Bytes of output that are kept of a process, and again of lines of answers behind them; a host in
a loop prints without end."""

_LINE = 1 << 12
"""The longest line that is looked at behind these."""

_SIGNALS = frozenset(
    getattr(signal, f"SIG{name}") for name in ("ILL", "TRAP", "ABRT", "BUS", "FPE", "SEGV", "SYS")
)
"""By which a process ends that has gone wrong. A shell says 128 and one of them."""


class End(Enum):
    """How a process ended that did not come to the end of its module."""

    TRAPS = "traps"
    ABORTS = "aborts"
    HANGS = "hangs"
    UNCLEAR = "traps or aborts"
    """The exit code does not say which: a shell between has changed it, or it can be either's."""


class Ran(NamedTuple):
    """How a process ended: `code` is negative for a signal, and None where it was stopped because
    its time was over. `output` is what it printed, standard error too: a mebibyte at most, and the
    lines of answers behind it."""

    code: int | None
    output: bytes


def ended(code: int | None, of_trap: int | None, *, comes_through: bool = True) -> End:
    """What a process that did not come to the end of its module ended by; `of_trap` is the code of
    one whose module has trapped, and `comes_through` whether exit codes are those of the host.

    A trap's code may be that of an abort in a shell (134), or 0, which says nothing.
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
    """Run `command` with the path in the place of each `{}`, and behind it where there is none.

    Raises UsageError where it cannot be started. What it has started itself is ended with it.
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
    """What it prints until it ends. Raises TimeoutExpired, which has what came until then."""
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
    """Output as far as it is kept."""

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
    """End a process and its children: a host may be behind a shell script."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()

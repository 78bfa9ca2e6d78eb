"""Workers that are processes of this machine."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from multiprocessing import process as processes
from multiprocessing.connection import wait
from multiprocessing.reduction import ForkingPickler
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from nnshim.many.engines.interface import Answer, Gone, Ready
from nnshim.many.engines.worker import READY, STARTED, Failed, serve
from rewriter.errors import ToolError, UsageError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

    from nnshim.many.engines.worker import Do

__all__ = ["Processes"]

_PATIENCE = 5.0
"""Seconds that a process has to remove what it was writing."""

_LONG = 8 << 10
"""Characters of a command line. A process that starts gets it through a pipe, which has to hold all
of it: multiprocessing has both ends of it, so if the process has ended, writing more would never
return. POSIX promises 4,096 bytes, Linux has 65,536, and macOS at least 16,384."""


class _Process:
    """Implements engine.Hand."""

    def __init__(self, process: SpawnProcess, connection: Connection, work: memoryview) -> None:
        self.process = process
        self.connection = connection
        self._work = work

    def give(self, items: Sequence[Any]) -> None:
        with contextlib.suppress(OSError):  # it was killed, which `answer` says
            self.connection.send(items)

    def answer(self) -> Answer | None:
        """None where it says nothing yet that is about its work, which it is given here: a
        connection is known to be broken, and a process that has ended does not block it."""
        try:
            answer = self.connection.recv()
            if answer == STARTED:
                self.connection.send_bytes(self._work)
                return None
        except (EOFError, OSError):
            self.connection.close()
            self.process.join()
            if self.process.exitcode == _UNGUARDED:
                return Failed(UsageError(_GUARD))
            return Gone(_how(self.process.exitcode))
        return Ready() if answer == READY else answer


class Processes:
    """Implements engine.Engine: `most` processes, which do `do`."""

    def __init__(self, do: Do, most: int) -> None:
        self._most = most
        self._work = ForkingPickler.dumps(do)
        self._context = multiprocessing.get_context("spawn")
        self._all: list[_Process] = []
        self._starter = os.getpid()

    @property
    def most(self) -> int:
        return self._most

    def start(self) -> _Process:
        """Raises UsageError for a program that processes cannot import, and in a place where none
        can be started, and ToolError where the system refuses one."""
        _check_program()
        _check_place()
        try:
            return self._started()
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise ToolError(f"a process that shares the work cannot be started: {why}") from error

    def _started(self) -> _Process:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=serve, args=(theirs,), daemon=True)
        started = _Process(process, ours, self._work)
        with _deaf_to_the_terminal(), _short_command_line():
            try:
                process.start()
            except RuntimeError as error:
                if "bootstrapping phase" not in str(error):
                    raise
                sys.exit(_UNGUARDED)  # this is a process that imports the program
            self._all.append(started)
            _started.add(process)
        theirs.close()
        return started

    def wait(self, *, at_most: float | None = None) -> Sequence[tuple[_Process, Answer]]:
        found: list[tuple[_Process, Answer]] = []
        answered: Sequence[object] = (None,)
        while answered and not found:
            answered = wait([each.connection for each in self._all], at_most)
            asked = [each for each in self._all if each.connection in answered]
            answers = ((each, each.answer()) for each in asked)
            found = [(each, answer) for each, answer in answers if answer is not None]
        gone = [each for each, answer in found if isinstance(answer, Gone)]
        self._all = [each for each in self._all if each not in gone]
        return found

    def close(self) -> None:
        if os.getpid() != self._starter:  # it was forked since
            return
        for each in self._all:
            each.process.terminate()
        for each in self._all:
            each.process.join(_PATIENCE)
            if each.process.exitcode is None:
                each.process.kill()
                each.process.join()
            each.connection.close()


_started: WeakSet[SpawnProcess] = WeakSet()


def _disown() -> None:
    """In a process that was forked from the one that started others, which multiprocessing would
    end when it ends itself.

    https://github.com/python/cpython/blob/main/Lib/multiprocessing/util.py (_exit_function)
    """
    children: set[object] = vars(processes)["_children"]
    children.difference_update(_started)


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_disown)

_UNGUARDED = 78
"""The status of a process that would start others while it imports the program. EX_CONFIG of
sysexits.h, which nothing else here ends with."""

_GUARD = (
    "each process that shares the work imports this program, which would start the work again: put"
    ' the code that starts it under `if __name__ == "__main__":`'
)


def _check_place() -> None:
    """Raise UsageError in a folder that is gone, and in a process that may not have others."""
    try:
        os.getcwd()
    except FileNotFoundError:
        raise UsageError(
            "the current folder was removed, and processes start in it: change to another folder"
        ) from None
    if multiprocessing.current_process().daemon:
        raise UsageError(
            "this process may not start others, because it is a daemonic one of multiprocessing,"
            " such as those of a Pool"
        )


def _check_program() -> None:
    """Raise UsageError for a program whose name is not that of a file, such as one from standard
    input or a pipe. One without a name, as with `python -c`, is not imported.

    https://docs.python.org/3/library/multiprocessing.html#the-spawn-and-forkserver-start-methods
    """
    program = sys.modules["__main__"]
    path = getattr(program, "__file__", None)
    if getattr(program, "__spec__", None) is None and path and not os.path.isfile(path):
        raise UsageError(
            f"each process that shares the work imports this program, and {path} is not a file:"
            " save the program as a file"
        )


def _how(code: int | None) -> str:
    if code is None or code >= 0:
        return f"ended with status {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = str(-code)
    return f"was killed by signal {name}"


@contextlib.contextmanager
def _deaf_to_the_terminal() -> Iterator[None]:
    """A process that is started meanwhile inherits that it does not get SIGINT and SIGHUP, which a
    terminal sends to all of its processes, and so is deaf to them even before its first line. This
    process gets them afterwards."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    from multiprocessing import resource_tracker

    those = signal.SIGINT, signal.SIGHUP
    old = signal.pthread_sigmask(signal.SIG_BLOCK, those)
    try:
        resource_tracker.ensure_running()  # which lets SIGINT through when it starts it
        signal.pthread_sigmask(signal.SIG_BLOCK, those)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, old)


@contextlib.contextmanager
def _short_command_line() -> Iterator[None]:
    """A process that is started meanwhile gets no more than the first word of a long one."""
    old = sys.argv
    if sum(map(len, old)) > _LONG:
        sys.argv = old[:1]
    try:
        yield
    finally:
        sys.argv = old

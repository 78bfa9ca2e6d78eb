"""Hands chunks of files to processes, and gives back what they found in the chunks' order."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from nnshim.many.work import Work
from nnshim.many.worker import READY, Failed, serve
from rewriter.errors import NNShimError, ToolError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

__all__ = ["Workers"]

Item = TypeVar("Item")
Found = TypeVar("Found")

_AHEAD = 4
"""Chunks for each process that are handed out before the first of them is back. It bounds what is
held in memory."""

_PATIENCE = 5.0
"""Seconds that a process has to remove what it was writing."""


class _Task(Generic[Item, Found]):
    """A chunk. After a process was killed at it, its items are handed out one by one, to find the
    one that did that."""

    def __init__(self, number: int, items: Sequence[Item]) -> None:
        self.number = number
        self.left = list(items)
        self.found: list[Found] = []
        self.singly = False

    @property
    def next(self) -> list[Item]:
        return self.left[:1] if self.singly else self.left

    def add(self, found: Sequence[Found]) -> None:
        self.found += found
        del self.left[: len(found)]

    def at_death(self, how: str, lost: Callable[[Item, str], Found]) -> None:
        """Of a process that ended so."""
        if self.singly or len(self.left) == 1:
            self.add([lost(self.left[0], how)])
        self.singly = True


class _Worker(Generic[Item, Found]):
    """A process, and its task; None for one that waits. It is not ready until it says so."""

    def __init__(self, process: SpawnProcess, connection: Connection) -> None:
        self.process = process
        self.connection = connection
        self.is_ready = False
        self.task: _Task[Item, Found] | None = None

    def give(self, task: _Task[Item, Found]) -> None:
        self.task = task
        with contextlib.suppress(OSError):  # it was killed, which `answer` says
            self.connection.send(task.next)

    def answer(self) -> Any:
        """What it sends next; None if it is gone."""
        try:
            return self.connection.recv()
        except (EOFError, OSError):
            return None


class Workers(Generic[Item, Found]):
    """Processes, which end when this is left."""

    def __init__(self, work: Work[Item, Found], jobs: int) -> None:
        self._work = work
        self._jobs = jobs
        self._context = multiprocessing.get_context("spawn")
        self._all: list[_Worker[Item, Found]] = []
        self._todo: list[_Task[Item, Found]] = []

    def __enter__(self) -> Workers[Item, Found]:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._all:
            worker.process.terminate()
        for worker in self._all:
            worker.process.join(_PATIENCE)
            if worker.process.exitcode is None:
                worker.process.kill()
                worker.process.join()
            worker.connection.close()

    def go_through(self, chunks: Iterable[Sequence[Item]]) -> Iterator[Sequence[Found]]:
        """What is found in each chunk, in their order. Raises ToolError if a process cannot be
        started, and what ends the work as a whole."""
        source = enumerate(chunks)
        done: dict[int, Sequence[Found]] = {}
        expected = taken = 0
        while True:
            while taken - expected < self._jobs * _AHEAD and self._busy < self._jobs:
                following = next(source, None)
                if following is None:
                    break
                number, items = following
                taken += 1
                if any(map(self._work.stays, items)):
                    done[number] = self._work.do(items)
                    break
                self._todo.append(_Task(number, items))
                self._hand_out()
            if expected == taken:
                return
            while expected in done:
                yield done.pop(expected)
                expected += 1
            if self._busy:
                done.update((task.number, task.found) for task in self._finished())

    @property
    def _busy(self) -> int:
        return len(self._todo) + sum(worker.task is not None for worker in self._all)

    def _hand_out(self) -> None:
        """Give what is to be done to those that wait, and start more where they are too few."""
        for worker in self._all:
            if worker.is_ready and worker.task is None and self._todo:
                worker.give(self._todo.pop(0))
        starting = sum(not worker.is_ready for worker in self._all)
        for _ in range(min(len(self._todo) - starting, self._jobs - len(self._all))):
            self._start()

    def _start(self) -> None:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=serve, args=(theirs, self._work.do), daemon=True)
        with _deaf_to_ctrl_c():
            process.start()
            self._all.append(_Worker(process, ours))
        theirs.close()

    def _finished(self) -> Iterator[_Task[Item, Found]]:
        """Wait until one of them answers, and give back the tasks that are done."""
        answered = wait([worker.connection for worker in self._all])
        for worker in [each for each in self._all if each.connection in answered]:
            answer = worker.answer()
            if isinstance(answer, Failed):
                _raise(answer)
            task = worker.task
            if answer is None:
                self._remove(worker)
            elif answer == READY:
                worker.is_ready = True
            elif task is not None:
                task.add(answer)
                if task.left:
                    worker.give(task)
                    continue
                worker.task = None
            if task is not None:
                if task.left:
                    self._todo.insert(0, task)
                else:
                    yield task
        self._hand_out()

    def _remove(self, worker: _Worker[Item, Found]) -> None:
        """One that was killed: its task goes to another one, without the item that did that."""
        self._all.remove(worker)
        worker.connection.close()
        worker.process.join()
        how = _how(worker.process.exitcode)
        if not worker.is_ready:
            raise ToolError(f"a process that shares the work cannot be started: it {how}")
        if worker.task is not None:
            worker.task.at_death(how, self._work.lost)


def _how(code: int | None) -> str:
    if code is None or code >= 0:
        return f"ended with status {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = str(-code)
    return f"was killed by signal {name}"


def _raise(failed: Failed) -> None:
    if isinstance(failed.error, NNShimError):
        raise failed.error
    raise RuntimeError(failed.error)


@contextlib.contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """A process that is started meanwhile inherits that it does not get SIGINT, and so is deaf to
    it even before its first line. This process gets it afterwards."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    old = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT,))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, old)

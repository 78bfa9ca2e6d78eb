"""Hands chunks of items to workers, and gives back what they found in the chunks' order, or as it
comes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from time import monotonic
from typing import Generic, NoReturn, Self, TypeVar

from nnshim.many.engines.interface import Engine, Gone, Hand, Ready
from nnshim.many.engines.worker import Failed
from nnshim.many.work import Work
from rewriter.errors import NNShimError, ToolError

__all__ = ["Workers"]

Item = TypeVar("Item")
Found = TypeVar("Found")

_AHEAD = 4
"""Chunks for each worker that are handed out before the first of them is back, where their order is
kept. It bounds what is held in memory."""

_SLOW = 0.01
"""Seconds until there is another chunk, after which workers wait for chunks, and not the other way
round."""

_STARTS = 3
"""Workers in a row that end before they are ready, after which no more are started. One may have
been killed for its memory while others work."""


class _Task(Generic[Item, Found]):
    """A chunk. After a worker ended at it, its items are handed out one by one, to find the one
    that did that."""

    def __init__(self, number: int, items: Sequence[Item]) -> None:
        self.number = number
        self.left = list(items)
        self.found: list[Found] = []
        self.singly = False
        self._deaths = 0
        """Of workers, at the first item that is left, alone."""

    @property
    def next(self) -> list[Item]:
        return self.left[:1] if self.singly else self.left

    def add(self, found: Sequence[Found]) -> None:
        self.found += found
        del self.left[: len(found)]
        self._deaths = 0

    def at_death(self, gone: Gone, tries: int, lost: Callable[[Item, str], Found]) -> None:
        """Of a worker that ended so."""
        if not gone.to_blame:
            return
        if self.singly or len(self.left) == 1:
            self._deaths += 1
            if self._deaths >= tries:
                self.add([lost(self.left[0], gone.how)])
        self.singly = True

    def taken(self) -> Sequence[Found]:
        """What was found since this was called."""
        found, self.found = self.found, []
        return found


class _Timed(Generic[Item]):
    """What another iterator gives. `is_slow` says whether that took long for the last one."""

    def __init__(self, source: Iterator[Item]) -> None:
        self._source = source
        self.is_slow = self.has_ended = False
        self.taken = 0

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Item:
        since = monotonic()
        try:
            item = next(self._source)
        except StopIteration:
            self.has_ended = True
            raise
        self.is_slow = monotonic() - since > _SLOW
        self.taken += 1
        return item


class Workers(Generic[Item, Found]):
    """Workers, which end when this is left. An item at which `tries` workers have ended, with no
    other item in their hands, is lost. Some that end before they are ready, one after another, end
    the work."""

    def __init__(
        self, work: Work[Item, Found], engine: Engine, *, ordered: bool = True, tries: int = 1
    ) -> None:
        self._work = work
        self._engine = engine
        self._ordered = ordered
        self._tries = tries
        self._tasks: dict[Hand, _Task[Item, Found] | None] = {}
        """Of each worker; None for one that waits."""
        self._starting: set[Hand] = set()
        self._unstarted = 0
        self._todo: deque[_Task[Item, Found]] = deque()

    def __enter__(self) -> Workers[Item, Found]:
        return self

    def __exit__(self, *_: object) -> None:
        self._engine.close()

    def go_through(
        self, chunks: Iterable[Sequence[Item]], *, results_first: bool = False
    ) -> Iterator[Sequence[Found]]:
        """What is found in each chunk, in their order, or as it comes. Workers get another chunk
        before that is given back, so that they do not wait meanwhile, unless chunks come slowly, or
        with `results_first`. Raises ToolError if a worker cannot be started, and what ends the work
        as a whole. What taking a chunk raises is raised after what is found by then."""
        source = _Timed(enumerate(chunks))
        come: deque[Sequence[Found]] = deque()
        done: dict[int, Sequence[Found]] = {}
        expected = 0

        def add(number: int, found: Sequence[Found]) -> None:
            if self._ordered:
                done[number] = found
            else:
                come.append(found)

        def given_back() -> Iterator[Sequence[Found]]:
            nonlocal expected
            while come:
                yield come.popleft()
            while expected in done:
                yield done.pop(expected)
                expected += 1

        def listen(at_most: float | None = None) -> None:
            for task in self._answered(at_most) if self._busy else ():
                if not self._ordered or not task.left:
                    add(task.number, task.taken())

        while True:
            most = self._engine.most
            while self._busy < most and (
                not self._ordered or source.taken - expected < most * _AHEAD
            ):
                if results_first or source.is_slow:
                    listen(0)
                    yield from given_back()
                try:
                    following = next(source, None)
                except Exception:
                    listen(0)
                    yield from given_back()
                    raise
                if following is None:
                    break
                number, items = following
                if any(map(self._work.stays, items)):
                    add(number, self._work.do(items))
                    break
                self._todo.append(_Task(number, items))
                self._hand_out()
            yield from given_back()
            if self._busy:
                listen()
            elif source.has_ended:
                return

    @property
    def _busy(self) -> int:
        return len(self._todo) + sum(task is not None for task in self._tasks.values())

    def _hand_out(self) -> None:
        """Give what is to be done to those that wait, and start more where they are too few."""
        for hand, task in self._tasks.items():
            if task is None and hand not in self._starting and self._todo:
                self._give(hand, self._todo.popleft())
        few = min(len(self._todo) - len(self._starting), self._engine.most - len(self._tasks))
        for _ in range(few):
            hand = self._engine.start()
            self._tasks[hand] = None
            self._starting.add(hand)

    def _give(self, hand: Hand, task: _Task[Item, Found]) -> None:
        self._tasks[hand] = task
        hand.give(task.next)

    def _answered(self, at_most: float | None) -> Sequence[_Task[Item, Found]]:
        """Wait until a worker says something, or for so many seconds, and give back the tasks of
        which more is found."""
        tasks = []
        for hand, answer in self._engine.wait(at_most=at_most):
            task = self._tasks[hand]
            if isinstance(answer, Failed):
                _raise(answer)
            if isinstance(answer, Gone):
                self._remove(hand, answer)
            elif isinstance(answer, Ready):
                self._starting.discard(hand)
                self._unstarted = 0
            elif task is not None:
                task.add(answer)
                if task.left:
                    self._give(hand, task)
                else:
                    self._tasks[hand] = None
            if task is not None and task.found:
                tasks.append(task)
        self._hand_out()
        return tasks

    def _remove(self, hand: Hand, gone: Gone) -> None:
        """One that has ended: its task goes to another one, without the item that did that."""
        task = self._tasks.pop(hand)
        if hand in self._starting:
            self._starting.discard(hand)
            self._unstarted += gone.to_blame
            if self._unstarted >= _STARTS:
                raise ToolError(f"a process that shares the work cannot be started: it {gone.how}")
        if task is not None:
            task.at_death(gone, self._tries, self._work.lost)
            if task.left:
                self._todo.appendleft(task)


def _raise(failed: Failed) -> NoReturn:
    if isinstance(failed.error, NNShimError):
        raise failed.error
    raise RuntimeError(failed.error)

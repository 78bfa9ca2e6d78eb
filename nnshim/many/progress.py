"""How far the work on many files is, on the last line of a terminal."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from nnshim.many.searching import Search
from nnshim.units import size_text
from rewriter.errors import NNShimError
from rewriter.terminal import alive
from rewriter.trees.item import Unsearched

__all__ = ["InputProgress", "Progress", "shown_progress", "shown_while"]


class Progress:
    """What is done. `total` is how many files there are, None while that is not known."""

    def __init__(self, verb: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._verb = verb
        self._clock = clock
        self._started = clock()
        self._done = 0
        self._bytes = 0
        self.total: int | None = None

    def add(self, size: int) -> None:
        """One more file, of this many bytes."""
        self._done += 1
        self._bytes += size

    def __str__(self) -> str:
        seconds = self._clock() - self._started
        text = f"{self._so_far('files')}, {size_text(self._bytes)}"
        if not self._done or seconds < 1:
            return text
        return f"{text}, {size_text(round(self._bytes / seconds))}/s{self._left(seconds, 0)}"

    def _so_far(self, things: str) -> str:
        of = "" if self.total is None else f" of {self.total}"
        return f"{self._verb}: {self._done}{of} {things}"

    def _left(self, seconds: float, at_once: int) -> str:
        """How long the others take, if all but `at_once` took so long; nothing if nobody knows."""
        if self.total is None:
            return ""
        left = seconds / (self._done - at_once) * max(0, self.total - self._done)
        return f", {left:.0f} s left"


class InputProgress(Progress):
    """The same of inputs, of which some have a result already, which takes no time."""

    _kept = 0

    def keep(self) -> None:
        """One more input, which had its result."""
        self._done += 1
        self._kept += 1

    def __str__(self) -> str:
        seconds = self._clock() - self._started
        text = self._so_far("inputs")
        ran = self._done - self._kept
        if not ran or seconds < 1:
            return text
        return f"{text}, {ran / seconds:.3g}/s{self._left(seconds, self._kept)}"


@contextmanager
def shown_progress(verb: str, where: Search, *, quiet: bool = False) -> Iterator[Progress]:
    """Show it while that lasts, unless `quiet`. Only for a terminal, and meanwhile, the files are
    found once more, to count them; standard input cannot be read twice."""
    progress = Progress(verb)
    if quiet:
        yield progress
        return
    if where.one_file is not None:
        with alive("reading", where.one_file):
            yield progress
        return
    found = None if "-" in where.inputs else _files(where)
    with shown_while(progress, verb, found):
        yield progress


def _files(where: Search) -> Iterator[object]:
    return (item for item in where.found() if not isinstance(item, Unsearched))


@contextmanager
def shown_while(
    progress: Progress, verb: str, everything: Iterator[object] | None
) -> Iterator[None]:
    """Show it while that lasts, and count all that there is meanwhile, if it can be known."""
    ended = threading.Event()
    with alive(verb) as doing:
        doing.text = progress
        if doing.is_shown and everything is not None:
            arguments = (everything, progress, ended)
            threading.Thread(target=_count, args=arguments, daemon=True).start()
        try:
            yield
        finally:
            ended.set()


def _count(everything: Iterator[object], progress: Progress, ended: threading.Event) -> None:
    total = 0
    with suppress(NNShimError):  # the work itself comes to the same, and says so
        for _ in everything:
            total += 1
            if ended.is_set():
                return
        progress.total = total

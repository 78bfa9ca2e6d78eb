"""What hands of an engine do for the work on many files: processes here, or actors elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from nnshim.many.engines.worker import Failed

__all__ = ["Answer", "Engine", "Gone", "Hand", "Ready"]


class Ready(NamedTuple):
    """A worker can be given items."""


class Gone(NamedTuple):
    """A worker has ended, and how, such as "was killed by signal SIGKILL". What it was working on
    may be what ended it, unless its machine was lost with it: then it is not `to_blame`."""

    how: str
    to_blame: bool = True


Answer = Ready | list[Any] | Failed | Gone
"""What a worker says: a list has what was found in the first of its items, at least in one."""


class Hand(Protocol):
    """One worker."""

    def give(self, items: Sequence[Any]) -> None:
        """Have it work on these. It has to be ready, and to have answered for all before."""


class Engine(Protocol):
    """Where workers are."""

    @property
    def most(self) -> int:
        """Workers that there are at most, now."""

    def start(self) -> Hand:
        """Begin to start a worker, which will say that it is ready."""

    def wait(self, *, at_most: float | None = None) -> Sequence[tuple[Hand, Answer]]:
        """Wait until one of those that were started says something, or for so many seconds, after
        which there may be nothing. One that is gone says no more."""

    def close(self) -> None:
        """End all of them, whatever they are doing."""

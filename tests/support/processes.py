"""The processes that a test has started."""

from __future__ import annotations

import contextlib
import gc
import os
import threading
import time
from collections.abc import Callable, Iterator
from operator import le
from pathlib import Path
from typing import NamedTuple

__all__ = [
    "PATIENCE",
    "children",
    "ends",
    "has_ended",
    "nothing_left",
    "started",
    "status",
    "wait_for",
]


class Status(NamedTuple):
    pid: int
    state: str
    parent: int


def status(pid: int) -> Status | None:
    """None for a process that is not there."""
    try:
        state, parent, *_ = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return Status(pid, state, int(parent))


def children() -> set[int]:
    """The processes that this one has started, and that have not been waited for."""
    stats = (status(int(path.name)) for path in Path("/proc").iterdir() if path.name.isdigit())
    return {found.pid for found in stats if found is not None and found.parent == os.getpid()}


@contextlib.contextmanager
def started() -> Iterator[list[int]]:
    """The processes that are started meanwhile."""
    before = children()
    found: list[int] = []
    yield found
    found += children() - before


def has_ended(pid: int) -> bool:
    found = status(pid)
    return found is None or found.state == "Z"


def ends(pid: int) -> bool:
    """True, once a process has ended."""
    wait_for(lambda: has_ended(pid))
    return True


PATIENCE = 120
"""Seconds in which a machine that has much else to do has come to anything that a test waits for.
What would end by itself has to take longer."""


def wait_for(condition: Callable[[], bool], patience: float = PATIENCE) -> None:
    """Until it holds, which is an error if it does not within so many seconds."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "it has not come to that"
        time.sleep(0.02)


@contextlib.contextmanager
def nothing_left() -> Iterator[None]:
    """No process, descriptor, thread or shared memory more than before."""

    def counts() -> tuple[set[int], int, int, int]:
        gc.collect()
        shared = Path("/proc/self/maps").read_text().count("memfd:nnshim")
        return children(), len(os.listdir("/proc/self/fd")), threading.active_count(), shared

    def is_back() -> bool:
        processes, *numbers = counts()
        return processes <= before[0] and all(map(le, numbers, before[1:]))

    before = counts()
    yield
    wait_for(is_back)  # what is closed may be about to end

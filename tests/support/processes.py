"""The processes that a test has started."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["children", "ends", "has_ended", "started", "status", "wait_for"]


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
    """Whether a process ends within seconds."""
    wait_for(lambda: has_ended(pid))
    return has_ended(pid)


def wait_for(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Until it holds, or this time is over."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)

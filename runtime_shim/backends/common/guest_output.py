"""The standard output of guests, for backends that print what a model says on behalf of one."""

from __future__ import annotations

import contextlib
import os
import select
import threading
from collections.abc import Callable, Iterator

__all__ = ["goes_to", "write", "write_to"]


class _Of(threading.local):
    """The guest that this thread runs, or answers."""

    write: Callable[[bytes], None] | None = None


_of = _Of()


@contextlib.contextmanager
def goes_to(write: Callable[[bytes], None]) -> Iterator[None]:
    """Meanwhile, what models print for the guest of this thread is written so, and not to the
    standard output of this process."""
    before, _of.write = _of.write, write
    try:
        yield
    finally:
        _of.write = before


def write(data: bytes) -> None:
    """Write all of it before returning. What a closed or full output does not take is lost."""
    if _of.write is None:
        write_to(1, data)
    else:
        _of.write(data)


def write_to(fd: int, data: bytes) -> None:
    """The same to a descriptor."""
    left = memoryview(data)
    with contextlib.suppress(OSError):
        while left:
            try:
                left = left[os.write(fd, left) :]
            except BlockingIOError:  # a reader that is slow, where the host's output may not wait
                _wait_until_writable(fd)


def _wait_until_writable(fd: int) -> None:
    ready = select.poll()
    ready.register(fd, select.POLLOUT)
    ready.poll()

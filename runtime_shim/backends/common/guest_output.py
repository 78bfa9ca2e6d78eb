"""The standard output of guests, for backends that print what a model says on behalf of one."""

from __future__ import annotations

import contextlib
import os
import select

__all__ = ["use", "write"]

_fd = 1


def use(fd: int) -> None:
    """Write to this descriptor from now on, and not to 1."""
    global _fd
    _fd = fd


def write(data: bytes) -> None:
    """Write all of it before returning. What a closed or full output does not take is lost."""
    left = memoryview(data)
    with contextlib.suppress(OSError):
        while left:
            try:
                left = left[os.write(_fd, left) :]
            except BlockingIOError:  # a reader that is slow, where the host's output may not wait
                _wait_until_writable()


def _wait_until_writable() -> None:
    ready = select.poll()
    ready.register(_fd, select.POLLOUT)
    ready.poll()

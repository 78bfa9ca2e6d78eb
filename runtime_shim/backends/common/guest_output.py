"""The standard output of guests, for backends that print what a model says on behalf of one."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import threading
from collections.abc import Iterator

__all__ = ["left_alone", "use", "write"]

_fd = 1

_aside = threading.Lock()


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


@contextlib.contextmanager
def left_alone() -> Iterator[None]:
    """Have what a C library prints on standard output go to standard error: a guest's output may be
    read by another program. What other threads print meanwhile goes there too, so this is for what
    is short and done once."""
    flush = ctypes.CDLL(None).fflush
    with _aside, contextlib.ExitStack() as done:
        with contextlib.suppress(OSError):  # one of them is closed
            kept = os.dup(1)
            done.callback(os.close, kept)
            flush(None)
            os.dup2(2, 1)
            done.callback(os.dup2, kept, 1)
            done.callback(flush, None)
        yield


def _wait_until_writable() -> None:
    ready = select.poll()
    ready.register(_fd, select.POLLOUT)
    ready.poll()

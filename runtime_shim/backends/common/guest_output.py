"""The standard output of guests, for backends that print what a model says on behalf of one."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import threading
from collections.abc import Callable, Iterator

__all__ = ["goes_to", "left_alone", "write", "write_to"]

_aside = threading.Lock()


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


def _wait_until_writable(fd: int) -> None:
    ready = select.poll()
    ready.register(fd, select.POLLOUT)
    ready.poll()

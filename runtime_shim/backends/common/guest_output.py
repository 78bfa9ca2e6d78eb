"""The standard output of guests, for backends that print on behalf of a guest's model."""

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
    """The guest that this thread runs."""

    write: Callable[[bytes], None] | None = None


_of = _Of()


@contextlib.contextmanager
def goes_to(write: Callable[[bytes], None]) -> Iterator[None]:
    """While this is active, `write` gets what models print for the guest of this thread, instead of
    this process's standard output."""
    before, _of.write = _of.write, write
    try:
        yield
    finally:
        _of.write = before


def write(data: bytes) -> None:
    """Write all of the data before returning. Data that a closed or full output does not accept is
    lost."""
    if _of.write is None:
        write_to(1, data)
    else:
        _of.write(data)


def write_to(fd: int, data: bytes) -> None:
    """Like `write`, to a descriptor."""
    left = memoryview(data)
    with contextlib.suppress(OSError):
        while left:
            try:
                left = left[os.write(fd, left) :]
            except BlockingIOError:  # the reader is slow, and the host's output is non-blocking
                _wait_until_writable(fd)


@contextlib.contextmanager
def left_alone() -> Iterator[None]:
    """Redirect what a C library prints on standard output to standard error, because another
    program may read a guest's output. What other threads print at the same time goes there too, so
    use this only for short operations that happen once."""
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

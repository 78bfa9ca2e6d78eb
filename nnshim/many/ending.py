"""How work on many files is ended from outside."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ended_by_signals", "not_lost"]

_SOON = 0.001
"""Seconds, in which a callback is over."""


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """SIGTERM ends what is done meanwhile as Ctrl-C does: by KeyboardInterrupt, so that what is
    being written is removed, and processes are ended. SIGHUP, which says that the terminal was
    closed, does so by SystemExit, unless it is ignored, as after `nohup`."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    old = signal.signal(signal.SIGTERM, _interrupt)
    try:
        with not_lost(KeyboardInterrupt, _interrupt), _ended_by_hangup():
            yield
    finally:
        signal.signal(signal.SIGTERM, old)


@contextmanager
def _ended_by_hangup() -> Iterator[None]:
    number = getattr(signal, "SIGHUP", None)  # not on Windows
    if number is None or signal.getsignal(number) is not signal.SIG_DFL:
        yield
        return

    def hang_up(*_: object) -> NoReturn:
        signal.signal(number, signal.SIG_IGN)  # the kernel and the shell both send it
        sys.exit(128 + number)

    signal.signal(number, hang_up)
    try:
        with not_lost(SystemExit, hang_up):
            yield
    finally:
        signal.signal(number, signal.SIG_DFL)


@contextmanager
def not_lost(
    kind: type[BaseException], again: Callable[[int, FrameType | None], object]
) -> Iterator[None]:
    """Raise what a signal's handler raises, `kind`, a second time by `again` if it is lost: Python
    prints and drops an exception that comes while it calls back for a weak reference or __del__.
    """

    def seen(lost: sys.UnraisableHookArgs) -> None:
        if not issubclass(lost.exc_type, kind):
            hook(lost)
            return
        signal.signal(signal.SIGALRM, again)
        signal.setitimer(signal.ITIMER_REAL, _SOON)

    hook, sys.unraisablehook = sys.unraisablehook, seen
    try:
        yield
    finally:
        sys.unraisablehook = hook


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt

"""How work on many files is ended from outside."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

__all__ = ["ended_by_signals"]


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """SIGTERM ends what is done meanwhile as Ctrl-C does: by KeyboardInterrupt, so that what is
    being written is removed, and processes are ended."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    old = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, old)


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt

"""The standard descriptors of this process."""

from __future__ import annotations

import os

__all__ = ["open_standard"]


def open_standard() -> None:
    """Put /dev/null where standard input, output or error is closed: the next file or socket to be
    opened would get the number, and whoever inherits or uses the stream would use that file.

    It is open for reading only: what is written to an output that was closed must not pass for
    written. Raises OSError where /dev/null cannot be opened.
    """
    for fd in (0, 1, 2):
        if not _is_open(fd):
            opened = os.open(os.devnull, os.O_RDONLY)
            if opened == fd:
                os.set_inheritable(fd, True)
            else:  # another thread has opened something meanwhile, which has the number
                os.close(opened)


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True

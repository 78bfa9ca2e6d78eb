"""Locks and leases: how a process tells others that it uses a file.

Windows has no `fcntl`, and only Linux has leases, so their names are imported where they are used.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

__all__ = ["HAS_LOCKS", "is_for_reading", "lease", "lock", "locked"]

try:
    import fcntl
except ImportError:  # on Windows
    HAS_LOCKS = False
else:
    HAS_LOCKS = True


def lock(fd: int, unknown: bool = True) -> bool:
    """Lock a file. False if another process has locked it; `unknown` if the file system or the
    operating system has no locks."""
    if not HAS_LOCKS:
        return unknown
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # the file system has no locks
        return unknown
    return True


@contextmanager
def locked(folder: str) -> Iterator[None]:
    """Hold the lock of a folder, after those who hold it. There is none if the folder cannot be
    opened, and if the file system or the operating system has no locks."""
    with ExitStack() as stack:
        with suppress(OSError):
            if HAS_LOCKS:
                fd = os.open(folder, os.O_RDONLY)
                stack.callback(os.close, fd)
                fcntl.flock(fd, fcntl.LOCK_EX)
        yield


def lease(fd: int) -> bool:
    """Make processes that want to change a file wait until it is closed here, or as long as the
    system allows (45 seconds). False if the system grants no lease: for a file that someone is
    writing to, for another user's file, and on every system except Linux.

    https://man7.org/linux/man-pages/man2/F_SETLEASE.2const.html
    """
    try:
        from fcntl import F_RDLCK, F_SETLEASE, F_SETSIG
    except ImportError:
        return False
    try:
        fcntl.fcntl(fd, F_SETSIG, signal.SIGURG)  # which does nothing; SIGIO ends a process
        fcntl.fcntl(fd, F_SETLEASE, F_RDLCK)
    except OSError:
        return False
    return True


def is_for_reading(fd: int) -> bool:
    """Whether a descriptor is open for reading only. False if the system cannot tell. Raises
    OSError for a descriptor that is not open."""
    if not HAS_LOCKS:
        return False
    return fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY

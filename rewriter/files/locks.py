"""What one process tells others about a file that it has open: a lock, a lease.

Windows has no `fcntl`, and no system but Linux has leases: their names are looked for where they
are used.
"""

from __future__ import annotations

import signal

__all__ = ["HAS_LOCKS", "is_for_reading", "lease", "lock"]

try:
    import fcntl
except ImportError:  # on Windows
    HAS_LOCKS = False
else:
    HAS_LOCKS = True


def lock(fd: int, unknown: bool = True) -> bool:
    """False where another process has locked it; `unknown` where the file system, or the whole
    system, has no locks."""
    if not HAS_LOCKS:
        return unknown
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # the file system has no locks
        return unknown
    return True


def lease(fd: int) -> bool:
    """Have those wait who want to change a file, until it is closed here, or for as long as the
    system allows (45 seconds). False where that cannot be had, as with a file that someone is
    writing to, or of another user, and on every system but Linux.

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
    """Whether a descriptor is open for reading only. False where that cannot be asked for. Raises
    OSError for one that is not open."""
    if not HAS_LOCKS:
        return False
    from os import O_ACCMODE, O_RDONLY

    return fcntl.fcntl(fd, fcntl.F_GETFL) & O_ACCMODE == O_RDONLY

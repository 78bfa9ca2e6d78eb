"""Locks on files and folders, as a sign that they are in use."""

from __future__ import annotations

import fcntl

__all__ = ["lock"]


def lock(fd: int) -> bool:
    """False where another process has locked it."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # the file system has no locks
        return True
    return True

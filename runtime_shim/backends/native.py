"""Objects of C libraries that belong to Python objects."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

__all__ = ["free_with"]


def free_with(
    owner: object, free: Callable[[int], object], pointer: int
) -> weakref.finalize[[int], Any]:
    """Free what a pointer points to when its owner goes, or when the result is called.

    Not at the interpreter's exit: another thread may be in the middle of using it, and the process
    gives everything back anyway.
    """
    finalizer = weakref.finalize(owner, free, pointer)
    finalizer.atexit = False
    return finalizer

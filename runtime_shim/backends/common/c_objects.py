"""C libraries: memory, objects owned by Python objects, and calls at process exit."""

from __future__ import annotations

import atexit
import ctypes
import functools
import threading
import weakref
from collections.abc import Callable
from typing import Any

__all__ = ["address_of", "finished_before_exit", "free_with", "new_buffer"]

_ALIGNMENT = 64
"""In bytes: the same as NN runtimes' own tensors."""

_NOWHERE = ctypes.c_char()
"""The address for tensors without elements, because some libraries refuse a null pointer."""


def new_buffer(size: int) -> memoryview:
    """Zeroed memory for a tensor of `size` bytes, aligned as NN runtimes want it. It lives as long
    as a view of it."""
    whole = bytearray(size + _ALIGNMENT)
    start = -ctypes.addressof(ctypes.c_char.from_buffer(whole)) % _ALIGNMENT
    return memoryview(whole)[start : start + size]


def address_of(view: memoryview) -> int:
    """The address of a writable view's bytes. An empty view gets an address that can be passed
    on."""
    return ctypes.addressof(ctypes.c_char.from_buffer(view) if len(view) else _NOWHERE)


_calls = threading.Condition()
_under_way = 0
_ending = False


def free_with(
    owner: object, free: Callable[[int], object], pointer: int
) -> weakref.finalize[[int], Any]:
    """Free what a pointer points to when its owner is collected, or when the result is called.

    Not at the interpreter's exit: another thread may still be using it, and the process frees
    everything anyway.
    """
    finalizer = weakref.finalize(owner, free, pointer)
    finalizer.atexit = False
    return finalizer


def finished_before_exit(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that never runs while the library's global objects are destroyed. The
    interpreter's exit waits for calls in other threads; later calls never return."""

    @functools.wraps(function)
    def call(*arguments: object) -> Any:
        global _under_way
        with _calls:
            _calls.wait_for(lambda: not _ending)
            _under_way += 1
        try:
            return function(*arguments)
        finally:
            with _calls:
                _under_way -= 1
                _calls.notify_all()

    return call


@atexit.register
def _wait_for_calls() -> None:
    global _ending
    with _calls:
        _ending = True
        _calls.wait_for(lambda: not _under_way)

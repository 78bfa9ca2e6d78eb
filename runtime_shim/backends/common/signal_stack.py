"""The stack on which the kernel runs signal handlers, and libraries that replace it.

https://man7.org/linux/man-pages/man2/sigaltstack.2.html
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
from collections.abc import Iterator
from typing import Any

__all__ = ["kept_signal_stack"]


class _Stack(ctypes.Structure):
    """stack_t on Linux."""

    _fields_ = (
        ("ss_sp", ctypes.c_void_p),
        ("ss_flags", ctypes.c_int),
        ("ss_size", ctypes.c_size_t),
    )


@functools.cache
def _sigaltstack() -> Any:
    """The C function. Looking it up can wait for another thread that opens a library."""
    return ctypes.CDLL(None).sigaltstack


@contextlib.contextmanager
def kept_signal_stack() -> Iterator[None]:
    """Restore this thread's signal stack at the end, whatever happens inside.

    A guest's trap is a signal, which wasmtime handles on its own stack. If a thread's signal stack
    is too small or gone, the signal kills the process.
    """
    before, sigaltstack = _Stack(), _sigaltstack()
    sigaltstack(None, ctypes.byref(before))
    try:
        yield
    finally:
        sigaltstack(ctypes.byref(before), None)

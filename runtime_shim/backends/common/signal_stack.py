"""The stack that the kernel gives to signal handlers, for libraries that replace it.

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
    """stack_t, as Linux has it."""

    _fields_ = (
        ("ss_sp", ctypes.c_void_p),
        ("ss_flags", ctypes.c_int),
        ("ss_size", ctypes.c_size_t),
    )


@functools.cache
def _sigaltstack() -> Any:
    """The function. To look it up takes as long as another thread opens a library."""
    return ctypes.CDLL(None).sigaltstack


@contextlib.contextmanager
def kept_signal_stack() -> Iterator[None]:
    """Whatever happens inside, this thread has the signal stack afterwards that it had before.

    A guest's trap is a signal, which wasmtime handles on a stack of its own. A thread whose signal
    stack is too small, or gone, is killed by it, and the process with it.
    """
    before, sigaltstack = _Stack(), _sigaltstack()
    sigaltstack(None, ctypes.byref(before))
    try:
        yield
    finally:
        sigaltstack(ctypes.byref(before), None)

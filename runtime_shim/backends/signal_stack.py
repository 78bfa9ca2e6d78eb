"""The stack that the kernel gives to signal handlers, for libraries that replace it.

https://man7.org/linux/man-pages/man2/sigaltstack.2.html
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator

__all__ = ["kept_signal_stack"]


class _Stack(ctypes.Structure):
    """stack_t, as Linux has it."""

    _fields_ = (
        ("ss_sp", ctypes.c_void_p),
        ("ss_flags", ctypes.c_int),
        ("ss_size", ctypes.c_size_t),
    )


_sigaltstack = ctypes.CDLL(None).sigaltstack
"""Looked up once, as that waits while another thread opens a library."""


@contextlib.contextmanager
def kept_signal_stack() -> Iterator[None]:
    """Whatever happens inside, this thread has the signal stack afterwards that it had before.

    A guest's trap is a signal, which wasmtime handles on a stack of its own. A thread whose signal
    stack is too small, or gone, is killed by it, and the process with it.
    """
    before = _Stack()
    _sigaltstack(None, ctypes.byref(before))
    try:
        yield
    finally:
        _sigaltstack(ctypes.byref(before), None)

"""Views of memory at a raw address."""

from __future__ import annotations

import ctypes

__all__ = ["view_of"]

_from_memory = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_int)(
    ("PyMemoryView_FromMemory", ctypes.pythonapi)
)
"""https://docs.python.org/3/c-api/memoryview.html"""

_PYBUF_WRITE = 0x200


def view_of(address: int, size: int) -> memoryview:
    """A writable view of `size` bytes at an address, without a copy."""
    view: memoryview = _from_memory(address, size, _PYBUF_WRITE)
    return view

"""Chooses how OpenVINO is called.

Its C library takes less than half the time of its Python package in each inference, and saves an
import of 150 ms. The package is used for releases whose C headers were not checked.
"""

from __future__ import annotations

import functools
import logging

from runtime_shim.backends.common.signal_stack import kept_signal_stack
from runtime_shim.backends.openvino.c_library import CLibrary
from runtime_shim.backends.openvino.interface import Library

__all__ = ["library"]


@functools.cache
def library() -> Library:
    """The library to use. Raises ImportError if OpenVINO is not installed."""
    with kept_signal_stack():
        try:
            return CLibrary()
        except OSError as error:
            logging.getLogger("runtime_shim").info(
                "using OpenVINO's Python package, which is slower: %s", error
            )
            from runtime_shim.backends.openvino.python_library import PythonLibrary

            return PythonLibrary()

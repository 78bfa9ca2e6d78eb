"""Which way OpenVINO is called.

Its C library costs less than half of its Python package in each inference, and need not be imported
for 150 ms. The package is there for releases whose C headers were not read.
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
    """Raises ImportError where OpenVINO is not installed."""
    with kept_signal_stack():
        try:
            return CLibrary()
        except OSError as error:
            logging.getLogger("runtime_shim").info(
                "OpenVINO's Python package is used, which is slower: %s", error
            )
            from runtime_shim.backends.openvino.python_library import PythonLibrary

            return PythonLibrary()

"""Makes the OpenVINO backend, for IR in two parts (XML and weights) and ONNX models in one."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from runtime_shim.backends.openvino.start import start

if TYPE_CHECKING:
    from runtime_shim.backends.interface import Settings
    from runtime_shim.backends.openvino.backend import OpenVinoBackend

__all__ = ["create"]


def create(settings: Settings) -> OpenVinoBackend:
    """Raises ImportError if OpenVINO is not installed."""
    with contextlib.suppress(OSError):  # without its C library, the Python package is used
        start()
    from runtime_shim.backends.openvino.backend import OpenVinoBackend

    return OpenVinoBackend(settings)

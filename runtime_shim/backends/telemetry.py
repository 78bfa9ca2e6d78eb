"""Turns off the telemetry of NN runtimes, unless the operator has turned it on.

Since release 1.29, ONNX Runtime's packages send names and hashes of models and graphs, and keep an
identifier of the machine. OpenVINO's Python package reports that it was imported.

https://github.com/microsoft/onnxruntime/blob/main/docs/Privacy.md
https://github.com/openvinotoolkit/telemetry
"""

from __future__ import annotations

import os
import sys

__all__ = ["turn_off"]


def turn_off() -> None:
    """Call this before they are imported. ORT_DISABLE_TELEMETRY=0 in the environment is
    respected."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    # None makes the import fail, and then OpenVINO uses a stand-in that does nothing.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

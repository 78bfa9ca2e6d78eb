"""What NN runtimes tell their makers: nothing, unless who runs the host has asked for that.

From release 1.29 on ONNX Runtime's packages send names and hashes of models and graphs, and keep an
identifier of the machine; OpenVINO's Python package says that it was imported.

https://github.com/microsoft/onnxruntime/blob/main/docs/Privacy.md
https://github.com/openvinotoolkit/telemetry
"""

from __future__ import annotations

import os
import sys

__all__ = ["turn_off"]


def turn_off() -> None:
    """To be called before they are imported. ORT_DISABLE_TELEMETRY=0 in the environment stays."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    # None is for what cannot be imported, for which OpenVINO has a stand-in that does nothing.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

"""Models that give back the one 32-bit float that they take, to try NN runtimes with."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from types import MappingProxyType

from rewriter.dialects import Encoding

__all__ = ["TRIALS"]

_ONNX = (
    b'\x08\x08::\n\x10\n\x01x\x12\x01y"\x08Identity\x12\x04testZ\x0f\n\x01x\x12\n\n\x08\x08\x01\x12\x04'
    b"\n\x02\x08\x01b\x0f\n\x01y\x12\n\n\x08\x08\x01\x12\x04\n\x02\x08\x01B\x04\n\x00\x10\x11"
)
_TFLITE = b64decode(
    "GAAAAFRGTDMAAA4AFAAQAAwACAAAAAQADgAAABAAAAA4AAAAJAEAAAMAAAACAAAAJAAAAAwAAAAAAAYACAAEAAYAAAAE"
    "AAAABAAAAAEAAAAEAAQABAAAAAEAAAAQAAAADAAUABAADAAIAAQADAAAABAAAABAAAAARAAAAEgAAAABAAAAEAAAAAAA"
    "CgAMAAAACAAEAAoAAAAIAAAADAAAAAEAAAACAAAAAgAAAAAAAAABAAAAAQAAAAIAAAABAAAAAAAAAAMAAABkAAAAMAAA"
    "AAQAAAC0////CAAAAAwAAAACAAAAdDIAAAEAAAABAAAADAAUABAADwAIAAQADAAAABAAAAABAAAAAAAAAgwAAAACAAAA"
    "dDEAAAEAAAABAAAADAAMAAgAAAAAAAQADAAAAAgAAAAMAAAAAgAAAHQwAAABAAAAAQAAAAEAAAAQAAAADAAMAAsAAAAA"
    "AAQADAAAABYAAAAAAAAW"
)
TRIALS: Mapping[Encoding, bytes] = MappingProxyType(
    {
        Encoding.ONNX: _ONNX,
        Encoding.OPENVINO: _ONNX,
        Encoding.TENSORFLOWLITE: _TFLITE,
    }
)
"""Made by tests/models.py and tests/tflite_models.py."""

"""What is installed, and whether it works: a model is run on every device of every backend."""

from __future__ import annotations

import struct
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass

from rewriter.dialects import Encoding, Target, TensorType
from runtime_shim.backends import backend_names, import_backend
from runtime_shim.backends.base import NO_OPTIONS, Backend
from runtime_shim.errors import HostError

__all__ = ["BackendReport", "DeviceReport", "examine"]

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
_MODELS: Mapping[Encoding, bytes] = {
    Encoding.ONNX: _ONNX,
    Encoding.OPENVINO: _ONNX,
    Encoding.TENSORFLOWLITE: _TFLITE,
}
"""Models that give back the one float that they take (tests/models.py, tests/tflite_models.py)."""


@dataclass(frozen=True)
class DeviceReport:
    """`problem` is None where the device has computed what it should, or there is no model to try
    it with (`tried` is false)."""

    target: str
    device: str
    tried: bool
    problem: str | None


@dataclass(frozen=True)
class BackendReport:
    """`version` is None where the backend cannot be imported; `problem` then says why, and what
    installs it."""

    encoding: str
    version: str | None
    problem: str | None
    devices: tuple[DeviceReport, ...]

    @property
    def works(self) -> bool:
        """Whether what is installed does what it should; what is not there cannot fail."""
        return all(device.problem is None for device in self.devices)


def examine() -> list[BackendReport]:
    """Import every backend, and try it."""
    return [_examine(Encoding[name.upper()]) for name in backend_names()]


def _examine(encoding: Encoding) -> BackendReport:
    name = encoding.name.lower()
    try:
        backend = import_backend(encoding)
    except HostError as error:
        return BackendReport(name, None, error.reason, ())
    runtime = backend.describe()
    devices = (_try(backend, encoding, *item) for item in runtime.devices.items())
    return BackendReport(name, runtime.version, None, tuple(devices))


def _try(backend: Backend, encoding: Encoding, target: Target, device: str) -> DeviceReport:
    model = _MODELS.get(encoding)
    problem = None
    if model is not None:
        try:
            problem = _infer(backend, model, target)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what is wrong
            problem = f"{type(error).__name__}: {error}"
    return DeviceReport(target.name.lower(), device, model is not None, problem)


def _infer(backend: Backend, model: bytes, target: Target) -> str | None:
    """What is wrong with one inference."""
    context = backend.load([model], target, NO_OPTIONS).init_execution_context()
    data = struct.pack("<f", 2.5)
    context.set_input(0, TensorType.F32, (1,), memoryview(data))
    context.compute()
    output = bytes(context.get_output(0))
    return None if output == data else f"it gave {output.hex()} for {data.hex()}"

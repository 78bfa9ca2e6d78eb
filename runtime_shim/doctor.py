"""What is installed, and whether it works: a model is run on every device of every backend."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from rewriter.dialects import Encoding, TensorType
from runtime_shim.backends import backend_names, import_backend
from runtime_shim.backends.base import NO_OPTIONS, Backend
from runtime_shim.backends.trials import TRIALS
from runtime_shim.errors import HostError

__all__ = ["BackendReport", "DeviceReport", "examine"]


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
    devices = []
    for device, target in runtime.devices.items():
        model = TRIALS.get(encoding)
        problem = None if model is None else _try(backend, model, device)
        devices.append(DeviceReport(target.name.lower(), device, model is not None, problem))
    return BackendReport(name, runtime.version, None, tuple(devices))


def _try(backend: Backend, model: bytes, device: str) -> str | None:
    """What is wrong with a device."""
    try:
        return _infer(backend, model, device)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what is wrong
        return f"{type(error).__name__}: {error}"


def _infer(backend: Backend, model: bytes, device: str) -> str | None:
    """What is wrong with one inference."""
    context = backend.load([model], device, NO_OPTIONS).init_execution_context()
    data = struct.pack("<f", 2.5)
    context.set_input(0, TensorType.F32, (1,), memoryview(data))
    context.compute()
    output = bytes(context.get_output(0))
    return None if output == data else f"it gave {output.hex()} for {data.hex()}"

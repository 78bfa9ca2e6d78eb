"""Checks which backends are installed and whether they work, by running a model on every device."""

from __future__ import annotations

import contextlib
import importlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version

from rewriter.abi.dialects import ELEMENT_SIZE, Encoding
from rewriter.diagnostics import Diagnostic
from runtime_shim.backends import encodings, import_backend
from runtime_shim.backends.common.smoke_models import Trial
from runtime_shim.backends.formats import FORMATS
from runtime_shim.backends.interface import NO_OPTIONS, Backend
from runtime_shim.backends.remote.installed import cannot_import
from runtime_shim.errors import HostError
from runtime_shim.host.graph_specs import REMOTE

__all__ = ["BackendReport", "DeviceReport", "examine"]

_NOT_TRIED = Diagnostic("NN504", "not tried")


@dataclass(frozen=True)
class DeviceReport:
    """The result for one device. `problem` is None if it computed the right output. If there is no
    model to try, `tried` is false, and `problem` is a note that says so."""

    target: str
    device: str
    tried: bool
    problem: Diagnostic | None


@dataclass(frozen=True)
class BackendReport:
    """The result for one backend, or for the models on inference servers (`encoding` is `remote`),
    whose devices are not here. `version` is None if it cannot be imported; `problem` then says why,
    and how to install it."""

    encoding: str
    version: str | None
    problem: Diagnostic | None
    devices: tuple[DeviceReport, ...]

    @property
    def works(self) -> bool:
        """Whether everything installed works; a missing backend does not count as a failure."""
        return all(device.problem is None or not device.tried for device in self.devices)


def examine() -> list[BackendReport]:
    """Import every backend, and try it, and import what connects to inference servers. What NN
    runtimes print for information is left out."""
    with _without_information():
        return [*map(_examine, encodings()), _examine_remote()]


@contextlib.contextmanager
def _without_information() -> Iterator[None]:
    """Hold back what is written to standard error, and write it at the end, without the lines that
    start with "INFO:", as LiteRT's do."""
    with tempfile.TemporaryFile() as held:
        kept = os.dup(2)
        try:
            os.dup2(held.fileno(), 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            held.seek(0)
            for line in held:
                if not line.startswith(b"INFO:"):
                    os.write(2, line)


def _examine(encoding: Encoding) -> BackendReport:
    name = encoding.name.lower()
    try:
        backend = import_backend(encoding, warns=False)
    except HostError as error:
        return BackendReport(name, None, Diagnostic("NN501", error.reason), ())
    runtime = backend.describe()
    trial = FORMATS[encoding].trial if encoding in FORMATS else None
    devices = []
    for device, target in runtime.devices.items():
        problem = _NOT_TRIED if trial is None else _try(backend, trial, device)
        devices.append(DeviceReport(target.name.lower(), device, trial is not None, problem))
    return BackendReport(name, runtime.version, None, tuple(devices))


def _examine_remote() -> BackendReport:
    """gRPC, which connects to inference servers. HTTP takes only Python."""
    try:
        importlib.import_module("runtime_shim.backends.remote.over_grpc.server")
    except ImportError as error:
        return BackendReport(REMOTE, None, Diagnostic("NN501", cannot_import(error)), ())
    return BackendReport(REMOTE, f"grpcio {version('grpcio')}", None, ())


def _try(backend: Backend, trial: Trial, device: str) -> Diagnostic | None:
    """What is wrong with a device, or None."""
    try:
        context = backend.load([trial.model()], device, NO_OPTIONS).init_execution_context()
        for given, expected in trial.answers:
            shape = (len(given) // ELEMENT_SIZE[trial.type],)
            context.set_input(0, trial.type, shape, memoryview(given))
            context.compute()
            output = bytes(context.get_output(0))
            if output != expected:
                return Diagnostic("NN502", f"it gave {output!r} instead of {expected!r}")
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what is wrong
        return Diagnostic("NN503", f"{type(error).__name__}: {error}")
    return None

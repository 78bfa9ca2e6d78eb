"""ONNX models on ONNX Runtime.

https://onnxruntime.ai/docs/api/python/api_summary.html#iobinding
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Sequence
from pathlib import Path

import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as pybind_state

from rewriter.abi.dialects import Encoding, Errno, Target
from runtime_shim.backends.checks.onnx import check_lengths
from runtime_shim.backends.checks.onnx_calls import check_functions, operators_of
from runtime_shim.backends.common.devices import choose_device, not_there
from runtime_shim.backends.common.tensor_info import (
    check_parts,
    settings_for,
)
from runtime_shim.backends.formats import FORMATS
from runtime_shim.backends.interface import (
    DEFAULTS,
    NO_OPTIONS,
    Options,
    Part,
    Place,
    Runtime,
    Settings,
)
from runtime_shim.backends.onnx.cache import open_kept
from runtime_shim.backends.onnx.devices import (
    BUILT_IN,
    CPU,
    Device,
    find_devices,
    open_session,
    placement,
    turn_of,
)
from runtime_shim.backends.onnx.files import check_files, may_name_files
from runtime_shim.backends.onnx.graph import OnnxGraph
from runtime_shim.backends.parsing.model_parts import mapped
from runtime_shim.errors import HostError

__all__ = ["OnnxBackend", "create"]

log = logging.getLogger("runtime_shim")

_BROKEN = (
    pybind_state.Fail,
    pybind_state.InvalidArgument,
    pybind_state.InvalidGraph,
    pybind_state.InvalidProtobuf,
    UnicodeDecodeError,  # if ONNX Runtime quotes bytes that are not text
)
"""What ONNX Runtime raises while loading an invalid model."""

_FATAL = 4
"""ONNX Runtime's log level. What it would print becomes the guest's errno, and goes to the log in
full."""

_EXTERNAL_DATA_FOLDER = "session.model_external_initializers_file_folder_path"
"""The folder for a model's external data. If it were not set, a model from a guest could name files
in the folder that the host happens to run in, and compute with their contents.

https://github.com/microsoft/onnxruntime/blob/main/include/onnxruntime/core/session/onnxruntime_session_options_config_keys.h
"""

_OPENS_FILES = tuple(map(int, ort.__version__.split(".")[:2])) < (1, 32)
"""Whether an absolute path is opened whatever the folder is: 1.23.2 does that, 1.32.0 does not."""

_NOWHERE = "/dev/null/no-external-data"
"""There is nothing below a device file, and nothing can be put there."""


class OnnxBackend:
    """Implements backends.interface.Backend. `fast_math` has an effect on CUDA only."""

    def __init__(self, settings: Settings = DEFAULTS) -> None:
        self._settings = settings

    @functools.cached_property
    def _devices(self) -> dict[str, Device]:
        """The devices for models. They are looked for once a model asks for anything but the
        CPU."""
        return find_devices()

    def describe(self) -> Runtime:
        there = {
            name: device.target
            for name, device in self._devices.items()
            if device is CPU or self._works(device)
        }
        return Runtime(f"onnxruntime {ort.__version__}", there)

    def _works(self, device: Device, index: int = 0) -> bool:
        model = FORMATS[Encoding.ONNX].trial.model()
        try:
            return self._open(model, device, index, self._settings) is not None
        except Exception as error:  # noqa: BLE001 - whatever a provider raises without its hardware
            log.info("onnxruntime's %s: %s", device.provider, error)
            return False

    def load(self, parts: Sequence[Part], place: Place, options: Options = NO_OPTIONS) -> OnnxGraph:
        settings = settings_for("onnx", self._settings, options)
        check_parts("an ONNX model", parts, 1)
        if isinstance(parts[0], Path):
            check_files(parts[0])
        elif _OPENS_FILES and may_name_files(parts[0]):
            raise HostError(
                Errno.INVALID_ARGUMENT,
                "the model may refer to data in other files, which onnxruntime "
                f"{ort.__version__} would open; newer releases do not open them, and "
                "run the model if it does not refer to any",
            )
        else:
            check_lengths(parts[0])
            check_functions(parts[0])
        try:
            return self._load(parts[0], place, settings)
        except _BROKEN as error:
            raise HostError(Errno.INVALID_ARGUMENT, f"ONNX Runtime: {error}") from error

    def _load(self, model: Part, place: Place, settings: Settings) -> OnnxGraph:
        if place is Target.CPU:
            return self._load_on_cpu(model, settings)
        looked_for = (CPU, *BUILT_IN, *self._devices.values())
        known = {device.name: device.target for device in looked_for}
        present = list(self._devices)
        while True:
            name, colon, index = choose_device("onnx", place, known, present).partition(":")
            if colon and not index.isdecimal():
                raise not_there("onnx", place, known, present)
            graph = self._load_on(self._devices[name], index, model, settings)
            if graph is not None:
                return graph
            present.remove(name)

    def _load_on_cpu(self, model: Part, settings: Settings) -> OnnxGraph:
        if settings.model_cache is None:
            session = open_session(model, _options(model, settings), CPU, 0)
        else:
            make_options = functools.partial(_options, model, settings)
            session = open_kept(
                settings.model_cache, settings.model_cache_size, model, make_options
            )
        return OnnxGraph(session, CPU.name, model)

    def _load_on(
        self, device: Device, index: str, model: Part, settings: Settings
    ) -> OnnxGraph | None:
        """Load a model on a device. None if the device turns out to be missing."""
        number = int(index or 0)
        try:
            graph = self._open(model, device, number, settings)
        except Exception:
            if device is CPU or self._works(device, number):
                raise
            return None
        if graph is not None and "," in graph.device:
            log.warning("a model runs on %s", graph.device)
        return graph

    def _open(
        self, model: Part, device: Device, index: int, settings: Settings
    ) -> OnnxGraph | None:
        """Load a model. None if ONNX Runtime silently put the model elsewhere."""
        if device is CPU:
            return self._load_on_cpu(model, settings)
        options = _options(model, settings)
        if device.unchecked:
            _check_operators(model, device)
        with turn_of(device):
            session = open_session(model, options, device, index, settings.fast_math)
            where = placement(session, device, index)
            return None if where is None else OnnxGraph(session, where, model, turn_of(device))


def _check_operators(model: Part, device: Device) -> None:
    """Raise HostError with `unsupported_operation` for a model with operators that are unsafe on
    the device. ONNX Runtime itself refuses an invalid model."""
    with mapped(model) as data:
        try:
            found = operators_of(data) & device.unchecked
        except ValueError:
            return
    if found:
        raise HostError(
            Errno.UNSUPPORTED_OPERATION,
            f"the model calls {', '.join(sorted(found))}, which on {device.name} can read "
            "or write any memory if an index is out of range",
            "device",
        )


def _options(model: Part, settings: Settings) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = settings.threads or 0  # 0: one per core
    options.log_severity_level = _FATAL
    if isinstance(model, bytes):
        options.add_session_config_entry(_EXTERNAL_DATA_FOLDER, _NOWHERE)
    return options


def create(settings: Settings) -> OnnxBackend:
    return OnnxBackend(settings)

"""ONNX models on ONNX Runtime, inputs and outputs bound once.

https://onnxruntime.ai/docs/api/python/api_summary.html#iobinding
"""

from __future__ import annotations

import atexit
import functools
import logging
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from rewriter.dialects import Encoding, Errno, Target, TensorType
from runtime_shim.backends.arrays import DTYPES, bytes_of
from runtime_shim.backends.base import (
    DEFAULTS,
    NO_OPTIONS,
    Options,
    Part,
    Place,
    Runtime,
    Settings,
)
from runtime_shim.backends.checks.onnx import check_lengths
from runtime_shim.backends.devices import choose_device
from runtime_shim.backends.onnx_cache import open_kept
from runtime_shim.backends.onnx_devices import (
    BUILT_IN,
    CPU,
    Device,
    find_devices,
    open_session,
    placement,
)
from runtime_shim.backends.onnx_files import check_files, may_name_files
from runtime_shim.backends.ports import (
    Fed,
    Port,
    check_input,
    check_output,
    check_parts,
    not_set,
    settings_for,
)
from runtime_shim.backends.trials import TRIALS
from runtime_shim.errors import HostError

__all__ = ["OnnxBackend", "create"]

log = logging.getLogger("runtime_shim")

_TENSOR_TYPES = {
    "tensor(float16)": TensorType.F16,
    "tensor(float)": TensorType.F32,
    "tensor(double)": TensorType.F64,
    "tensor(uint8)": TensorType.U8,
    "tensor(int32)": TensorType.I32,
    "tensor(int64)": TensorType.I64,
}

_FATAL = 4
"""ONNX Runtime's log level: what it would print, the guest gets as an errno and the log in full."""

_EXTERNAL_DATA_FOLDER = "session.model_external_initializers_file_folder_path"
"""Where a model's external data are looked up. Unless it is set, a model from a guest can name
files in the folder that the host happens to run in, and compute with what they hold.

https://github.com/microsoft/onnxruntime/blob/main/include/onnxruntime/core/session/onnxruntime_session_options_config_keys.h
"""

_OPENS_FILES = tuple(map(int, ort.__version__.split(".")[:2])) < (1, 32)
"""Whether an absolute path is opened whatever the folder is: 1.23.2 does it, 1.32.0 does not."""

_NOWHERE = "/dev/null/no-external-data"
"""There is nothing below a device, and nothing can be put there."""


class OnnxBackend:
    """Implements backends.base.Backend. On the CPU there is no faster math to be had."""

    def __init__(self, settings: Settings = DEFAULTS) -> None:
        self._settings = settings

    @functools.cached_property
    def _devices(self) -> dict[str, Device]:
        """What a model can be put on: looked for where it is not meant for the CPU."""
        return find_devices()

    def describe(self) -> Runtime:
        there = {
            name: device.target
            for name, device in self._devices.items()
            if device is CPU or self._works(device)
        }
        return Runtime(f"onnxruntime {ort.__version__}", there)

    def _works(self, device: Device) -> bool:
        try:
            return self._open(TRIALS[Encoding.ONNX].model(), device, 0, self._settings) is not None
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
                f"the model may name other files as its data, which onnxruntime {ort.__version__}"
                " would open; a newer one does not, and runs such a model if it names none",
            )
        else:
            check_lengths(parts[0])
        if place is Target.CPU:
            return self._load_on_cpu(parts[0], settings)
        looked_for = (CPU, *BUILT_IN, *self._devices.values())
        known = {device.name: device.target for device in looked_for}
        present = list(self._devices)
        while True:
            name, _, index = choose_device("onnx", place, known, present).partition(":")
            graph = self._load_on(self._devices[name], index, parts[0], settings)
            if graph is not None:
                return graph
            present.remove(name)

    def _load_on_cpu(self, model: Part, settings: Settings) -> OnnxGraph:
        if settings.model_cache is None:
            session = open_session(model, _options(model, settings), CPU, 0)
        else:
            make_options = functools.partial(_options, model, settings)
            session = open_kept(settings.model_cache, model, make_options)
        return OnnxGraph(session, CPU.name)

    def _load_on(
        self, device: Device, index: str, model: Part, settings: Settings
    ) -> OnnxGraph | None:
        """None where the device turns out not to be there."""
        try:
            graph = self._open(model, device, int(index or 0), settings)
        except Exception:
            if device is CPU or self._works(device):
                raise
            return None
        if graph is not None and "," in graph.device:
            log.warning("a model is on %s", graph.device)
        return graph

    def _open(
        self, model: Part, device: Device, index: int, settings: Settings
    ) -> OnnxGraph | None:
        """None where ONNX Runtime says nothing, and has put the model elsewhere."""
        if device is CPU:
            return self._load_on_cpu(model, settings)
        session = open_session(model, _options(model, settings), device, index)
        where = placement(session, device, index)
        return None if where is None else OnnxGraph(session, where)


def _options(model: Part, settings: Settings) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = settings.threads or 0  # as many as there are cores
    options.log_severity_level = _FATAL
    if isinstance(model, bytes):
        options.add_session_config_entry(_EXTERNAL_DATA_FOLDER, _NOWHERE)
    return options


class OnnxGraph:
    """Implements backends.base.Graph."""

    def __init__(self, session: ort.InferenceSession, device: str) -> None:
        self.session = session
        self.device = device
        self.inputs = tuple(_port(node) for node in session.get_inputs())
        self.outputs = tuple(_port(node) for node in session.get_outputs())

    def init_execution_context(self) -> OnnxContext:
        return OnnxContext(self)


class OnnxContext:
    """Implements backends.base.ExecutionContext.

    An input's array is made for its first shape and kept while the shape stays. An output whose
    shape the model fixes has an array of its own; the others are ONNX Runtime's, anew at each run.
    """

    def __init__(self, graph: OnnxGraph) -> None:
        self._graph = graph
        self._binding = graph.session.io_binding()
        # What it is bound to has to outlive it: providers other than the CPU's crash otherwise.
        self._binding.session = graph.session
        self._on_cpu = graph.device == CPU.name
        self._fed: dict[int, Fed] = {}
        self._bound: dict[int, tuple[Any, ...]] = {}
        self._fixed: dict[int, memoryview] = {}
        for index, port in enumerate(graph.outputs):
            fixed_shape = tuple(dim for dim in port.dims if dim is not None)
            if port.type is not None and len(fixed_shape) == len(port.dims):
                self._bind_output(index, np.empty(fixed_shape, DTYPES[port.type]))
        self._free = [
            port.name for index, port in enumerate(graph.outputs) if index not in self._fixed
        ]
        self._computed = False
        if not self._on_cpu:
            _BEFORE_EXIT.add(self)

    def close(self) -> None:
        """Give up what is bound; the context cannot be used any more."""
        del self._binding

    def set_input(
        self, index: int, tensor_type: TensorType, shape: tuple[int, ...], data: memoryview
    ) -> None:
        fed = self._fed.get(index)
        if fed is None or fed.type is not tensor_type or fed.shape != shape:
            check_input(self._graph.inputs, index, tensor_type, shape)
            fed = self._bind_input(index, tensor_type, np.empty(shape, DTYPES[tensor_type]))
        fed.data[:] = data

    def move_input(self, index: int, buffer: memoryview) -> bool:
        fed = self._fed[index]
        buffer[:] = fed.data
        array = np.frombuffer(buffer, DTYPES[fed.type]).reshape(fed.shape)
        self._bind_input(index, fed.type, array)
        return True

    def move_output(self, index: int, buffer: memoryview) -> bool:
        fixed = self._fixed.get(index)
        port = self._graph.outputs[index]
        if fixed is None or port.type is None:
            return False
        buffer[:] = fixed
        self._bind_output(index, np.frombuffer(buffer, DTYPES[port.type]).reshape(port.dims))
        return True

    def _bind_input(self, index: int, tensor_type: TensorType, array: npt.NDArray[Any]) -> Fed:
        name = self._graph.inputs[index].name
        bound = (name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)
        self._binding.bind_input(*bound)
        self._bound[index] = bound
        fed = self._fed[index] = Fed(tensor_type, array.shape, bytes_of(array))
        return fed

    def _bind_output(self, index: int, array: npt.NDArray[Any]) -> None:
        name = self._graph.outputs[index].name
        self._binding.bind_output(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)
        self._fixed[index] = bytes_of(array)

    def compute(self) -> None:
        self._computed = False
        if len(self._fed) < len(self._graph.inputs):
            raise not_set(self._graph.inputs, self._fed)
        for name in self._free:
            self._binding.bind_output(name, "cpu")
        if self._on_cpu:
            self._graph.session.run_with_iobinding(self._binding)
        else:
            for bound in self._bound.values():  # which is when it is copied to the device
                self._binding.bind_input(*bound)
            self._binding.synchronize_inputs()
            self._graph.session.run_with_iobinding(self._binding)
            self._binding.synchronize_outputs()
        self._computed = True

    def get_output(self, index: int) -> memoryview:
        if self._computed and index in self._fixed:
            return self._fixed[index]
        port = check_output(self._graph.outputs, index, self._computed)
        value = self._binding.get_outputs()[index]
        if not value.is_tensor() or value.data_type() == "tensor(string)":
            raise HostError(
                Errno.UNSUPPORTED_OPERATION,
                f"output {index} ({port}) is no tensor of numbers",
            )
        return bytes_of(value.numpy())


_BEFORE_EXIT: weakref.WeakSet[OnnxContext] = weakref.WeakSet()
"""Contexts on other devices than the CPU. ONNX Runtime 1.27 crashes at the interpreter's exit where
one of WebGPU's is still bound."""


@atexit.register
def _close_contexts() -> None:
    for context in _BEFORE_EXIT:
        context.close()


def _port(node: ort.NodeArg) -> Port:
    dims = tuple(dim if isinstance(dim, int) and dim >= 0 else None for dim in node.shape or ())
    return Port(node.name, node.type, _TENSOR_TYPES.get(node.type), dims)


def create(settings: Settings) -> OnnxBackend:
    return OnnxBackend(settings)

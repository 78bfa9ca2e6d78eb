"""ONNX models on ONNX Runtime's CPU provider, inputs and outputs bound once.

https://onnxruntime.ai/docs/api/python/api_summary.html#iobinding
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnxruntime as ort

from rewriter.dialects import Errno, Target, TensorType
from runtime_shim.backends.arrays import DTYPES, bytes_of
from runtime_shim.backends.base import DEFAULTS, NO_OPTIONS, Options, Runtime, Settings
from runtime_shim.backends.detect import may_name_files
from runtime_shim.backends.ports import (
    Port,
    check_builders,
    check_input,
    check_output,
    check_target,
    ignore_options,
    not_set,
)
from runtime_shim.errors import HostError

__all__ = ["OnnxBackend", "create"]

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
        self._threads = settings.threads or 0  # which means as many as there are cores

    def describe(self) -> Runtime:
        return Runtime(f"onnxruntime {ort.__version__}", {Target.CPU: "CPUExecutionProvider"})

    def load(
        self, builders: Sequence[bytes], target: Target, options: Options = NO_OPTIONS
    ) -> OnnxGraph:
        ignore_options("onnx", options)
        check_builders("an ONNX model", builders, 1)
        check_target("onnx", target, (Target.CPU,))
        if _OPENS_FILES and may_name_files(builders[0]):
            raise HostError(
                Errno.INVALID_ARGUMENT,
                f"the model may name other files as its data, which onnxruntime {ort.__version__}"
                " would open; a newer one does not, and runs such a model if it names none",
            )
        settings = ort.SessionOptions()
        settings.intra_op_num_threads = self._threads
        settings.log_severity_level = _FATAL
        settings.add_session_config_entry(_EXTERNAL_DATA_FOLDER, _NOWHERE)
        return OnnxGraph(
            ort.InferenceSession(builders[0], settings, providers=["CPUExecutionProvider"])
        )


class OnnxGraph:
    """Implements backends.base.Graph."""

    def __init__(self, session: ort.InferenceSession) -> None:
        self.session = session
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
        self._shapes: list[tuple[int, ...] | None] = [None] * len(graph.inputs)
        self._input_bytes = [memoryview(b"")] * len(graph.inputs)
        self._fixed: dict[int, memoryview] = {}
        for index, port in enumerate(graph.outputs):
            fixed_shape = tuple(dim for dim in port.dims if dim is not None)
            if port.type is not None and len(fixed_shape) == len(port.dims):
                array = np.empty(fixed_shape, DTYPES[port.type])
                self._fixed[index] = bytes_of(array)
                self._binding.bind_output(
                    port.name, "cpu", 0, array.dtype, array.shape, array.ctypes.data
                )
        self._free = [
            port.name for index, port in enumerate(graph.outputs) if index not in self._fixed
        ]
        self._computed = False

    def set_input(
        self, index: int, tensor_type: TensorType, shape: tuple[int, ...], data: memoryview
    ) -> None:
        port = check_input(self._graph.inputs, index, tensor_type, shape)
        if self._shapes[index] != shape:
            self._bind_input(index, port, tensor_type, shape)
        self._input_bytes[index][:] = data

    def _bind_input(
        self, index: int, port: Port, tensor_type: TensorType, shape: tuple[int, ...]
    ) -> None:
        array = np.empty(shape, DTYPES[tensor_type])
        self._binding.bind_input(port.name, "cpu", 0, array.dtype, shape, array.ctypes.data)
        self._input_bytes[index] = bytes_of(array)
        self._shapes[index] = shape

    def compute(self) -> None:
        self._computed = False
        for index, shape in enumerate(self._shapes):
            if shape is None:
                raise not_set(self._graph.inputs, index)
        for name in self._free:
            self._binding.bind_output(name, "cpu")
        self._graph.session.run_with_iobinding(self._binding)
        self._computed = True

    def get_output(self, index: int) -> memoryview:
        port = check_output(self._graph.outputs, index, self._computed)
        if index in self._fixed:
            return self._fixed[index]
        value = self._binding.get_outputs()[index]
        if not value.is_tensor() or value.data_type() == "tensor(string)":
            raise HostError(
                Errno.UNSUPPORTED_OPERATION,
                f"output {index} ({port}) is no tensor of numbers",
            )
        return bytes_of(value.numpy())


def _port(node: ort.NodeArg) -> Port:
    dims = tuple(dim if isinstance(dim, int) and dim >= 0 else None for dim in node.shape or ())
    return Port(node.name, node.type, _TENSOR_TYPES.get(node.type), dims)


def create(settings: Settings) -> OnnxBackend:
    return OnnxBackend(settings)

"""ONNX models on ONNX Runtime's CPU provider, inputs and outputs bound once.

https://onnxruntime.ai/docs/api/python/api_summary.html#iobinding
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from rewriter.dialects import Errno, Target, TensorType
from runtime_shim.backends.base import NO_OPTIONS, Options
from runtime_shim.errors import HostError

__all__ = ["OnnxBackend", "create"]

log = logging.getLogger("runtime_shim")

_IR_VERSION_TAG = 0x08
"""The first byte of an ONNX file: protobuf field 1, a varint, the IR version.

https://github.com/onnx/onnx/blob/main/onnx/onnx.proto (ModelProto)
"""

_TENSOR_TYPES = {
    "tensor(float16)": TensorType.F16,
    "tensor(float)": TensorType.F32,
    "tensor(double)": TensorType.F64,
    "tensor(uint8)": TensorType.U8,
    "tensor(int32)": TensorType.I32,
    "tensor(int64)": TensorType.I64,
}

_DTYPES: dict[TensorType, npt.DTypeLike] = {
    TensorType.F16: np.float16,
    TensorType.F32: np.float32,
    TensorType.F64: np.float64,
    TensorType.U8: np.uint8,
    TensorType.I32: np.int32,
    TensorType.I64: np.int64,
}

_FATAL = 4
"""ONNX Runtime's log level: what it would print, the guest gets as an errno and the log in full."""

_EXTERNAL_DATA_FOLDER = "session.model_external_initializers_file_folder_path"
"""Where a model's external data are looked up. Unless it is set, a model from a guest can name
files in the folder that the host happens to run in, and compute with what they hold.

https://github.com/microsoft/onnxruntime/blob/main/include/onnxruntime/core/session/onnxruntime_session_options_config_keys.h
"""

_NOWHERE = "/dev/null/no-external-data"
"""There is nothing below a device, and nothing can be put there."""


@dataclass(frozen=True)
class _Port:
    """An input or output of the model. `type` is None where wasi-nn has no such tensor; the
    dimensions are None where they are free."""

    name: str
    described_type: str
    type: TensorType | None
    dims: tuple[int | None, ...]

    def accepts(self, shape: tuple[int, ...]) -> bool:
        return len(shape) == len(self.dims) and all(
            mine is None or mine == given for mine, given in zip(self.dims, shape, strict=True)
        )

    def __str__(self) -> str:
        dims = ", ".join("?" if dim is None else str(dim) for dim in self.dims)
        return f"{self.name!r}, {self.described_type} [{dims}]"


class OnnxBackend:
    """Implements backends.base.Backend."""

    def recognizes(self, builders: Sequence[bytes]) -> bool:
        return len(builders) == 1 and builders[0][:1] == bytes([_IR_VERSION_TAG])

    def load(
        self, builders: Sequence[bytes], target: Target, options: Options = NO_OPTIONS
    ) -> OnnxGraph:
        if options:
            log.warning("the onnx backend has no options, and ignores %s", ", ".join(options))
        if len(builders) != 1:
            raise HostError(
                Errno.INVALID_ARGUMENT, f"an ONNX model is one builder, not {len(builders)}"
            )
        if target is not Target.CPU:
            raise HostError(
                Errno.UNSUPPORTED_OPERATION,
                f"the onnx backend runs on the cpu, and the guest asks for {target.name.lower()}",
            )
        settings = ort.SessionOptions()
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
                array = np.empty(fixed_shape, _DTYPES[port.type])
                self._fixed[index] = _bytes_of(array)
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
        inputs = self._graph.inputs
        if index >= len(inputs):
            raise HostError(
                Errno.INVALID_ARGUMENT, f"input {index} of a model that has {len(inputs)}"
            )
        port = inputs[index]
        if port.type is None:
            raise HostError(
                Errno.UNSUPPORTED_OPERATION,
                f"input {index} ({port}) is of a type that no wasi-nn tensor has",
            )
        if tensor_type is not port.type or not port.accepts(shape):
            raise HostError(
                Errno.INVALID_ARGUMENT,
                f"input {index} ({port}) was given {tensor_type.name.lower()} {list(shape)}",
            )
        if self._shapes[index] != shape:
            self._bind_input(index, port, tensor_type, shape)
        self._input_bytes[index][:] = data

    def _bind_input(
        self, index: int, port: _Port, tensor_type: TensorType, shape: tuple[int, ...]
    ) -> None:
        array = np.empty(shape, _DTYPES[tensor_type])
        self._binding.bind_input(port.name, "cpu", 0, array.dtype, shape, array.ctypes.data)
        self._input_bytes[index] = _bytes_of(array)
        self._shapes[index] = shape

    def compute(self) -> None:
        self._computed = False
        for index, shape in enumerate(self._shapes):
            if shape is None:
                raise HostError(
                    Errno.RUNTIME_ERROR, f"input {index} ({self._graph.inputs[index]}) is not set"
                )
        for name in self._free:
            self._binding.bind_output(name, "cpu")
        self._graph.session.run_with_iobinding(self._binding)
        self._computed = True

    def get_output(self, index: int) -> memoryview:
        outputs = self._graph.outputs
        if index >= len(outputs):
            raise HostError(
                Errno.INVALID_ARGUMENT, f"output {index} of a model that has {len(outputs)}"
            )
        if not self._computed:
            raise HostError(Errno.RUNTIME_ERROR, "there is no output before compute has succeeded")
        if index in self._fixed:
            return self._fixed[index]
        value = self._binding.get_outputs()[index]
        if not value.is_tensor() or value.data_type() == "tensor(string)":
            raise HostError(
                Errno.UNSUPPORTED_OPERATION,
                f"output {index} ({outputs[index]}) is no tensor of numbers",
            )
        return _bytes_of(value.numpy())


def _port(node: ort.NodeArg) -> _Port:
    dims = tuple(dim if isinstance(dim, int) and dim >= 0 else None for dim in node.shape or ())
    return _Port(node.name, node.type, _TENSOR_TYPES.get(node.type), dims)


def _bytes_of(array: npt.NDArray[np.generic]) -> memoryview:
    flat = np.ascontiguousarray(array).reshape(prod(array.shape))
    return flat.view(np.uint8).data


def create() -> OnnxBackend:
    return OnnxBackend()

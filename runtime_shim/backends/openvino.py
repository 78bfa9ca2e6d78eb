"""OpenVINO: its IR in two parts, XML and weights, and ONNX models in one.

https://docs.openvino.ai/2026/api/ie_python_api/api.html
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Sequence

import openvino as ov

from rewriter.dialects import Errno, Target, TensorType
from runtime_shim.backends.arrays import bytes_of
from runtime_shim.backends.base import DEFAULTS, NO_OPTIONS, Options, Runtime, Settings
from runtime_shim.backends.detect import is_xml, may_name_files
from runtime_shim.backends.ports import (
    Port,
    check_builders,
    check_input,
    check_output,
    ignore_options,
    not_set,
)
from runtime_shim.backends.signal_stack import kept_signal_stack
from runtime_shim.errors import HostError

__all__ = ["OpenVinoBackend", "create"]

_DEVICES = {Target.CPU: "CPU", Target.GPU: "GPU", Target.TPU: "NPU"}

_TENSOR_TYPES = {
    "f16": TensorType.F16,
    "f32": TensorType.F32,
    "f64": TensorType.F64,
    "u8": TensorType.U8,
    "i32": TensorType.I32,
    "i64": TensorType.I64,
}

_FULL_PRECISION = {"INFERENCE_PRECISION_HINT": "f32"}
"""On CPUs with AMX or AVX512-BF16 OpenVINO would compute in bf16, which is off by 1e-3."""


@functools.cache
def _core() -> ov.Core:
    """The only one in the process, which lives as long as it.

    OpenVINO's CPU plugin gives the thread that creates it another signal stack, of about 10 KB, and
    the one that destroys it whichever was there before: with a second core, that may be gone.

    https://github.com/openvinotoolkit/openvino/tree/master/src/plugins/intel_cpu (SigAltStackSetup)
    """
    with kept_signal_stack():
        return ov.Core()


class OpenVinoBackend:
    """Implements backends.base.Backend."""

    def __init__(self, settings: Settings = DEFAULTS) -> None:
        self._core = _core()
        self._config: dict[str, str | int] = {} if settings.fast_math else {**_FULL_PRECISION}
        if settings.threads is not None:
            self._config["INFERENCE_NUM_THREADS"] = settings.threads

    def describe(self) -> Runtime:
        with kept_signal_stack():
            found = self._core.available_devices
        devices = {
            target: ", ".join(name for name in found if name.startswith(device))
            for target, device in _DEVICES.items()
            if any(name.startswith(device) for name in found)
        }
        return Runtime(f"openvino {ov.get_version()}", devices)

    def load(
        self, builders: Sequence[bytes], target: Target, options: Options = NO_OPTIONS
    ) -> OpenVinoGraph:
        ignore_options("openvino", options)
        check_builders("an OpenVINO model", builders, 1, 2)
        with kept_signal_stack():
            return OpenVinoGraph(self._compile(builders, target))

    def _compile(self, builders: Sequence[bytes], target: Target) -> ov.CompiledModel:
        model = self._read_ir(*builders) if len(builders) == 2 else self._read_onnx(builders[0])
        device = _DEVICES[target]
        if not any(found.startswith(device) for found in self._core.available_devices):
            found = ", ".join(self._core.available_devices)
            raise HostError(
                Errno.UNSUPPORTED_OPERATION,
                f"the guest asks for {target.name.lower()}, which is OpenVINO's {device}, and there"
                f" is only {found}",
            )
        compiled = self._core.compile_model(model, device, self._config)
        used = compiled.get_property("EXECUTION_DEVICES")
        if not all(name.startswith(device) for name in used):
            raise HostError(
                Errno.UNSUPPORTED_OPERATION, f"the model was to run on {device}, and is on {used}"
            )
        return compiled

    def _read_ir(self, xml: bytes, weights: bytes) -> ov.Model:
        if not is_xml(xml):  # anything else would be offered to frontends for other formats
            raise HostError(Errno.INVALID_ARGUMENT, "the first part of an OpenVINO model is no XML")
        return self._core.read_model(model=xml, weights=weights)

    def _read_onnx(self, model: bytes) -> ov.Model:
        if model[:1] != b"\x08":
            raise HostError(
                Errno.INVALID_ARGUMENT, "an OpenVINO model in one part is ONNX, which this is not"
            )
        if may_name_files(model):
            raise HostError(
                Errno.INVALID_ARGUMENT,
                "the model may name other files as its data, which OpenVINO would open; the onnx"
                " backend runs such a model if it does not",
            )
        return self._core.read_model(model=model)


class OpenVinoGraph:
    """Implements backends.base.Graph."""

    def __init__(self, compiled: ov.CompiledModel) -> None:
        self.compiled = compiled
        self.inputs = tuple(map(_port, compiled.inputs))
        self.outputs = tuple(map(_port, compiled.outputs))
        self._lock = threading.Lock()

    def init_execution_context(self) -> OpenVinoContext:
        with self._lock:
            return OpenVinoContext(self, self.compiled.create_infer_request())


class OpenVinoContext:
    """Implements backends.base.ExecutionContext. Inputs are copied into OpenVINO's own tensors."""

    def __init__(self, graph: OpenVinoGraph, request: ov.InferRequest) -> None:
        self._graph = graph
        self._request = request
        self._shapes: list[tuple[int, ...] | None] = [None] * len(graph.inputs)
        self._input_bytes = [memoryview(b"")] * len(graph.inputs)
        self._computed = False

    def set_input(
        self, index: int, tensor_type: TensorType, shape: tuple[int, ...], data: memoryview
    ) -> None:
        check_input(self._graph.inputs, index, tensor_type, shape)
        if self._shapes[index] != shape:
            tensor = self._request.get_input_tensor(index)
            tensor.shape = shape
            self._input_bytes[index] = bytes_of(tensor.data)
            self._shapes[index] = shape
        self._input_bytes[index][:] = data

    def compute(self) -> None:
        self._computed = False
        for index, shape in enumerate(self._shapes):
            if shape is None:
                raise not_set(self._graph.inputs, index)
        self._request.infer(share_inputs=True, share_outputs=True)
        self._computed = True

    def get_output(self, index: int) -> memoryview:
        port = check_output(self._graph.outputs, index, self._computed)
        if port.described_type == "string":
            raise HostError(
                Errno.UNSUPPORTED_OPERATION, f"output {index} ({port}) is no tensor of numbers"
            )
        return bytes_of(self._request.get_output_tensor(index).data)


def _port(node: ov.ConstOutput) -> Port:
    described = node.element_type.get_type_name()
    shape = node.partial_shape
    dims = tuple(dim.get_length() if dim.is_static else None for dim in shape)
    return Port(node.any_name if node.names else "", described, _TENSOR_TYPES.get(described), dims)


def create(settings: Settings) -> OpenVinoBackend:
    return OpenVinoBackend(settings)

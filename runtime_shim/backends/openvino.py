"""OpenVINO: its IR in two parts, XML and weights, and ONNX models in one.

https://docs.openvino.ai/2026/api/ie_python_api/api.html
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Sequence

import openvino as ov

from rewriter.dialects import Errno, Target, TensorType
from runtime_shim.backends.arrays import bytes_of
from runtime_shim.backends.base import (
    DEFAULTS,
    NO_OPTIONS,
    Options,
    Part,
    Place,
    Runtime,
    Settings,
)
from runtime_shim.backends.detect import is_xml, may_name_files
from runtime_shim.backends.devices import AUTO, choose_device, not_there
from runtime_shim.backends.parts import head
from runtime_shim.backends.ports import (
    Port,
    check_input,
    check_output,
    check_parts,
    not_set,
    settings_for,
)
from runtime_shim.backends.signal_stack import kept_signal_stack
from runtime_shim.errors import HostError

__all__ = ["OpenVinoBackend", "create"]

_DEVICES = {"CPU": Target.CPU, "GPU": Target.GPU, "NPU": Target.TPU}

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

    name = "openvino"

    def __init__(self, settings: Settings = DEFAULTS) -> None:
        self._core = _core()
        self._settings = settings

    def describe(self) -> Runtime:
        with kept_signal_stack():
            found = self._found()
        return Runtime(f"openvino {ov.get_version()}", found)

    def load(
        self, parts: Sequence[Part], place: Place, options: Options = NO_OPTIONS
    ) -> OpenVinoGraph:
        settings = settings_for(self.name, self._settings, options)
        with kept_signal_stack():
            return OpenVinoGraph(self._compile(self._read(self._core, parts), place, settings))

    def _read(self, core: ov.Core, parts: Sequence[Part]) -> ov.Model:
        check_parts("an OpenVINO model", parts, 1, 2)
        return _read_ir(core, *parts) if len(parts) == 2 else _read_onnx(core, parts[0])

    def _found(self) -> dict[str, Target]:
        """The devices that are there: of several GPUs, each."""
        found = self._core.available_devices
        return {
            name: target
            for device, target in _DEVICES.items()
            for name in found
            if name.partition(".")[0] == device
        }

    def _compile(self, model: ov.Model, place: Place, settings: Settings) -> ov.CompiledModel:
        config: dict[str, str | int | bool] = {} if settings.fast_math else {**_FULL_PRECISION}
        if settings.threads is not None:
            # As many inferences at once as the cores allow; the threads are those of all of them.
            streams = max(1, len(os.sched_getaffinity(0)) // settings.threads)
            config["NUM_STREAMS"] = streams
            config["INFERENCE_NUM_THREADS"] = streams * settings.threads
        if place == AUTO:
            device = "AUTO"
            config["ENABLE_STARTUP_FALLBACK"] = False  # or the CPU helps out, and it moves later
        elif isinstance(place, Target):
            found = self._found()
            device = choose_device(self.name, place, {**found, **_DEVICES}, found)
        else:
            device = place.upper()
        try:
            compiled = self._core.compile_model(model, device, config)
        except RuntimeError as error:
            if device.partition(".")[0] in self._core.available_devices:
                raise
            raise not_there(self.name, place, _DEVICES, self._found()) from error
        used = _execution_devices(compiled)
        if isinstance(place, Target) and not all(name.startswith(device) for name in used):
            raise HostError(
                Errno.UNSUPPORTED_OPERATION, f"the model was to run on {device}, and is on {used}"
            )
        return compiled


class OpenVinoGraph:
    """Implements backends.base.Graph."""

    def __init__(self, compiled: ov.CompiledModel) -> None:
        self.compiled = compiled
        self.device = ", ".join(_execution_devices(compiled))
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


def _read_ir(core: ov.Core, xml: Part, weights: Part) -> ov.Model:
    if not is_xml(xml):  # anything else would be offered to frontends for other formats
        raise HostError(Errno.INVALID_ARGUMENT, "the first part of an OpenVINO model is no XML")
    return core.read_model(model=xml, weights=weights)


def _read_onnx(core: ov.Core, model: Part) -> ov.Model:
    if head(model, 1) != b"\x08":
        raise HostError(
            Errno.INVALID_ARGUMENT, "an OpenVINO model in one part is ONNX, which this is not"
        )
    if isinstance(model, bytes) and may_name_files(model):
        raise HostError(
            Errno.INVALID_ARGUMENT,
            "the model may name other files as its data, which OpenVINO would open; the onnx"
            " backend runs such a model if it does not",
        )
    return core.read_model(model=model)


def _execution_devices(compiled: ov.CompiledModel) -> list[str]:
    used = compiled.get_property("EXECUTION_DEVICES")
    return [used] if isinstance(used, str) else list(used)


def _port(node: ov.ConstOutput) -> Port:
    described = node.element_type.get_type_name()
    shape = node.partial_shape
    dims = tuple(dim.get_length() if dim.is_static else None for dim in shape)
    return Port(node.any_name if node.names else "", described, _TENSOR_TYPES.get(described), dims)


def create(settings: Settings) -> OpenVinoBackend:
    return OpenVinoBackend(settings)

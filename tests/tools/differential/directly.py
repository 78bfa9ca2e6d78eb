"""The runtimes, called without anything in between: what a guest has to get."""

from __future__ import annotations

import ctypes
import io
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple, Protocol

import numpy as np

from rewriter.abi.dialects import Encoding
from runtime_shim.backends.parsing.model_parts import as_file
from tests.tools.differential.kinds import KINDS, Array
from tests.tools.differential.networks import Network

__all__ = ["BACKENDS", "Runtime", "Runtimes"]


class Runtime(Protocol):
    """A model that was loaded. `inputs` are the names in the model's order; `outputs` is how many
    it has, None where only a run shows it."""

    inputs: list[str]
    outputs: int | None

    def run(self, arrays: Sequence[Array]) -> list[bytes | None]:
        """The outputs, None for what is not a tensor. Raises whatever the runtime raises."""


class OnnxRuntime:
    def __init__(self, model: bytes) -> None:
        import onnxruntime as ort

        self._ort = ort
        options = ort.SessionOptions()
        options.log_severity_level = 4
        self._session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._types = [node.type for node in self._session.get_inputs()]
        self.inputs: list[str] = [node.name for node in self._session.get_inputs()]
        self._names = [node.name for node in self._session.get_outputs()]
        self.outputs: int | None = len(self._names)

    def run(self, arrays: Sequence[Array]) -> list[bytes | None]:
        fed = dict(zip(self.inputs, map(self._value, arrays), strict=True))
        return [_onnx_bytes(v) for v in self._session.run_with_ort_values(self._names, fed)]

    def _value(self, array: Array) -> Any:
        if array.dtype != KINDS["bf16"].dtype:
            return self._ort.OrtValue.ortvalue_from_numpy(array)
        make = self._ort.OrtValue.ortvalue_from_numpy_with_onnx_type
        return make(array.view(np.uint16), KINDS["bf16"].onnx)


def _onnx_bytes(value: Any) -> bytes | None:
    if not value.is_tensor():
        return None
    return ctypes.string_at(value.data_ptr(), value.tensor_size_in_bytes())


class OpenVino:
    """`from_file` is for formats that OpenVINO reads from files only."""

    def __init__(self, model: bytes, *, from_file: bool = False) -> None:
        import openvino as ov

        self._ov = ov
        self._model, self._from_file = model, from_file
        read, self._compiled = self._compile()
        self.inputs = [_parameter(port) for port in read.inputs]
        self.outputs: int | None = len(read.outputs)
        self._remembers = any(op.get_type_name() == "Loop" for op in read.get_ops())

    def _compile(self) -> tuple[Any, Any]:
        core = _core()
        with as_file(self._model) if self._from_file else nullcontext(self._model) as model:
            read = core.read_model(model)
            return read, core.compile_model(read, "CPU", _FULL_PRECISION)

    def run(self, arrays: Sequence[Array]) -> list[bytes | None]:
        if self._remembers:  # a loop of no rounds gives what it gave before, to any request
            self._compiled = self._compile()[1]
        request = self._compiled.create_infer_request()
        for index, array in enumerate(arrays):
            port = self._compiled.inputs[index]
            tensor = self._ov.Tensor(port.get_element_type(), self._ov.Shape(array.shape))
            if array.size:
                tensor.data[...] = array.view(tensor.data.dtype)
            request.set_input_tensor(index, tensor)
        request.infer()
        tensors = (request.get_output_tensor(i) for i in range(self.outputs or 0))
        return [np.ascontiguousarray(tensor.data).tobytes() for tensor in tensors]


_FULL_PRECISION = {"INFERENCE_PRECISION_HINT": "f32"}
_CORES: list[Any] = []


def _core() -> Any:
    if not _CORES:
        import openvino as ov

        _CORES.append(ov.Core())
    return _CORES[0]


def _parameter(port: Any) -> str:
    """The network's name of an input, of the several that a port has where it is an output too."""
    names: list[str] = [
        name.partition(":")[0] for name in (*port.get_names(), port.get_node().friendly_name)
    ]
    return next(name for name in names if name.startswith("v") and "_" not in name)


class LiteRt:
    def __init__(self, model: bytes) -> None:
        self._model = model
        interpreter = self._interpreter()
        names = [details["name"] for details in interpreter.get_input_details()]
        self.inputs = [f"v{name[1:]}" for name in names]
        self.outputs: int | None = len(interpreter.get_output_details())

    def _interpreter(self) -> Any:
        from ai_edge_litert.interpreter import Interpreter

        return Interpreter(model_content=self._model)

    def run(self, arrays: Sequence[Array]) -> list[bytes | None]:
        interpreter = self._interpreter()
        details = interpreter.get_input_details()
        for each, array in zip(details, arrays, strict=True):
            interpreter.resize_tensor_input(each["index"], array.shape, strict=True)
        interpreter.allocate_tensors()
        for each, array in zip(details, arrays, strict=True):
            interpreter.set_tensor(each["index"], array)
        interpreter.invoke()
        return [_lite_bytes(interpreter, each) for each in interpreter.get_output_details()]


def _lite_bytes(interpreter: Any, details: Mapping[str, Any]) -> bytes:
    """LiteRT cannot give a tensor of no elements to NumPy, and can say that it is one."""
    index = details["index"]
    if not interpreter._get_tensor_details(index, 0)["shape"].all():
        return b""
    return bytes(np.ascontiguousarray(interpreter.get_tensor(index)).tobytes())


class Torch:
    def __init__(self, model: bytes) -> None:
        import torch

        self._torch = torch
        load: Callable[..., Any] = torch.jit.load
        self._module = load(io.BytesIO(model)).eval()
        arguments = self._module.forward.schema.arguments[1:]
        self.inputs: list[str] = [argument.name for argument in arguments]
        self.outputs: int | None = None

    def run(self, arrays: Sequence[Array]) -> list[bytes | None]:
        with self._torch.inference_mode():
            tensors = [self._torch.from_numpy(array.copy()) for array in arrays]
            made = self._module(*tensors)
        results = made if isinstance(made, tuple) else (made,)
        return [_torch_bytes(each, self._torch.uint8) for each in results]


def _torch_bytes(tensor: Any, u8: Any) -> bytes:
    """As bytes, because NumPy has no bf16; none of those cannot be viewed as others."""
    if not tensor.numel():
        return b""
    data: bytes = tensor.contiguous().reshape(-1).view(u8).numpy().tobytes()
    return data


class Runtimes(NamedTuple):
    """A backend of the product, the format that it is given, and its runtime."""

    encoding: Encoding
    made: Callable[[Network], bytes]
    load: Callable[[bytes], Runtime]


def _onnx(network: Network) -> bytes:
    from tests.tools.differential.as_onnx import to_onnx

    return to_onnx(network)


def _tflite(network: Network) -> bytes:
    from tests.tools.differential.as_tflite import to_tflite

    return to_tflite(network)


def _tensorflow(network: Network) -> bytes:
    from tests.tools.differential.as_tensorflow import to_tensorflow

    return to_tensorflow(network)


def _torchscript(network: Network) -> bytes:
    from tests.tools.differential.as_torchscript import to_torchscript

    return to_torchscript(network)


def _graph(model: bytes) -> OpenVino:
    return OpenVino(model, from_file=True)


BACKENDS: Mapping[str, Runtimes] = {
    "onnx": Runtimes(Encoding.ONNX, _onnx, OnnxRuntime),
    "openvino": Runtimes(Encoding.OPENVINO, _onnx, OpenVino),
    "litert": Runtimes(Encoding.TENSORFLOWLITE, _tflite, LiteRt),
    "tensorflow": Runtimes(Encoding.TENSORFLOW, _tensorflow, _graph),
    "torch": Runtimes(Encoding.PYTORCH, _torchscript, Torch),
}

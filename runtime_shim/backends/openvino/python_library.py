"""OpenVINO through its Python package.

https://docs.openvino.ai/2026/api/ie_python_api/api.html
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import openvino as ov

from runtime_shim.backends.common.arrays import bytes_of
from runtime_shim.backends.common.tensor_info import Port
from runtime_shim.backends.interface import Part
from runtime_shim.backends.openvino.element_types import dim, port
from runtime_shim.backends.openvino.interface import UNKNOWN_OPERATOR, BadModel, Config, Kind

__all__ = ["PythonLibrary"]


class PythonLibrary:
    """Implements openvino_library.Library."""

    def __init__(self) -> None:
        self._core = ov.Core()
        self.version = ov.get_version()

    def devices(self) -> list[str]:
        return list(self._core.available_devices)

    def load(self, parts: Sequence[Part], device: str, config: Config) -> PythonModel:
        weights = {"weights": parts[1]} if len(parts) == 2 else {}
        try:
            model = self._core.read_model(model=parts[0], **weights)
        except RuntimeError as error:
            if UNKNOWN_OPERATOR in str(error):
                raise
            raise BadModel(str(error)) from error
        return PythonModel(self._core.compile_model(model, device, dict(config)))


class PythonModel:
    """Implements openvino_library.LoadedModel."""

    def __init__(self, compiled: ov.CompiledModel) -> None:
        self._compiled = compiled
        self.inputs = tuple(map(_port, compiled.inputs))
        self.outputs = tuple(map(_port, compiled.outputs))
        used = compiled.get_property("EXECUTION_DEVICES")
        self.execution_devices = [used] if isinstance(used, str) else list(used)

    def called(self, kind: Kind, name: str) -> str:
        ports = self._compiled.inputs if kind == "input" else self._compiled.outputs
        return next((port.any_name for port in ports if name in port.names), "")

    def create_request(self) -> PythonRequest:
        return PythonRequest(self._compiled)


class PythonRequest:
    """Implements openvino_library.Request."""

    def __init__(self, compiled: ov.CompiledModel) -> None:
        self._compiled = compiled
        self._request = compiled.create_infer_request()

    def infer(self) -> None:
        self._request.infer(share_inputs=True, share_outputs=True)

    def output(self, index: int) -> memoryview:
        return bytes_of(self._request.get_output_tensor(index).data)

    def output_shape(self, index: int) -> tuple[int, ...]:
        return tuple(self._request.get_output_tensor(index).shape)

    def place_input(self, index: int, shape: tuple[int, ...], buffer: memoryview) -> None:
        kind = self._compiled.inputs[index].element_type
        self._request.set_input_tensor(index, _tensor_at(buffer, kind, shape))

    def place_output(self, index: int, buffer: memoryview) -> None:
        own = self._request.get_output_tensor(index)
        self._request.set_output_tensor(index, _tensor_at(buffer, own.element_type, own.shape))


def _tensor_at(buffer: memoryview, kind: ov.Type, shape: Sequence[int]) -> ov.Tensor:
    return ov.Tensor(np.frombuffer(buffer, np.uint8), ov.Shape(list(shape)), kind)


def _port(node: ov.ConstOutput) -> Port:
    shape = node.partial_shape
    dims = None
    if shape.rank.is_static:
        dims = tuple(dim(each.get_min_length(), each.get_max_length()) for each in shape)
    return port(node.any_name if node.names else "", node.element_type.get_type_name(), dims)

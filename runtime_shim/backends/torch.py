"""TorchScript models on PyTorch.

https://docs.pytorch.org/docs/stable/generated/torch.jit.load.html
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from rewriter.dialects import Errno, Target, TensorType
from runtime_shim.backends.arrays import DTYPES
from runtime_shim.backends.base import (
    DEFAULTS,
    NO_OPTIONS,
    Options,
    Part,
    Place,
    Runtime,
    Settings,
)
from runtime_shim.backends.devices import choose_device
from runtime_shim.backends.parts import as_bytes
from runtime_shim.backends.ports import check_parts, not_computed, settings_for
from runtime_shim.backends.torchscript import repack
from runtime_shim.errors import HostError

__all__ = ["TorchBackend", "create"]

_KNOWN = {"cuda": Target.GPU, "cpu": Target.CPU}


class TorchBackend:
    """Implements backends.base.Backend."""

    def __init__(self, settings: Settings = DEFAULTS) -> None:
        self._settings = settings
        self._found = _KNOWN if torch.cuda.is_available() else {"cpu": Target.CPU}

    def describe(self) -> Runtime:
        return Runtime(f"torch {torch.__version__}", self._found)

    def load(
        self, parts: Sequence[Part], place: Place, options: Options = NO_OPTIONS
    ) -> TorchGraph:
        settings = settings_for("pytorch", self._settings, options)
        check_parts("a TorchScript model", parts, 1)
        device = choose_device("pytorch", place, _KNOWN, self._found)
        data = repack(as_bytes(parts[0]))
        module = torch.jit.load(io.BytesIO(data), map_location=device).eval()
        return TorchGraph(module, device, settings.threads)


class TorchGraph:
    """Implements backends.base.Graph. Inputs are the arguments of `forward`: tensors of any type
    and shape; outputs what it returns, with tuples, lists and dictionaries taken apart in order."""

    def __init__(self, module: Any, device: str, threads: int | None) -> None:
        self.module = module
        self.threads = threads
        held = {str(tensor.device) for tensor in (*module.parameters(), *module.buffers())}
        self.device = ", ".join(sorted(held)) or device
        self.target = torch.device(device)
        arguments = module.forward.schema.arguments[1:]
        self.inputs = tuple(argument.name for argument in arguments)
        self.required = sum(not argument.has_default_value() for argument in arguments)

    def init_execution_context(self) -> TorchContext:
        return TorchContext(self)


class TorchContext:
    """Implements backends.base.ExecutionContext."""

    def __init__(self, graph: TorchGraph) -> None:
        self._graph = graph
        self._inputs: list[torch.Tensor | None] = [None] * len(graph.inputs)
        self._outputs: list[object] | None = None

    def set_input(
        self, index: int, tensor_type: TensorType, shape: tuple[int, ...], data: memoryview
    ) -> None:
        if index >= len(self._inputs):
            raise HostError(
                Errno.INVALID_ARGUMENT, f"input {index} of a model that has {len(self._inputs)}"
            )
        array = np.frombuffer(data, DTYPES[tensor_type]).reshape(shape).copy()
        self._inputs[index] = torch.from_numpy(array).to(self._graph.target)

    def compute(self) -> None:
        self._outputs = None
        given = list(self._inputs)
        while len(given) > self._graph.required and given[-1] is None:
            given.pop()
        for index, tensor in enumerate(given):
            if tensor is None:
                raise HostError(
                    Errno.RUNTIME_ERROR, f"input {index} ({self._graph.inputs[index]!r}) is not set"
                )
        threads = self._graph.threads
        if threads is not None and torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        with torch.inference_mode():
            self._outputs = list(_flat(self._graph.module(*given)))

    def get_output(self, index: int) -> memoryview:
        if self._outputs is None:
            raise not_computed()
        if index >= len(self._outputs):
            raise HostError(
                Errno.INVALID_ARGUMENT, f"output {index} of a model that gave {len(self._outputs)}"
            )
        tensor = self._outputs[index]
        if not isinstance(tensor, torch.Tensor) or tensor.layout is not torch.strided:
            raise HostError(
                Errno.UNSUPPORTED_OPERATION, f"output {index} is no dense tensor: {type(tensor)}"
            )
        flat = tensor.cpu().contiguous().reshape(-1).view(torch.uint8)
        return memoryview(flat.numpy())


def _flat(value: object) -> list[object]:
    if isinstance(value, dict):
        return _flat(list(value.values()))
    if isinstance(value, (tuple, list)):
        return [item for part in value for item in _flat(part)]
    return [value]


def create(settings: Settings) -> TorchBackend:
    return TorchBackend(settings)

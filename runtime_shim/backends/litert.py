"""TensorFlow Lite models on LiteRT: its interpreter on the CPU, its accelerator on a GPU.

https://ai.google.dev/edge/api/tflite/python/tf/lite/Interpreter
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from rewriter.dialects import Encoding, Errno, Target, TensorType
from runtime_shim.backends.arrays import DTYPES, bytes_of
from runtime_shim.backends.base import (
    DEFAULTS,
    NO_OPTIONS,
    Options,
    Part,
    Place,
    Quantization,
    Runtime,
    Settings,
)
from runtime_shim.backends.checks.tflite import check_lengths
from runtime_shim.backends.devices import choose_device
from runtime_shim.backends.litert_gpu import DEVICE, GpuInterpreter, has_vulkan
from runtime_shim.backends.ports import (
    Port,
    check_input,
    check_output,
    check_parts,
    not_set,
    settings_for,
)
from runtime_shim.backends.trials import TRIALS
from runtime_shim.errors import HostError

__all__ = ["LiteRtBackend", "create"]

_TENSOR_TYPES = {dtype: kind for kind, dtype in DTYPES.items()}

_ON_CPU = {"cpu": Target.CPU}
_KNOWN = {**_ON_CPU, DEVICE: Target.GPU}

_Details = Mapping[str, Any]
"""What the interpreter says of one tensor."""


class LiteRtBackend:
    """Implements backends.base.Backend. On the CPU there is no faster math to be had."""

    def __init__(self, settings: Settings = DEFAULTS) -> None:
        self._settings = settings

    def describe(self) -> Runtime:
        return Runtime(f"ai-edge-litert {version('ai-edge-litert')}", self._found)

    def load(
        self, parts: Sequence[Part], place: Place, options: Options = NO_OPTIONS
    ) -> LiteRtGraph:
        settings = settings_for("tensorflowlite", self._settings, options)
        check_parts("a TensorFlow Lite model", parts, 1)
        if not isinstance(parts[0], Path):
            check_lengths(parts[0])
        present = _ON_CPU if place in (Target.CPU, "cpu") else self._found
        device = choose_device("tensorflowlite", place, _KNOWN, present)
        return LiteRtGraph(parts[0], device, settings)

    @functools.cached_property
    def _found(self) -> dict[str, Target]:
        """A GPU is there where a small model runs on it: LiteRT has no other way to ask."""
        if has_vulkan():
            with contextlib.suppress(RuntimeError):
                GpuInterpreter(TRIALS[Encoding.TENSORFLOWLITE].model(), fast_math=False)
                return _KNOWN
        return _ON_CPU


class LiteRtGraph:
    """Implements backends.base.QuantizedGraph. Each context has an interpreter of its own."""

    def __init__(self, model: Part, device: str, settings: Settings) -> None:
        self.device = device
        self._model = model
        self._settings = settings
        interpreter = self._cpu_interpreter()
        self.input_details: list[_Details] = interpreter.get_input_details()
        self.output_details: list[_Details] = interpreter.get_output_details()
        self.inputs = tuple(map(_port, self.input_details))
        self.outputs = tuple(map(_port, self.output_details))
        self.input_quantization: Sequence[Quantization | None] = tuple(
            map(_quantization, self.input_details)
        )
        self.output_quantization: Sequence[Quantization | None] = tuple(
            map(_quantization, self.output_details)
        )
        self._compiled: list[GpuInterpreter] = []
        if device == DEVICE:  # raises where the GPU lacks one of the operators
            self._compiled.append(GpuInterpreter(model, settings.fast_math))

    def interpreter(self) -> Interpreter | GpuInterpreter:
        """One that no other context has."""
        if self.device != DEVICE:
            return self._cpu_interpreter()
        try:
            return self._compiled.pop()  # the first context's; two threads never get the same
        except IndexError:
            return GpuInterpreter(self._model, self._settings.fast_math)

    def _cpu_interpreter(self) -> Interpreter:
        threads = self._settings.threads
        if isinstance(self._model, Path):
            return Interpreter(model_path=str(self._model), num_threads=threads)
        return Interpreter(model_content=self._model, num_threads=threads)

    def init_execution_context(self) -> LiteRtContext:
        return LiteRtContext(self)


class LiteRtContext:
    """Implements backends.base.ExecutionContext.

    Inputs are copied into arrays of the context's own, and from there into the interpreter when it
    runs: it loses what its tensors held whenever one of them changes its shape.
    """

    def __init__(self, graph: LiteRtGraph) -> None:
        self._graph = graph
        self._interpreter = graph.interpreter()
        self._inputs: list[npt.NDArray[np.generic] | None] = [None] * len(graph.inputs)
        self._resized = True
        self._computed = False

    def set_input(
        self, index: int, tensor_type: TensorType, shape: tuple[int, ...], data: memoryview
    ) -> None:
        check_input(self._graph.inputs, index, tensor_type, shape)
        details = self._graph.input_details[index]
        array = self._inputs[index]
        if array is None or array.shape != shape:
            array = self._inputs[index] = np.empty(shape, details["dtype"])
            self._interpreter.resize_tensor_input(details["index"], shape, strict=True)
            self._resized = True
        bytes_of(array)[:] = data

    def compute(self) -> None:
        self._computed = False
        if self._resized:
            self._interpreter.allocate_tensors()
            self._resized = False
        for index, array in enumerate(self._inputs):
            if array is None:
                raise not_set(self._graph.inputs, range(index))
            self._interpreter.set_tensor(self._graph.input_details[index]["index"], array)
        self._interpreter.invoke()
        self._computed = True

    def get_output(self, index: int) -> memoryview:
        port = check_output(self._graph.outputs, index, self._computed)
        array = self._interpreter.get_tensor(self._graph.output_details[index]["index"])
        if array.dtype.kind not in "fiu":
            raise HostError(
                Errno.UNSUPPORTED_OPERATION, f"output {index} ({port}) is no tensor of numbers"
            )
        return bytes_of(array)


def _port(details: _Details) -> Port:
    dtype = np.dtype(details["dtype"])
    dims = tuple(None if dim < 0 else int(dim) for dim in details["shape_signature"])
    return Port(details["name"], str(dtype), _TENSOR_TYPES.get(dtype), dims)


def _quantization(details: _Details) -> Quantization | None:
    parameters = details["quantization_parameters"]
    if not len(parameters["scales"]):
        return None
    return Quantization(
        _TENSOR_TYPES.get(np.dtype(details["dtype"])),
        tuple(map(float, parameters["scales"])),
        tuple(map(int, parameters["zero_points"])),
    )


def create(settings: Settings) -> LiteRtBackend:
    return LiteRtBackend(settings)

"""TensorFlow Lite models on LiteRT: its interpreter on the CPU, its accelerator on a GPU.

https://ai.google.dev/edge/api/tflite/python/tf/lite/Interpreter
"""

from __future__ import annotations

import contextlib
import functools
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import ml_dtypes  # noqa: F401 - gives NumPy bfloat16, and LiteRT then has it too
import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from rewriter.abi.dialects import Encoding, Errno, Target, TensorType
from runtime_shim.backends.checks.tflite import check_lengths
from runtime_shim.backends.common.arrays import DTYPES, bytes_of
from runtime_shim.backends.common.devices import choose_device
from runtime_shim.backends.common.tensor_info import (
    Port,
    check_input,
    check_output,
    check_parts,
    element_of,
    names_of,
    no_numbers,
    not_set,
    output_of,
    settings_for,
)
from runtime_shim.backends.formats import FORMATS
from runtime_shim.backends.interface import (
    DEFAULTS,
    NO_OPTIONS,
    Options,
    Output,
    Part,
    Place,
    Quantization,
    Runtime,
    Settings,
)
from runtime_shim.backends.litert.care import after_inference, before_inference, when_allocated
from runtime_shim.backends.litert.gpu import DEVICE, GpuInterpreter, has_vulkan
from runtime_shim.backends.litert.tensors import NOTHING, read_tensors
from runtime_shim.errors import HostError

__all__ = ["LiteRtBackend", "create"]

_TENSOR_TYPES = {dtype: kind for kind, dtype in DTYPES.items()}

_SHORT_NAMES = {
    "float16": "f16",
    "float32": "f32",
    "float64": "f64",
    "bfloat16": "bf16",
    "bool": "bool",
    **{
        f"{sign}int{bits}": f"{sign or 'i'}{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
    },
}
"""NumPy's names for types, with their short names for element_of."""

_ON_CPU = {"cpu": Target.CPU}
_KNOWN = {**_ON_CPU, DEVICE: Target.GPU}

_Details = Mapping[str, Any]
"""What the interpreter reports about one tensor."""


class LiteRtBackend:
    """Implements backends.interface.Backend. `fast_math` has no effect on the CPU."""

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
        try:
            return LiteRtGraph(parts[0], device, settings)
        except ValueError as error:
            raise HostError(Errno.INVALID_ARGUMENT, f"LiteRT: {error}") from error

    @functools.cached_property
    def _found(self) -> dict[str, Target]:
        """A GPU exists if a small model runs on it: LiteRT has no other way to ask."""
        if has_vulkan():
            with contextlib.suppress(RuntimeError):
                GpuInterpreter(FORMATS[Encoding.TENSORFLOWLITE].trial.model(), fast_math=False)
                return _KNOWN
        return _ON_CPU


class LiteRtGraph:
    """Implements backends.interface.QuantizedGraph. Each context has its own interpreter."""

    def __init__(self, model: Part, device: str, settings: Settings) -> None:
        self.device = device
        self._model = model
        self._settings = settings
        self.tensors = NOTHING
        interpreter = self._cpu_interpreter()  # refuses a model that it cannot read
        self.input_details = _details(interpreter.get_input_details)
        self.output_details = _details(interpreter.get_output_details)
        self.tensors = read_tensors(model)
        self.inputs = tuple(
            _port(details)._replace(dims=None)
            if details["index"] in self.tensors.unranked
            else _port(details)
            for details in self.input_details
        )
        self.input_elements = [port.element for port in self.inputs]
        self.outputs = tuple(map(_port, self.output_details))
        self.names = names_of(self.inputs, self.outputs)
        self.input_quantization: Sequence[Quantization | None] = tuple(
            map(_quantization, self.input_details)
        )
        self.output_quantization: Sequence[Quantization | None] = tuple(
            map(_quantization, self.output_details)
        )
        self._compiled: list[GpuInterpreter] = []
        if device == DEVICE:  # raises if the GPU lacks an operator
            self._compiled.append(GpuInterpreter(model, settings.fast_math))

    def interpreter(self, empty: bool = False) -> Interpreter | GpuInterpreter:
        """An interpreter that no other context uses. For inputs that are `empty`, one without
        XNNPACK, which does not write its results for them."""
        if self.device != DEVICE:
            return self._cpu_interpreter(plain=empty)
        try:
            return self._compiled.pop()  # for the first context; two threads never get the same
        except IndexError:
            return GpuInterpreter(self._model, self._settings.fast_math)

    def _cpu_interpreter(self, plain: bool = False) -> Interpreter:
        path = isinstance(self._model, Path)
        kind = OpResolverType
        with warnings.catch_warnings():
            if self.tensors.keeps_all:  # LiteRT warns that it takes memory
                warnings.simplefilter("ignore")
            return Interpreter(
                model_path=str(self._model) if path else None,
                model_content=None if path else self._model,
                num_threads=self._settings.threads,
                experimental_op_resolver_type=kind.BUILTIN_WITHOUT_DEFAULT_DELEGATES
                if plain or self.tensors.variables.exist or self.tensors.has_empty
                else kind.AUTO,
                experimental_preserve_all_tensors=self.tensors.keeps_all,
            )

    def init_execution_context(self) -> LiteRtContext:
        return LiteRtContext(self)


class LiteRtContext:
    """Implements backends.interface.DescribedContext.

    Inputs are copied into the context's own arrays, and from there into the interpreter when it
    runs, because the interpreter loses all tensors whenever one of them changes its shape. An
    interpreter in which a call has failed is discarded.
    """

    def __init__(self, graph: LiteRtGraph) -> None:
        self._graph = graph
        self.input_elements = graph.input_elements
        self.names = graph.names
        self._inputs: dict[int, npt.NDArray[np.generic]] = {}
        self._shapes: dict[int, tuple[int, ...]] | None = None
        self._computed = False
        self._empty = False
        self._interpreter: Interpreter | GpuInterpreter | None = graph.interpreter()

    def set_input(
        self, index: int, tensor_type: TensorType, shape: tuple[int, ...], data: memoryview
    ) -> None:
        check_input(self._graph.inputs, index, tensor_type, shape, data)
        array = self._inputs.get(index)
        if array is None or array.shape != shape:
            self._inputs.pop(index, None)
            array = np.zeros(shape, self._graph.input_details[index]["dtype"])
            self._inputs[index] = array
        bytes_of(array)[:] = data

    def compute(self) -> None:
        self._computed = False
        missing = not_set(self._graph.inputs, self._inputs)
        if missing is not None:
            raise missing
        interpreter, self._interpreter = self._interpreter, None
        empty = any(not array.size for array in self._inputs.values())
        if interpreter is None or empty is not self._empty:
            interpreter, self._shapes = self._graph.interpreter(empty), None
            self._empty = empty
        self._run(interpreter)
        self._interpreter = interpreter
        self._computed = True

    def _run(self, interpreter: Interpreter | GpuInterpreter) -> None:
        shapes = {index: array.shape for index, array in self._inputs.items()}
        if shapes != self._shapes:
            for index, shape in shapes.items():
                place = self._graph.input_details[index]["index"]
                strict = self._graph.inputs[index].dims is not None
                interpreter.resize_tensor_input(place, shape, strict=strict)
            interpreter.allocate_tensors()
            if isinstance(interpreter, Interpreter):
                when_allocated(interpreter, self._graph.tensors)
            self._shapes = shapes
        for index, array in self._inputs.items():
            interpreter.set_tensor(self._graph.input_details[index]["index"], array)
        if isinstance(interpreter, Interpreter):
            before_inference(interpreter, self._graph.tensors)
        interpreter.invoke()
        if isinstance(interpreter, Interpreter):
            after_inference(interpreter, self._graph.tensors)

    def get_output(self, index: int) -> memoryview:
        return self.output(index).data

    def output(self, index: int) -> Output:
        computed = self._computed and self._interpreter is not None
        port = check_output(self._graph.outputs, index, computed)
        if port.element is None:
            raise no_numbers(index, port)
        interpreter: Any = self._interpreter
        place = self._graph.output_details[index]["index"]
        try:
            array = interpreter.get_tensor(place)
        except ValueError:  # raised for a tensor without elements
            now = {each["index"]: each["shape"] for each in interpreter.get_output_details()}
            if 0 not in now[place]:
                raise
            return output_of(port, tuple(map(int, now[place])), memoryview(b""))
        return output_of(port, array.shape, bytes_of(array))


def _details(found: Callable[[], list[_Details]]) -> list[_Details]:
    """What the interpreter reports about the model's inputs or outputs. Its Python package cannot
    return or describe a tensor of a type that NumPy lacks, such as bf16."""
    try:
        return found()
    except ValueError as error:
        raise HostError(
            Errno.UNSUPPORTED_OPERATION,
            "the model has an input or output of a type that LiteRT's Python package does "
            f"not support: {error}",
        ) from error


def _port(details: _Details) -> Port:
    dtype = np.dtype(details["dtype"])
    dims = tuple(None if dim < 0 else int(dim) for dim in details["shape_signature"])
    return Port(details["name"], str(dtype), element_of(_SHORT_NAMES.get(dtype.name, "")), dims)


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

"""A model in ONNX Runtime, and its execution contexts.

https://onnxruntime.ai/docs/api/python/api_summary.html#iobinding
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import re
import weakref
from collections.abc import Mapping
from contextlib import AbstractContextManager
from math import prod
from types import MappingProxyType
from typing import Any

import numpy as np
import onnxruntime as ort

from rewriter.abi.dialects import Errno
from runtime_shim.backends.common.c_objects import address_of
from runtime_shim.backends.common.placed_inputs import PlacedInputs
from runtime_shim.backends.common.tensor_info import (
    Fed,
    Port,
    check_output,
    element_of,
    names_of,
    no_numbers,
    not_computed,
    not_set,
    output_of,
)
from runtime_shim.backends.interface import Output, Part
from runtime_shim.backends.onnx.devices import CPU
from runtime_shim.backends.onnx.inputs import ranked_inputs
from runtime_shim.errors import DeviceLost, HostError

__all__ = ["OnnxContext", "OnnxGraph"]

_TYPES: Mapping[str, tuple[str, object]] = MappingProxyType(
    {
        "float16": ("f16", np.float16),
        "float": ("f32", np.float32),
        "double": ("f64", np.float64),
        "bfloat16": ("bf16", 16),  # TensorProto.BFLOAT16; NumPy lacks this and the following types
        "float8e4m3fn": ("f8", 17),
        "float8e4m3fnuz": ("f8", 18),
        "float8e5m2": ("f8", 19),
        "float8e5m2fnuz": ("f8", 20),
        "bool": ("bool", np.bool_),
        "int8": ("i8", np.int8),
        "int16": ("i16", np.int16),
        "int32": ("i32", np.int32),
        "int64": ("i64", np.int64),
        "uint8": ("u8", np.uint8),
        "uint16": ("u16", np.uint16),
        "uint32": ("u32", np.uint32),
        "uint64": ("u64", np.uint64),
    }
)
"""ONNX Runtime's type names, with the short name for element_of, and what binds a tensor of the
type: a NumPy type, or a number of TensorProto.DataType in
https://github.com/onnx/onnx/blob/main/onnx/onnx.proto."""

_TENSOR = re.compile(r"(optional\()?tensor\((\w+)\)\)?")
"""The type of an input or output that is a tensor, or an optional one."""


_LOST = re.compile(r"CUDA failure (700|702|709|71\d)\b")
"""ONNX Runtime's message when CUDA no longer accepts anything from this process, because a kernel
has accessed a wrong address, or has had a failed assertion or a fault.

https://docs.nvidia.com/cuda/cuda-runtime-api/group__CUDART__TYPES.html (cudaError)
"""


class OnnxGraph:
    """Implements backends.interface.Graph. Inputs with a default value, which need not be set, come
    after those without; otherwise inputs and outputs are in the model's order. `turn` is held while
    something happens on the device: see onnx.devices.turn_of."""

    def __init__(
        self,
        session: ort.InferenceSession,
        device: str,
        model: Part,
        turn: AbstractContextManager[object] | None = None,
    ) -> None:
        self.session = session
        self.device = device
        self.turn = turn or contextlib.nullcontext()
        required, overridable = session.get_inputs(), session.get_overridable_initializers()
        self.inputs = (
            *(_port(node, node.type.startswith("optional")) for node in required),
            *(_port(node, True) for node in overridable),
        )
        if any(port.dims == () for port in self.inputs):
            self.inputs = _with_free_ranks(self.inputs, model)
        self.input_elements = [port.element for port in self.inputs]
        self.input_types = [_kind(node)[1] for node in (*required, *overridable)]
        self.outputs = tuple(_port(node) for node in session.get_outputs())
        names = dict.fromkeys(port.name for port in self.outputs)
        self.places = {name: place for place, name in enumerate(names)}
        """The position of each output's name in what ONNX Runtime returns."""
        fed = {port.name for port in self.inputs}
        self.names = names_of(self.inputs, self.outputs)
        self.passed = [index for index, port in enumerate(self.outputs) if port.name in fed]
        """Outputs that are inputs. Their bytes are those of the input at the time of reading."""

    def init_execution_context(self) -> OnnxContext:
        with self.turn:
            return OnnxContext(self)

    def __del__(self) -> None:
        with self.turn:
            del self.session


class OnnxContext(PlacedInputs):
    """Implements backends.interface.MovableContext and DescribedContext.

    Inputs are bound when they are set for the first time. Outputs are in ONNX Runtime's own memory,
    which is new in each run, and are copied from there. A run does not write an output to our
    memory if it is an input, comes out of a branch, or does not have the shape that the model
    declares.
    """

    def __init__(self, graph: OnnxGraph) -> None:
        super().__init__(graph.inputs)
        self._graph = graph
        self.input_elements = graph.input_elements
        self.names = graph.names
        self._on_cpu = graph.device == CPU.name
        self._bound: dict[int, tuple[Any, ...]] = {}
        self._moved: dict[int, memoryview] = {}
        self._kept: dict[int, bytes] = {}
        self._computed = False
        self._binding: ort.IOBinding | None = None
        self._bind()
        if not self._on_cpu:
            _BEFORE_EXIT.add(self)

    def _bind(self) -> ort.IOBinding:
        """A new binding. Its outputs are in the order in which their names are bound first."""
        binding = self._graph.session.io_binding()
        # The session has to outlive its binding: providers other than the CPU's crash otherwise.
        binding.session = self._graph.session
        for name in self._graph.places:
            binding.bind_output(name, "cpu")
        for bound in self._bound.values():
            binding.bind_input(*bound)
        self._binding = binding
        return binding

    def close(self) -> None:
        """Free what is bound; the context cannot be used any more."""
        with self._graph.turn:
            self._binding = None
        self._computed = False

    def __del__(self) -> None:
        self.close()

    def _forget_input(self, index: int) -> None:
        self._bound.pop(index, None)
        self._binding = None

    def move_output(self, index: int, buffer: memoryview) -> bool:
        buffer[:] = self.get_output(index)
        self._moved[index] = buffer
        return True

    def _place_input(self, index: int, fed: Fed) -> None:
        graph = self._graph
        kind = graph.input_types[index]
        bound = (graph.inputs[index].name, "cpu", 0, kind, fed.shape, address_of(fed.data))
        with graph.turn:
            binding = self._binding or self._bind()
            self._binding = None  # a new one is made if a call in here fails
            binding.bind_input(*bound)
            self._binding = binding
        self._bound[index] = bound
        self._fed[index] = fed

    def compute(self) -> bool:
        self._computed = False
        graph = self._graph
        if len(self._fed) < len(graph.inputs):
            missing = not_set(graph.inputs, self._fed)
            if missing is not None:
                raise missing
        if self._on_cpu:
            self._run()
        else:
            with graph.turn:
                self._run_on_device()
        self._computed = True
        if graph.passed:
            self._keep_passed()
        return bool(self._moved) and not self._fill_moved()

    def _run(self) -> None:
        binding = self._unbound()
        self._graph.session.run_with_iobinding(binding)
        self._binding = binding

    def _run_on_device(self) -> None:
        binding = self._unbound()
        try:
            for bound in self._bound.values():  # this copies it to the device
                binding.bind_input(*bound)
            binding.synchronize_inputs()
            self._graph.session.run_with_iobinding(binding)
            binding.synchronize_outputs()
        except Exception as error:
            if _LOST.search(str(error)) is None:
                raise
            raise DeviceLost(
                Errno.RUNTIME_ERROR,
                f"this process can no longer use {self._graph.device}, for any model: {error}",
            ) from error
        self._binding = binding

    def _unbound(self) -> ort.IOBinding:
        """The binding, with outputs that are not made yet. If a call with it fails, a new one is
        made."""
        binding = self._binding or self._bind()
        self._binding = None
        for name in self._graph.places:
            binding.bind_output(name, "cpu")
        return binding

    def _keep_passed(self) -> None:
        self._kept.clear()
        for index in self._graph.passed:
            with contextlib.suppress(HostError):  # get_output raises it when it is asked for
                self._kept[index] = self._bytes(index)

    def _fill_moved(self) -> bool:
        """Copy outputs to where they were moved. Returns False if one of them is missing this time,
        or has another length; then none of them is moved any more."""
        with contextlib.suppress(HostError):
            for index, buffer in self._moved.items():
                address, size, _ = self._value(index)
                if size != len(buffer):
                    break
                ctypes.memmove(address_of(buffer), address, size)
            else:
                return True
        self._moved.clear()
        return False

    def get_output(self, index: int) -> memoryview:
        check_output(self._graph.outputs, index, self._computed)
        moved = self._moved.get(index)
        if moved is not None:
            return moved
        kept = self._kept.get(index)
        return memoryview(self._bytes(index) if kept is None else kept)

    def output(self, index: int) -> Output:
        port = check_output(self._graph.outputs, index, self._computed)
        address, size, shape = self._value(index)
        data = self._moved.get(index)
        if data is None:
            data = memoryview(self._kept.get(index) or ctypes.string_at(address, size))
        return output_of(port, shape, data)

    def _bytes(self, index: int) -> bytes:
        """A copy of an output, because ONNX Runtime may free it before the caller is done with
        it."""
        address, size, _ = self._value(index)
        return ctypes.string_at(address, size) if size else b""

    def _value(self, index: int) -> tuple[int, int, tuple[int, ...]]:
        """The address, size and shape of an output in ONNX Runtime."""
        port = self._graph.outputs[index]
        if port.element is None:
            raise no_numbers(index, port)
        if self._binding is None:
            raise not_computed()
        values = self._binding.get_outputs_as_ortvaluevector()
        value = values[self._graph.places[port.name]]
        if not value.has_value() or not value.is_tensor():
            raise no_numbers(index, port)
        shape = tuple(value.shape())
        return value.data_ptr(), prod(shape) * port.element.size, shape


_BEFORE_EXIT: weakref.WeakSet[OnnxContext] = weakref.WeakSet()
"""Contexts on other devices than the CPU. ONNX Runtime 1.27 crashes at the interpreter's exit if
one of WebGPU's is still bound."""


@atexit.register
def _close_contexts() -> None:
    for context in _BEFORE_EXIT:
        context.close()


def _port(node: ort.NodeArg, optional: bool = False) -> Port:
    dims = tuple(dim if isinstance(dim, int) and dim >= 0 else None for dim in node.shape or ())
    return Port(node.name, node.type, element_of(_kind(node)[0]), dims, optional)


def _kind(node: ort.NodeArg) -> tuple[str, object]:
    """The entry in _TYPES for an input or output."""
    found = _TENSOR.fullmatch(node.type)
    return _TYPES.get(found[2], _NONE) if found is not None else _NONE


_NONE = ("", None)


def _with_free_ranks(inputs: tuple[Port, ...], model: Part) -> tuple[Port, ...]:
    """Fix the ranks of inputs. ONNX Runtime reports a scalar and an input with any number of
    dimensions in the same way; the model distinguishes them."""
    ranked = ranked_inputs(model)
    return tuple(
        port._replace(dims=None) if port.dims == () and port.name not in ranked else port
        for port in inputs
    )

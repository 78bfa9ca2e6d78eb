"""TorchScript models on PyTorch.

https://docs.pytorch.org/docs/stable/generated/torch.jit.load.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any
from weakref import WeakSet

import numpy as np
import torch

from rewriter.abi.dialects import Errno, Target, TensorType
from runtime_shim.backends.common.arrays import DTYPES
from runtime_shim.backends.common.devices import choose_device, not_there
from runtime_shim.backends.common.tensor_info import check_parts, not_computed, settings_for
from runtime_shim.backends.interface import (
    DEFAULTS,
    NO_OPTIONS,
    Names,
    Options,
    Output,
    Part,
    Place,
    Runtime,
    Settings,
)
from runtime_shim.backends.parsing.model_parts import as_bytes
from runtime_shim.backends.torch.archive.contents import repack
from runtime_shim.backends.torch.graphs import Facts, effects_of, examine
from runtime_shim.backends.torch.guards import put_guards
from runtime_shim.backends.torch.memory import fill_on_gpus, fill_with_zeros
from runtime_shim.backends.torch.output import element_of_dtype, flat, names_of, printing
from runtime_shim.errors import DeviceLost, HostError

__all__ = ["TorchBackend", "create"]

_KNOWN = {"cuda": Target.GPU, "cpu": Target.CPU}

_MOST_COPIED = 4 << 30
"""Maximum size in bytes of all copies of a module that keeps state, one for each context; beyond
that, a context is `too_large`. The first context is always possible."""

_SMALLEST_COPY = 256 << 10
"""Bytes that a module takes in addition to its tensors."""


class TorchBackend:
    """Implements backends.interface.Backend.

    Creating one makes PyTorch fill all memory that it allocates from then on, in the whole process,
    also for a program that embeds this and uses PyTorch itself
    (runtime_shim.backends.torch.memory). PyTorch then also computes in full precision, whatever the
    settings are, because there is one switch per process.
    """

    def __init__(self, settings: Settings = DEFAULTS) -> None:
        fill_with_zeros()
        _compute_in_full_precision()
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
        kind, colon, number = device.partition(":")
        if colon and (not number.isdecimal() or int(number) >= _count(kind)):
            raise not_there("pytorch", place, _KNOWN, self._found)
        return TorchGraph(repack(as_bytes(parts[0])), device, settings.threads)


def _count(kind: str) -> int:
    """The number of devices of a kind."""
    return torch.cuda.device_count() if kind == "cuda" else 1


def _compute_in_full_precision() -> None:
    """Make CUDA's libraries compute with all bits of a float. By default, PyTorch lets cuDNN drop
    13 of 23 bits (TF32) in convolutions and recurrent layers, and lets cuBLAS add products of half
    floats in half precision.

    https://docs.pytorch.org/docs/stable/notes/numerical_accuracy.html
    https://docs.pytorch.org/docs/stable/notes/cuda.html#tensorfloat-32-tf32-on-ampere-and-later-devices
    """
    backends: Any = torch.backends
    for operation in (backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn):
        operation.fp32_precision = "ieee"
    backends.cuda.matmul.allow_fp16_reduced_precision_reduction = False
    backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False


class TorchGraph:
    """Implements backends.interface.Graph. Inputs are the arguments of `forward`: tensors of any
    type and shape, because TorchScript declares neither. So a u8 tensor is always torch.uint8 and
    never bool or int8. Outputs are the result, with tuples, lists and dictionaries flattened in
    order; bool and int8 have one byte per element, and bfloat16 two.

    A module that may keep state is loaded again for each execution context; others are shared.
    """

    def __init__(self, data: bytes, device: str, threads: int | None) -> None:
        self.threads = threads
        self.target = torch.device(device)
        with _using(None if self.target.type == "cpu" else self.target):
            module, arguments, facts = _imported(data, self.target)
        self.device = ", ".join(sorted(_places(module, facts, self.target)))
        self.gpu = _gpu_of(facts, self.target)
        if self.gpu is not None:
            fill_on_gpus()
        self.inputs = tuple(argument.name for argument in arguments)
        self.required = sum(not argument.has_default_value() for argument in arguments)
        self.prints = facts.prints
        effects = effects_of(module, facts)
        self.writes_inputs = effects.inputs
        self._module = module
        self._data = data if effects.state else None
        self._copies: WeakSet[TorchContext] = WeakSet()

    def init_execution_context(self) -> TorchContext:
        if self._data is None:
            return TorchContext(self, self._module)
        size = len(self._data) + _SMALLEST_COPY
        if (len(self._copies) + 1) * size > max(_MOST_COPIED, size):
            raise HostError(
                Errno.TOO_LARGE, f"{len(self._copies)} contexts each need a copy of the model"
            )
        context = TorchContext(self, _imported(self._data, self.target)[0])
        self._copies.add(context)
        return context


def _gpu_of(facts: Facts, device: torch.device) -> torch.device | None:
    """The GPU that a module on a device may use: that device, or the one that its code names."""
    if device.type != "cpu":
        return device
    named = any(torch.device(name).type == "cuda" for name in facts.devices)
    return torch.device("cuda") if named and torch.cuda.is_available() else None


def _places(module: Any, facts: Facts, device: torch.device) -> set[str]:
    """The devices on which a module has tensors, and existing devices that its code names: code
    that was traced on one device may name it even if the module is loaded on another."""
    own = torch.empty(0, device=device).device
    held = {str(tensor.device) for tensor in (*module.parameters(), *module.buffers())}
    named = {torch.device(name).type for name in facts.devices} - {own.type, "meta"}
    if not torch.cuda.is_available():
        named.discard("cuda")
    return (held or {str(own)}) | named


def _imported(data: bytes, device: torch.device) -> tuple[Any, Any, Facts]:
    """A module, the arguments of its `forward` without `self`, and facts about its code.

    Raises HostError with `invalid_argument` for a model that PyTorch cannot load, or that contains
    something that is not allowed.
    """
    unit = torch._C.CompilationUnit()
    importer: Any = torch._C.import_ir_module_from_buffer
    wrap: Any = torch.jit._recursive.wrap_cpp_module
    try:
        loaded = importer(unit, data, device, {}, False)
        arguments = loaded._get_method("forward").schema.arguments[1:]
        module = wrap(loaded).eval()
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # whatever PyTorch makes of the guest's archive
        if "can't allocate memory" in str(error):
            raise
        raise HostError(
            Errno.INVALID_ARGUMENT, f"PyTorch cannot load the model: {error}"
        ) from error
    facts = examine(unit)
    put_guards(unit)
    return module, arguments, facts


class TorchContext:
    """Implements backends.interface.DescribedContext and Bf16Context."""

    takes_bf16 = True

    def __init__(self, graph: TorchGraph, module: Any) -> None:
        self._graph = graph
        self._names: Names | None = None
        self._result: object = None
        self._module = module
        self._inputs: list[torch.Tensor | None] = [None] * len(graph.inputs)
        self._outputs: list[object] | None = None

    def set_input(
        self, index: int, tensor_type: TensorType, shape: tuple[int, ...], data: memoryview
    ) -> None:
        self._set_input(index, DTYPES[tensor_type], shape, data)

    def set_bf16_input(self, index: int, shape: tuple[int, ...], data: memoryview) -> None:
        self._set_input(index, np.dtype(np.int16), shape, data, torch.bfloat16)

    def _set_input(
        self,
        index: int,
        dtype: np.dtype[Any],
        shape: tuple[int, ...],
        data: memoryview,
        viewed: torch.dtype | None = None,
    ) -> None:
        """Set an input; with `viewed`, as another type of the same size."""
        if index >= len(self._inputs):
            raise HostError(
                Errno.INVALID_ARGUMENT,
                f"no input {index}: the model has {len(self._inputs)} inputs",
            )
        self._inputs[index] = None
        tensor = torch.from_numpy(np.frombuffer(data, dtype).reshape(shape).copy())
        with _using(self._graph.gpu):
            self._inputs[index] = tensor.view(viewed or tensor.dtype).to(self._graph.target)

    @property
    def names(self) -> Names:
        if self._names is None:
            self._names = names_of(self._graph.inputs, self._result, self._outputs)
        return self._names

    def compute(self) -> None:
        self._outputs = self._names = self._result = None
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
        with (
            torch.inference_mode(),
            _using(self._graph.gpu),
            printing() if self._graph.prints else nullcontext(),
        ):
            if self._graph.writes_inputs:
                given = [None if tensor is None else tensor.clone() for tensor in given]
            result = self._module(*given)
            outputs = flat(result)
            if self._graph.gpu is not None:  # it may only have started there, and still fail
                torch.cuda.synchronize(self._graph.gpu)
            self._outputs, self._result, self._names = outputs, result, None

    def get_output(self, index: int) -> memoryview:
        return self.output(index).data

    def output(self, index: int) -> Output:
        if self._outputs is None:
            raise not_computed()
        if index >= len(self._outputs):
            raise HostError(
                Errno.INVALID_ARGUMENT,
                f"no output {index}: the model returned {len(self._outputs)} outputs",
            )
        tensor = self._outputs[index]
        if not isinstance(tensor, torch.Tensor) or not _is_plain(tensor):
            raise HostError(
                Errno.UNSUPPORTED_OPERATION,
                f"output {index} is not a dense tensor of real numbers: {_described(tensor)}",
            )
        with torch.inference_mode(), _using(self._graph.gpu):
            dense = tensor.detach().resolve_neg().cpu().contiguous()
            row = dense.as_strided(
                (dense.numel(),), (1,)
            )  # with one element, any stride is possible
            data = row.view(torch.uint8).numpy().data if dense.numel() else memoryview(b"")
        return Output(element_of_dtype(tensor.dtype), tuple(tensor.shape), data)


@contextmanager
def _using(gpu: torch.device | None) -> Iterator[None]:
    """Raise DeviceLost if an operation in here fails, and the device with it: after a kernel of the
    process has found an index out of range, CUDA refuses everything else.

    https://docs.nvidia.com/cuda/cuda-runtime-api/group__CUDART__TYPES.html (cudaErrorAssert)
    """
    try:
        yield
    except Exception as error:
        if gpu is None or isinstance(error, HostError):
            raise
        try:
            torch.cuda.synchronize(gpu)
        except Exception:  # noqa: BLE001 - whatever PyTorch makes of it
            raise DeviceLost(
                Errno.RUNTIME_ERROR,
                f"this process can no longer use {gpu}, for any model: {error}",
            ) from error
        raise


def _is_plain(tensor: torch.Tensor) -> bool:
    return (
        tensor.layout is torch.strided
        and not tensor.is_nested
        and not tensor.is_quantized
        and not tensor.is_complex()
        and not tensor.is_meta
    )


def _described(value: object) -> str:
    if isinstance(value, torch.Tensor):
        return f"{value.dtype}, {value.layout} on {value.device}"
    return type(value).__name__


def create(settings: Settings) -> TorchBackend:
    return TorchBackend(settings)

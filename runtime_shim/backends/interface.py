"""The interface of an NN runtime: backend, graph, execution context."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar, runtime_checkable

from rewriter.abi.dialects import ELEMENT_SIZE, Errno, Target, TensorType
from runtime_shim.errors import HostError

if TYPE_CHECKING:
    from typing import TypeGuard

__all__ = [
    "DEFAULTS",
    "NO_OPTIONS",
    "Backend",
    "Bf16Context",
    "DescribedContext",
    "Element",
    "ExecutionContext",
    "Graph",
    "MovableContext",
    "Names",
    "Options",
    "Output",
    "Part",
    "Place",
    "Quantization",
    "QuantizedGraph",
    "Runtime",
    "Settings",
    "SharedGraph",
    "StreamingContext",
    "check_length",
    "elements_of",
    "failed",
    "guarded",
    "is_described",
    "is_movable",
    "takes_bf16",
]

Part = bytes | Path
"""A part of a model: bytes from a guest, or a file of the host, which a backend can map."""

Place = Target | str
"""Where a model should run: a target that a guest can ask for or, if the host decides, a device of
the backend by name, or wherever it runs best ("auto")."""

Options = Mapping[str, Any]
"""A guest's configuration of a model: a JSON object with names that the backend defines."""

R = TypeVar("R")

NO_OPTIONS: Options = MappingProxyType({})


class Element(NamedTuple):
    """How an element of a tensor is passed: the type that a guest names, and its size in bytes.
    `boolean` elements are 0 or 1. `name` is the short name of the real type. With `bytes_of`,
    tensors of any of these types, and of any length, are read as raw bytes."""

    type: TensorType
    size: int
    boolean: bool = False
    name: str = ""
    bytes_of: Collection[TensorType] = ()

    def takes(self, other: Element) -> bool:
        """Whether an input of such elements accepts a tensor of other elements. Types that wasi-nn
        lacks can be passed as u8. A tensor of a type that an ABI has a number for fits only inputs
        of that type."""
        if self.bytes_of:
            return other.type in self.bytes_of
        return other.name == self.name or (other.name == "u8" and self.type is TensorType.U8)


class ExecutionContext(Protocol):
    """One inference. Used by one thread at a time."""

    def set_input(
        self, index: int, tensor_type: TensorType, shape: tuple[int, ...], data: memoryview
    ) -> None:
        """Copy a tensor in. `shape` counts elements. `data` holds exactly its bytes; do not keep
        it, because it is the guest's memory. A context that has an attribute `input_elements` (see
        elements_of) is also called if type or shape do not match, and must check them. A context
        that has an attribute `configured_by` takes its options as the input with that index.

        Raises HostError: `invalid_argument` for an index, a type or a shape that the model does not
        have, `unsupported_operation` for an input that no wasi-nn tensor can fill. After any other
        exception, the input has to be set again before compute.
        """

    def compute(self) -> bool | None:
        """Run the model. Raises HostError with `runtime_error` if an input is missing.

        Returns True if it succeeded, but outputs that were moved (see MovableContext) are no longer
        in their buffers.
        """

    def get_output(self, index: int) -> memoryview:
        """The bytes of an output, valid until the next call of compute.

        Raises HostError: `runtime_error` before compute, `invalid_argument` for an index that the
        model does not have, `unsupported_operation` for an output that is not a tensor of numbers.
        """


@runtime_checkable
class MovableContext(ExecutionContext, Protocol):
    """A context that can keep its tensors in buffers that the host provides, which saves copying
    them there.

    A buffer has the tensor's length, is aligned to 64 bytes, and exists as long as the context is
    used. If a method raises, or returns False, the tensor stays where it was. A context whose
    outputs always have the same shapes says so by an attribute `has_fixed_shapes` that is True.
    """

    def move_input(self, index: int, buffer: memoryview) -> bool:
        """Copy an input that was set to `buffer`. From then on compute reads it there, until
        set_input is called with another type or shape."""

    def move_output(self, index: int, buffer: memoryview) -> bool:
        """Copy an output that was read to `buffer`. From then on, each successful compute writes
        the whole output there, or returns True; after that, none of the context's outputs is in a
        buffer any more."""


class Names:
    """The names of a model's inputs and outputs, in their order. `outputs` is None if the number of
    outputs is not known before compute. `shown` are the names under which a component gets the
    outputs. The default is the model's own names, or the index of an output without a name or with
    that of an earlier one."""

    vary = False
    """Whether the outputs may be others after each compute."""

    def __init__(
        self,
        inputs: Sequence[str],
        outputs: Sequence[str] | None,
        shown: Sequence[str] | None = None,
    ) -> None:
        self.inputs = inputs
        self.outputs = outputs
        self._inputs = _indices(inputs)
        self._outputs = _indices(outputs or ())
        self.shown = shown or tuple(
            name if self._outputs.get(name) == index else str(index)
            for index, name in enumerate(outputs or ())
        )

    def input_index(self, name: str) -> int | None:
        """The index of the input that the model calls so."""
        return self._inputs.get(name)

    def output_index(self, name: str) -> int | None:
        """The index of the output that the model calls so."""
        return self._outputs.get(name)


def _indices(names: Sequence[str]) -> dict[str, int]:
    """The first index of each name. Ports without a name have an empty one."""
    return {name: index for index, name in reversed([*enumerate(names)]) if name}


class Output(NamedTuple):
    """An output of the last inference: the type of its elements, its shape in elements, and its
    bytes, which are valid until the next call of compute."""

    element: Element
    shape: tuple[int, ...]
    data: memoryview


@runtime_checkable
class DescribedContext(ExecutionContext, Protocol):
    """A context that knows the names of its inputs and outputs, and the types and shapes of its
    outputs, which components get with them. Others have numbered inputs and outputs, and outputs
    that are bytes."""

    @property
    def names(self) -> Names:
        """The names; after a compute of a model whose names vary, other ones."""

    def output(self, index: int) -> Output:
        """Like get_output, with the type and the shape."""


@runtime_checkable
class Bf16Context(ExecutionContext, Protocol):
    """A context with inputs of no declared type, which can be bf16. `takes_bf16` is True."""

    takes_bf16: bool

    def set_bf16_input(self, index: int, shape: tuple[int, ...], data: memoryview) -> None:
        """Like set_input, for a tensor of bf16."""


def takes_bf16(context: ExecutionContext) -> TypeGuard[Bf16Context]:
    """Whether a context is a Bf16Context: see is_movable."""
    return getattr(context, "takes_bf16", False)


def is_described(context: ExecutionContext) -> TypeGuard[DescribedContext]:
    """Whether a context is a DescribedContext: see is_movable."""
    return hasattr(context, "names") and hasattr(context, "output")


def is_movable(context: ExecutionContext) -> TypeGuard[MovableContext]:
    """Whether a context is a MovableContext. Comparing it with the protocol would take as long as
    the rest of creating a context."""
    return hasattr(context, "move_input") and hasattr(context, "move_output")


@runtime_checkable
class StreamingContext(ExecutionContext, Protocol):
    """A context that can also return its output in pieces, as they are generated."""

    def compute_single(self) -> None:
        """Generate the next piece. Raises HostError with `end_of_sequence` after the last one."""

    def get_output_single(self, index: int) -> memoryview:
        """The bytes of the current piece. Raises HostError like ExecutionContext.get_output."""

    def fini_single(self) -> None:
        """End the generation. The next piece starts a new output."""


class Graph(Protocol):
    """A loaded model, shared by any number of contexts and threads."""

    @property
    def device(self) -> str:
        """Where the model is, in the NN runtime's own words, as far as it says."""

    def init_execution_context(self) -> ExecutionContext:
        """Make a context without inputs. Raises HostError."""


@runtime_checkable
class SharedGraph(Graph, Protocol):
    """A graph whose model can be used with other options than those it was loaded with."""

    def with_options(self, options: Options) -> Graph:
        """A graph that shares the model; its contexts start with these options."""


class Quantization(NamedTuple):
    """The quantisation of a tensor: a stored value stands for (value - zero point) * scale, with
    one scale for all, or one per channel. `type` is the type of the stored values, None if wasi-nn
    has no such tensor."""

    type: TensorType | None
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]


@runtime_checkable
class QuantizedGraph(Graph, Protocol):
    """A graph that knows which of its inputs and outputs are quantised; None for the others."""

    input_quantization: Sequence[Quantization | None]
    output_quantization: Sequence[Quantization | None]


MODEL_CACHE_SIZE = 10 << 30
"""The default in bytes, the same as sccache's.

https://github.com/mozilla/sccache/blob/main/docs/Local.md
"""


class Settings(NamedTuple):
    """The host's settings for its backends. `threads` is how many threads one inference may use
    (None: the NN runtime's default). `fast_math` allows less precision than the model's own where
    that is faster. `model_cache` is a folder for compiled models, used by NN runtimes that can keep
    them, and `model_cache_size` its maximum size in bytes (None: no limit)."""

    threads: int | None = None
    fast_math: bool = False
    model_cache: str | None = None
    model_cache_size: int | None = MODEL_CACHE_SIZE


DEFAULTS = Settings()


class Runtime(NamedTuple):
    """An NN runtime: its name and version, and the devices that were found, with the target that
    each serves. If several serve one target, the first is used."""

    version: str
    devices: Mapping[str, Target]


class Backend(Protocol):
    """Loads models of one encoding. For the guest, any exception of a method except HostError
    becomes `runtime_error`. If a backend has an attribute `most_parts`, models with more parts are
    refused before they are read."""

    def describe(self) -> Runtime:
        """The NN runtime, with devices that were looked for, not assumed."""

    def load(self, parts: Sequence[Part], place: Place, options: Options) -> Graph:
        """Load a model from its parts.

        Raises HostError: `invalid_argument` for a wrong number of parts, `unsupported_operation`
        for a place that does not exist.
        """


def elements_of(context: ExecutionContext) -> Sequence[Element | None] | None:
    """The elements of a context's inputs, None for an input that is not a tensor of numbers. Taken
    from the context's `input_elements`; None if it does not have them."""
    return getattr(context, "input_elements", None)


def check_length(tensor_type: TensorType, shape: tuple[int, ...], size: int) -> None:
    """Raise HostError with `invalid_argument` unless `size` is the number of bytes that the type
    and shape of a tensor require."""
    needed = prod(shape) * _ELEMENT_SIZES[tensor_type]
    if size != needed:
        raise HostError(
            Errno.INVALID_ARGUMENT,
            f"a {tensor_type.name.lower()} tensor {list(shape)} needs {needed} bytes, got {size}",
        )


_ELEMENT_SIZES = tuple(ELEMENT_SIZE[kind] for kind in sorted(ELEMENT_SIZE))
"""Indexed by the types' numbers, because hashing a member of an enumeration takes longer."""


def guarded(call: Callable[..., R], *arguments: object) -> R:
    """Call into a backend. Any exception except HostError becomes a `runtime_error`."""
    try:
        return call(*arguments)
    except HostError:
        raise
    except Exception as error:  # each NN runtime has its own
        raise failed(error) from error


def failed(error: Exception) -> HostError:
    """The guest's error for an exception of a backend that is not a HostError."""
    return HostError(Errno.RUNTIME_ERROR, f"{type(error).__name__}: {error}")

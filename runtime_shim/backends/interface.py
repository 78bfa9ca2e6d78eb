"""What an NN runtime has to offer: backend, graph, execution context."""

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
    "Element",
    "ExecutionContext",
    "Graph",
    "MovableContext",
    "Options",
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
    "is_movable",
]

Part = bytes | Path
"""A part of a model: bytes from a guest, or a file of the host's, which a backend can map."""

Place = Target | str
"""Where a model is to run: on what a guest can ask for; or, by the host's choice, on a device that
the backend has by this name, or wherever it runs best ("auto")."""

Options = Mapping[str, Any]
"""What a guest configures a model with: a JSON object, whose names are the backend's."""

R = TypeVar("R")

NO_OPTIONS: Options = MappingProxyType({})


class Element(NamedTuple):
    """How an element of a tensor travels: the type that a guest gives it, and its bytes. One that
    is `boolean` is 0 or 1. `name` is the short name of what it really is. With `bytes_of`, tensors
    of any of these types, and of any length, are taken for the bytes that they have."""

    type: TensorType
    size: int
    boolean: bool = False
    name: str = ""
    bytes_of: Collection[TensorType] = ()

    def takes(self, other: Element) -> bool:
        """Whether an input of such elements takes a tensor of others. Any type that wasi-nn lacks
        may travel as u8; one that an ABI has a number for is that type only."""
        if self.bytes_of:
            return other.type in self.bytes_of
        return other.name == self.name or (other.name == "u8" and self.type is TensorType.U8)


class ExecutionContext(Protocol):
    """One inference in the making. Used by one thread at a time."""

    def set_input(
        self, index: int, tensor_type: TensorType, shape: tuple[int, ...], data: memoryview
    ) -> None:
        """Copy a tensor in. `shape` counts elements; `data` holds exactly its bytes, and is not
        to be kept: it is the guest's memory. A context that has an attribute `input_elements`
        (see elements_of) is also called where they do not match, and has to look. One that has an
        attribute `configured_by` takes its options as the input of that index.

        Raises HostError: `invalid_argument` for an index, a type or a shape that the model does
        not have there, `unsupported_operation` for an input that no wasi-nn tensor can fill.
        Where it raises anything else, the input has to be set anew before compute.
        """

    def compute(self) -> bool | None:
        """Run the model. Raises HostError with `runtime_error` where an input is missing.

        Returns True where outputs that were moved (see MovableContext) are not where they were
        moved to any more, though it has succeeded.
        """

    def get_output(self, index: int) -> memoryview:
        """The bytes of an output, good until the next call of compute.

        Raises HostError: `runtime_error` before compute, `invalid_argument` for an index that the
        model does not have, `unsupported_operation` for an output that is not a tensor of numbers.
        """


@runtime_checkable
class MovableContext(ExecutionContext, Protocol):
    """A context that can have its tensors where the host wants them, so that they need not be
    copied there.

    A buffer has the tensor's length, is aligned to 64 bytes, and stays as long as the context is
    used. Where a method raises, or returns False, the tensor stays where it was.
    """

    def move_input(self, index: int, buffer: memoryview) -> bool:
        """Copy an input that was set to `buffer`, which compute reads from now on, until set_input
        is called with another type or shape."""

    def move_output(self, index: int, buffer: memoryview) -> bool:
        """Copy an output that was got to `buffer`. Each compute that succeeds writes the whole
        output there, or returns True: then none of the context's outputs is moved any more."""


def is_movable(context: ExecutionContext) -> TypeGuard[MovableContext]:
    """Whether a context is a MovableContext. To have Python compare it with the protocol would take
    as long as the rest of a context's start."""
    return hasattr(context, "move_input") and hasattr(context, "move_output")


@runtime_checkable
class StreamingContext(ExecutionContext, Protocol):
    """A context whose output can also be had in pieces, as they come."""

    def compute_single(self) -> None:
        """Make the next piece. Raises HostError with `end_of_sequence` after the last one."""

    def get_output_single(self, index: int) -> memoryview:
        """The bytes of the piece. Raises HostError as ExecutionContext.get_output does."""

    def fini_single(self) -> None:
        """Drop the rest: the next piece begins anew."""


class Graph(Protocol):
    """A loaded model, shared by any number of contexts and threads."""

    @property
    def device(self) -> str:
        """Where the model is, by the NN runtime's own word for it, and as far as that can tell."""

    def init_execution_context(self) -> ExecutionContext:
        """A new one, whose inputs are not set. Raises HostError."""


@runtime_checkable
class SharedGraph(Graph, Protocol):
    """A graph whose model can be used with other options than it was loaded with."""

    def with_options(self, options: Options) -> Graph:
        """A graph of the same model, whose contexts begin with these."""


class Quantization(NamedTuple):
    """A value stands for (value - zero point) * scale; one scale for all, or one a channel.
    `type` is that of the values, None where wasi-nn has no such tensor."""

    type: TensorType | None
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]


@runtime_checkable
class QuantizedGraph(Graph, Protocol):
    """A graph that knows which of its inputs and outputs are quantised; None for the others."""

    input_quantization: Sequence[Quantization | None]
    output_quantization: Sequence[Quantization | None]


MODEL_CACHE_SIZE = 10 << 30
"""Bytes by default, as many as sccache keeps.

https://github.com/mozilla/sccache/blob/main/docs/Local.md
"""


class Settings(NamedTuple):
    """What the host asks of its backends: `threads` that one inference may use, None for as many
    as the NN runtime takes; `fast_math`, for less precision than the model's own where that is
    faster; `model_cache`, a folder for what NN runtimes compile, of those that can keep it, and
    `model_cache_size`, its bytes, None for as many as it takes."""

    threads: int | None = None
    fast_math: bool = False
    model_cache: str | None = None
    model_cache_size: int | None = MODEL_CACHE_SIZE


DEFAULTS = Settings()


class Runtime(NamedTuple):
    """An NN runtime: its name and version, and the devices that are there with the target that
    each can serve; of several for one target, the first does."""

    version: str
    devices: Mapping[str, Target]


class Backend(Protocol):
    """Loads models of one encoding. Anything that a method raises except HostError becomes
    `runtime_error` for the guest. One that has an attribute `most_parts` is not given models of
    more parts, which are refused before they are read."""

    def describe(self) -> Runtime:
        """What runs the models, with devices that were looked for, not assumed."""

    def load(self, parts: Sequence[Part], place: Place, options: Options) -> Graph:
        """Load a model from its parts.

        Raises HostError: `invalid_argument` for a wrong number of parts, `unsupported_operation`
        for a place that is not there.
        """


def elements_of(context: ExecutionContext) -> Sequence[Element | None] | None:
    """What the inputs of a context take, None for one that is not a tensor of numbers. None for all
    of them where the model does not say; a context's `input_elements` do."""
    return getattr(context, "input_elements", None)


def check_length(tensor_type: TensorType, shape: tuple[int, ...], size: int) -> None:
    """Raise HostError with `invalid_argument` unless a tensor has as many bytes as its type and
    shape say."""
    needed = prod(shape) * _ELEMENT_SIZES[tensor_type]
    if size != needed:
        raise HostError(
            Errno.INVALID_ARGUMENT,
            f"a {tensor_type.name.lower()} tensor {list(shape)} needs {needed} bytes, got {size}",
        )


_ELEMENT_SIZES = tuple(ELEMENT_SIZE[kind] for kind in sorted(ELEMENT_SIZE))
"""By the types' numbers: a member of an enumeration takes longer to hash than to count with."""


def guarded(call: Callable[..., R], *arguments: object) -> R:
    """Call into a backend: whatever goes wrong in there is a `runtime_error`."""
    try:
        return call(*arguments)
    except HostError:
        raise
    except Exception as error:
        raise failed(error) from error


def failed(error: Exception) -> HostError:
    """What the guest is told where a backend raises anything else than a HostError."""
    return HostError(Errno.RUNTIME_ERROR, f"{type(error).__name__}: {error}")

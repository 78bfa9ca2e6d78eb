"""Inputs and outputs of models, and the checks that every backend needs."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Container, Iterable, Sequence
from math import prod
from typing import NamedTuple, TypeAlias

from rewriter.abi.dialects import ELEMENT_SIZE, Errno, TensorType
from rewriter.suggestions import nearest
from runtime_shim.backends.interface import Element, Names, Options, Output, Part, Settings
from runtime_shim.errors import HostError
from runtime_shim.guest_text import quoted
from runtime_shim.numbers import MOST_THREADS

__all__ = [
    "SETTINGS",
    "TEXT",
    "Dim",
    "Fed",
    "Port",
    "check_booleans",
    "check_input",
    "check_output",
    "check_parts",
    "element_of",
    "most_threads",
    "names_of",
    "no_numbers",
    "not_computed",
    "not_set",
    "output_of",
    "settings_for",
    "warn_of_ignored",
    "with_threads_up_to",
]

log = logging.getLogger("runtime_shim")


SETTINGS = ("threads", "fast-math")
"""The options that override the host's settings for one model."""


_MOST_NAMED = 8
"""So many unknown options are named in a warning."""

_PLAIN = re.compile(r"[A-Za-z0-9_.-]{1,40}")

_NEAR = 0.75
"""Of difflib's ratio: `n_predict` and `n-predict` have 0.89, `wishes` and `image` 0.36."""


Dim: TypeAlias = int | range | None
"""A dimension: its length; a range of possible lengths; or None if it is free."""


_FOREIGN_SIZES = {
    "bool": 1, "i8": 1, "f8": 1, "i16": 2, "u16": 2, "bf16": 2, "u32": 4, "u64": 8,
}  # fmt: skip
"""Types that wasi-nn lacks are passed as u8, with this many bytes per element."""

_TAKEN_FOR_BYTES = (TensorType.F16, TensorType.F32, TensorType.U8, TensorType.I32)

TEXT = Element(TensorType.U8, 1, name="text", bytes_of=_TAKEN_FOR_BYTES)
"""What WasmEdge accepts as a prompt, whatever its dimensions are.

https://github.com/WasmEdge/WasmEdge/blob/d516c5d/plugins/wasi_nn/wasinnfunc.cpp (set_input)
"""

_ELEMENTS = {
    **{
        kind.name.lower(): Element(kind, size, name=kind.name.lower())
        for kind, size in ELEMENT_SIZE.items()
    },
    **{
        name: Element(TensorType.U8, size, name == "bool", name)
        for name, size in _FOREIGN_SIZES.items()
    },
    TEXT.name: TEXT,
}


def element_of(name: str) -> Element | None:
    """How elements of a type are passed, by its short name (f32, bf16, bool); None for strings, for
    types of less than a byte, and for everything else that is not a number of whole bytes."""
    return _ELEMENTS.get(name)


class Port(NamedTuple):
    """An input or output of a model. `described_type` is its type in the NN runtime's words.
    `element` is None if it is not a tensor of numbers, and `dims` is None if even the number of
    dimensions is free. An `optional` input need not be set."""

    name: str
    described_type: str
    element: Element | None
    dims: tuple[Dim, ...] | None
    optional: bool = False

    @property
    def fixed_shape(self) -> tuple[int, ...] | None:
        """The shape, if the model fixes the length of each dimension."""
        fixed = tuple(dim for dim in self.dims or () if isinstance(dim, int))
        return fixed if self.dims is not None and len(fixed) == len(self.dims) else None

    def accepts(self, shape: tuple[int, ...]) -> bool:
        if self.dims is None:
            return True
        if len(shape) != len(self.dims):
            return False
        for mine, given in zip(self.dims, shape, strict=True):  # faster than `all`
            if mine is not None and (
                given not in mine if isinstance(mine, range) else given != mine
            ):
                return False
        return True

    def __str__(self) -> str:
        dims = "..." if self.dims is None else ", ".join(map(_spelled, self.dims))
        return f"{quoted(self.name)}, {self.described_type} [{dims}]"


def names_of(inputs: Sequence[Port], outputs: Sequence[Port]) -> Names:
    """The names of a model's inputs and outputs."""
    return Names([port.name for port in inputs], [port.name for port in outputs])


def _spelled(dim: Dim) -> str:
    if isinstance(dim, range):
        return f"{dim.start}..{dim.stop - 1}"
    return "?" if dim is None else str(dim)


class Fed(NamedTuple):
    """The last tensor of an input, and its buffer. A tensor like it need not be checked."""

    type: TensorType
    shape: tuple[int, ...]
    data: memoryview
    boolean: bool = False

    def is_like(self, tensor_type: TensorType, shape: tuple[int, ...], size: int) -> bool:
        """Whether a tensor of `size` bytes can be written over this one."""
        return self.type is tensor_type and self.shape == shape and len(self.data) == size


def settings_for(backend: str, settings: Settings, options: Options) -> Settings:
    """The host's settings, changed by a model's options `threads` and `fast-math`. Other options
    are ignored, with a warning.

    Raises HostError with `invalid_argument` for an invalid value.
    """
    options = dict(options)
    threads = options.pop("threads", settings.threads)
    fast_math = options.pop("fast-math", settings.fast_math)
    warn_of_ignored(backend, tuple(options))
    if threads is not None and not (type(threads) is int and 0 < threads <= MOST_THREADS):
        raise _senseless("threads", threads)
    if not isinstance(fast_math, bool):
        raise _senseless("fast-math", fast_math)
    return settings._replace(threads=threads, fast_math=fast_math)


def warn_of_ignored(
    backend: str,
    names: Sequence[str],
    graph: str | None = None,
    known: Iterable[str] = SETTINGS,
) -> None:
    """Warn of unknown options, those of a named graph with its name, and suggest `known` ones."""
    if names:
        where = "" if graph is None else f"named graph {graph!r}: "
        said = ", ".join(_suggested(name, known) for name in names[:_MOST_NAMED])
        if len(names) > _MOST_NAMED:
            said += f" and {len(names) - _MOST_NAMED} more"
        log.warning("warning: %sthe %s backend ignores unknown options: %s", where, backend, said)


def _suggested(name: str, known: Iterable[str]) -> str:
    if not _PLAIN.fullmatch(name):  # a guest may have put anything there
        return quoted(name)
    near = nearest(name, known, _NEAR)
    return f"{name} (did you mean {near}?)" if near else name


def _senseless(option: str, value: object) -> HostError:
    return HostError(Errno.INVALID_ARGUMENT, f"the option {option} cannot be {quoted(value)}")


def most_threads(settings: Settings) -> int:
    """Maximum number of threads of one inference, whatever a guest asks for."""
    return settings.threads or len(os.sched_getaffinity(0))


def with_threads_up_to(most: int, options: Options) -> Options:
    """A guest's options, with the number of threads limited to `most`."""
    threads = options.get("threads")
    return {**options, "threads": most} if type(threads) is int and threads > most else options


def check_parts(what: str, parts: Sequence[Part], *counts: int) -> None:
    """Raise HostError with `invalid_argument` for any other number of parts."""
    if len(parts) not in counts:
        expected = " or ".join(map(str, counts))
        raise HostError(
            Errno.INVALID_ARGUMENT,
            f"{what} takes {expected} builder{'s' * (counts != (1,))}, got {len(parts)}",
        )


def check_input(
    inputs: Sequence[Port],
    index: int,
    tensor_type: TensorType,
    shape: tuple[int, ...],
    data: memoryview,
) -> Element:
    """The elements of an input, after checking a tensor for it. Raises HostError as
    ExecutionContext.set_input promises."""
    if index >= len(inputs):
        raise HostError(
            Errno.INVALID_ARGUMENT, f"no input {index}: the model has {len(inputs)} inputs"
        )
    port = inputs[index]
    if port.element is None:
        raise HostError(
            Errno.UNSUPPORTED_OPERATION,
            f"input {index} ({port}) has a type that no wasi-nn tensor can have",
        )
    if tensor_type is not port.element.type or not port.accepts(shape):
        raise HostError(
            Errno.INVALID_ARGUMENT,
            f"input {index} ({port}) was given {tensor_type.name.lower()} {list(shape)}",
        )
    needed = prod(shape) * port.element.size
    if len(data) != needed:
        raise HostError(
            Errno.INVALID_ARGUMENT,
            f"input {index} ({port}) of shape {list(shape)} needs {needed} bytes, got {len(data)}",
        )
    if port.element.boolean:
        check_booleans(index, data)
    return port.element


def check_booleans(index: int, data: memoryview) -> None:
    """Raise HostError with `invalid_argument` for bytes other than 0 and 1. NN runtimes add them up
    to count the true ones, and would return that many elements."""
    if bytes(data).translate(None, b"\0\1"):
        raise HostError(
            Errno.INVALID_ARGUMENT, f"input {index} is bool, but contains bytes other than 0 and 1"
        )


def not_set(inputs: Sequence[Port], fed: Container[int]) -> HostError | None:
    """The error of compute if an input is missing; None if all required inputs are set."""
    for index, port in enumerate(inputs):
        if index not in fed and not port.optional:
            return HostError(Errno.RUNTIME_ERROR, f"input {index} ({port}) is not set")
    return None


def no_numbers(index: int, port: Port) -> HostError:
    """The error of get_output for an output that cannot be represented as bytes."""
    return HostError(
        Errno.UNSUPPORTED_OPERATION, f"output {index} ({port}) is not a tensor of numbers"
    )


def check_output(outputs: Sequence[Port], index: int, computed: bool) -> Port:
    """The output with an index. Raises HostError as ExecutionContext.get_output promises."""
    if index >= len(outputs):
        raise HostError(
            Errno.INVALID_ARGUMENT, f"no output {index}: the model has {len(outputs)} outputs"
        )
    if not computed:
        raise not_computed()
    return outputs[index]


def output_of(port: Port, shape: tuple[int, ...], data: memoryview) -> Output:
    """An output of numbers after compute."""
    assert port.element is not None  # noqa: S101 - get_output refuses such a port
    return Output(port.element, shape, data)


def not_computed() -> HostError:
    """The error of get_output before the first successful compute."""
    return HostError(Errno.RUNTIME_ERROR, "there is no output before compute has succeeded")

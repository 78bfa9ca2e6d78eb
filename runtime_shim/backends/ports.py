"""Inputs and outputs of models, and what every backend has to check about them."""

from __future__ import annotations

import logging
from collections.abc import Container, Sequence
from typing import NamedTuple

from rewriter.dialects import Errno, TensorType
from runtime_shim.backends.base import Options, Part, Settings
from runtime_shim.errors import HostError

__all__ = [
    "Fed",
    "Port",
    "check_input",
    "check_output",
    "check_parts",
    "not_computed",
    "not_set",
    "settings_for",
]

log = logging.getLogger("runtime_shim")

_MOST_THREADS = 1024
"""A guest can set them: no more than NN runtimes can start."""


class Port(NamedTuple):
    """An input or output of a model. `described_type` is the NN runtime's word for its type;
    `type` is None where wasi-nn has no such tensor, and a dimension is None where it is free."""

    name: str
    described_type: str
    type: TensorType | None
    dims: tuple[int | None, ...]

    def accepts(self, shape: tuple[int, ...]) -> bool:
        return len(shape) == len(self.dims) and all(
            mine is None or mine == given for mine, given in zip(self.dims, shape, strict=True)
        )

    def __str__(self) -> str:
        dims = ", ".join("?" if dim is None else str(dim) for dim in self.dims)
        return f"{self.name!r}, {self.described_type} [{dims}]"


class Fed(NamedTuple):
    """What an input was last given, and where its bytes go: the same again need not be checked."""

    type: TensorType
    shape: tuple[int, ...]
    data: memoryview


def settings_for(backend: str, settings: Settings, options: Options) -> Settings:
    """The host's settings with what a model's options say: `threads`, `fast-math`. Other options
    are ignored, with a warning.

    Raises HostError with `invalid_argument` for a value that makes no sense.
    """
    options = dict(options)
    threads = options.pop("threads", settings.threads)
    fast_math = options.pop("fast-math", settings.fast_math)
    if options:
        log.warning("the %s backend has no options %s, and ignores them", backend, list(options))
    if threads is not None and not (type(threads) is int and 0 < threads <= _MOST_THREADS):
        raise HostError(Errno.INVALID_ARGUMENT, f"the option threads cannot be {threads!r}")
    if not isinstance(fast_math, bool):
        raise HostError(Errno.INVALID_ARGUMENT, f"the option fast-math cannot be {fast_math!r}")
    return settings._replace(threads=threads, fast_math=fast_math)


def check_parts(what: str, parts: Sequence[Part], *counts: int) -> None:
    """HostError with `invalid_argument` for another number of parts."""
    if len(parts) not in counts:
        expected = " or ".join(map(str, counts))
        raise HostError(
            Errno.INVALID_ARGUMENT, f"{what} has builders: {expected}, and not {len(parts)}"
        )


def check_input(
    inputs: Sequence[Port], index: int, tensor_type: TensorType, shape: tuple[int, ...]
) -> Port:
    """The input of an index. Raises the HostError that ExecutionContext.set_input promises."""
    if index >= len(inputs):
        raise HostError(Errno.INVALID_ARGUMENT, f"input {index} of a model that has {len(inputs)}")
    port = inputs[index]
    if port.type is None:
        raise HostError(
            Errno.UNSUPPORTED_OPERATION,
            f"input {index} ({port}) is of a type that no wasi-nn tensor has",
        )
    if tensor_type is not port.type or not port.accepts(shape):
        raise HostError(
            Errno.INVALID_ARGUMENT,
            f"input {index} ({port}) was given {tensor_type.name.lower()} {list(shape)}",
        )
    return port


def not_set(inputs: Sequence[Port], fed: Container[int]) -> HostError:
    """What compute raises where not all inputs are among those that were fed."""
    index = next(index for index in range(len(inputs)) if index not in fed)
    return HostError(Errno.RUNTIME_ERROR, f"input {index} ({inputs[index]}) is not set")


def check_output(outputs: Sequence[Port], index: int, computed: bool) -> Port:
    """The output of an index. Raises the HostError that ExecutionContext.get_output promises."""
    if index >= len(outputs):
        raise HostError(
            Errno.INVALID_ARGUMENT, f"output {index} of a model that has {len(outputs)}"
        )
    if not computed:
        raise not_computed()
    return outputs[index]


def not_computed() -> HostError:
    """What get_output raises where there is no output yet."""
    return HostError(Errno.RUNTIME_ERROR, "there is no output before compute has succeeded")

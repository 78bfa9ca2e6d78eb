"""Inputs and outputs of models, and what every backend has to check about them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from rewriter.dialects import Errno, Target, TensorType
from runtime_shim.backends.base import Options
from runtime_shim.errors import HostError

__all__ = [
    "Port",
    "check_builders",
    "check_input",
    "check_output",
    "check_target",
    "ignore_options",
    "not_set",
]

log = logging.getLogger("runtime_shim")


@dataclass(frozen=True)
class Port:
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


def ignore_options(backend: str, options: Options) -> None:
    """Say that a backend which has no options was given some."""
    if options:
        log.warning("the %s backend has no options, and ignores %s", backend, ", ".join(options))


def check_builders(what: str, builders: Sequence[bytes], *counts: int) -> None:
    """HostError with `invalid_argument` for another number of parts."""
    if len(builders) not in counts:
        expected = " or ".join(map(str, counts))
        raise HostError(
            Errno.INVALID_ARGUMENT, f"{what} has builders: {expected}, and not {len(builders)}"
        )


def check_target(backend: str, target: Target, known: Sequence[Target]) -> None:
    """HostError with `unsupported_operation` for a target that the backend never has."""
    if target not in known:
        names = ", ".join(item.name.lower() for item in known)
        raise HostError(
            Errno.UNSUPPORTED_OPERATION,
            f"the {backend} backend runs on {names}, and the guest asks for {target.name.lower()}",
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


def not_set(inputs: Sequence[Port], index: int) -> HostError:
    """What compute raises where an input is missing."""
    return HostError(Errno.RUNTIME_ERROR, f"input {index} ({inputs[index]}) is not set")


def check_output(outputs: Sequence[Port], index: int, computed: bool) -> Port:
    """The output of an index. Raises the HostError that ExecutionContext.get_output promises."""
    if index >= len(outputs):
        raise HostError(
            Errno.INVALID_ARGUMENT, f"output {index} of a model that has {len(outputs)}"
        )
    if not computed:
        raise HostError(Errno.RUNTIME_ERROR, "there is no output before compute has succeeded")
    return outputs[index]

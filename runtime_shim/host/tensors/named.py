"""Tensors by name, with types and shapes, as components use them. Exceptions of backends pass
through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from types import MappingProxyType
from typing import NamedTuple

from rewriter.abi.dialects import Errno, TensorType
from rewriter.abi.numbers import ComponentType
from runtime_shim.backends.common.tensor_info import not_computed
from runtime_shim.backends.interface import (
    DescribedContext,
    ExecutionContext,
    elements_of,
    is_described,
)
from runtime_shim.errors import HostError
from runtime_shim.guest_text import quoted

__all__ = [
    "NamedTensor",
    "check_bf16",
    "core_type",
    "input_index",
    "output_index",
    "output_of",
    "outputs_of",
]

_BF16 = "bf16"
"""The short name of the type that components have and core modules do not."""

_CORE = tuple(None if kind.name == "BF16" else TensorType[kind.name] for kind in ComponentType)
"""Indexed by numbers of ComponentType; None for the type that core modules lack."""

_TYPES: Mapping[str, ComponentType] = MappingProxyType(
    {kind.name.lower(): kind for kind in ComponentType}
)
"""By the short names of elements. Elements of other types are bytes."""

_MOST_DIGITS = 10
"""Of an index, which is a u32."""


class NamedTensor(NamedTuple):
    """An output after compute. `shape` counts the model's elements: a type that wasi:nn lacks is U8
    with the shape that the model gives it, and with as many bytes for each element as the model's
    type has. `data` is valid until the next compute of the context."""

    name: str
    type: ComponentType
    shape: tuple[int, ...]
    data: memoryview


def input_index(context: ExecutionContext, name: str) -> int:
    """The index of an input: the one that the model calls so, otherwise the one with this index in
    decimal digits. Raises HostError with `invalid_argument` and the names that exist."""
    if not is_described(context):
        return _index("input", name, None)
    names = context.names
    index = names.input_index(name)
    return _index("input", name, names.inputs) if index is None else index


def output_index(context: ExecutionContext, name: str) -> int:
    """Like `input_index`, for an output."""
    if not is_described(context):
        return _index("output", name, None)
    names = context.names
    index = names.output_index(name)
    return _index("output", name, names.outputs) if index is None else index


def _index(kind: str, name: str, known: Sequence[str] | None) -> int:
    """The index that a name states. `known` are the model's names, None if it has none."""
    if name.isascii() and name.isdecimal() and len(name) <= _MOST_DIGITS:
        index = int(name)
        if known is None or index < len(known):
            return index
    there = "can only be given by index" if known is None else f"are {quoted(list(known))}"
    raise HostError(
        Errno.INVALID_ARGUMENT, f"no {kind} {quoted(name)}: the model's {kind}s {there}"
    )


def core_type(context: ExecutionContext, index: int, tensor_type: ComponentType) -> TensorType:
    """The type as which a context takes a tensor. BF16 is for inputs of bf16 only, and its elements
    are passed as bytes, as by core modules, which have no number for it. Raises HostError with
    `invalid_argument` for BF16 for another input."""
    core = _CORE[tensor_type]
    if core is not None:
        return core
    elements = elements_of(context)
    element = elements[index] if elements is not None and index < len(elements) else None
    if element is None or element.name != _BF16:
        has = "" if element is None else f", which is {element.name}"
        raise HostError(Errno.INVALID_ARGUMENT, f"input {index}{has} does not accept bf16")
    return element.type


def check_bf16(shape: tuple[int, ...], data: memoryview) -> None:
    """Raise HostError with `invalid_argument` unless `data` has the bytes of a bf16 tensor."""
    needed = 2 * prod(shape)
    if len(data) != needed:
        raise HostError(
            Errno.INVALID_ARGUMENT,
            f"a bf16 tensor {list(shape)} needs {needed} bytes, got {len(data)}",
        )


def output_of(context: ExecutionContext, index: int) -> NamedTensor:
    """An output after compute. Raises HostError as ExecutionContext.get_output promises."""
    if is_described(context):
        return _described(context, index)
    return _bytes(index, context.get_output(index))


def outputs_of(context: ExecutionContext) -> list[NamedTensor]:
    """All outputs after compute, in the model's order.

    Raises HostError with `unsupported_operation` if one of them is not a tensor of numbers. If it
    were left out, the others would not be where a guest expects them.
    """
    if is_described(context):
        names = context.names
        if names.outputs is None:
            raise not_computed()
        return [_described(context, index) for index in range(len(names.shown))]
    found: list[NamedTensor] = []
    try:
        while True:
            found.append(_bytes(len(found), context.get_output(len(found))))
    except HostError as error:
        if error.errno is not Errno.INVALID_ARGUMENT:
            raise
    return found


def _described(context: DescribedContext, index: int) -> NamedTensor:
    output = context.output(index)
    kind = _TYPES.get(output.element.name, ComponentType.U8)
    return NamedTensor(context.names.shown[index], kind, output.shape, output.data)


def _bytes(index: int, data: memoryview) -> NamedTensor:
    """An output of a context that knows nothing but its bytes."""
    return NamedTensor(str(index), ComponentType.U8, (len(data),), data)

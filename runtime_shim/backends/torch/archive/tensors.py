"""Tensors in TorchScript's pickles: whether they are inside the archive's records.

PyTorch sets a tensor's shape and strides, and a storage's length, without checking the record.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from types import MappingProxyType

from runtime_shim.backends.torch.archive.values import (
    Container,
    Opaque,
    Storage,
    Tensor,
    Tuple,
    Value,
)
from runtime_shim.guest_text import quoted

__all__ = ["LAYOUTS", "QUANTIZATIONS", "Records", "quantized", "tensor"]

LAYOUTS: Mapping[str, int] = MappingProxyType(
    {
        f"torch {kind}Storage": size
        for size, kinds in {
            1: "Byte Char Bool QInt8 QUInt8 Float8_e5m2 Float8_e4m3fn Float8_e5m2fnuz"
            " Float8_e4m3fnuz",
            2: "Short Half BFloat16 UInt16",
            4: "Int Float QInt32 UInt32 ComplexHalf",
            8: "Long Double UInt64 ComplexFloat",
            16: "ComplexDouble",
        }.items()
        for kind in kinds.split()
    }
)
"""The types of storages, with the size of an element in bytes. Types with several elements in a
byte are not supported.

https://github.com/pytorch/pytorch/blob/main/torch/headeronly/core/ScalarType.h
"""

QUANTIZATIONS = frozenset(
    f"torch per_{what}"
    for what in ("tensor_affine", "channel_affine", "channel_affine_float_qparams")
)

_MOST_DIMENSIONS = 64
"""The maximum that most operators accept."""

_LARGEST = (1 << 63) - 1
"""The largest count in PyTorch."""


class Records:
    """The records with a pickle's storages, by name, with their sizes in bytes."""

    def __init__(self, folder: str, sizes: Mapping[str, int]) -> None:
        self._folder = folder
        self._sizes = sizes
        self._found: dict[str, Storage] = {}

    def storage(self, word: Value, kind: Value, key: Value, device: Value, count: Value) -> Storage:
        """The storage of a key. Raises ValueError if its record does not have the stated length."""
        if word != "storage" or not isinstance(key, str) or not isinstance(device, str):
            raise ValueError("a storage is not described in PyTorch's form")
        if not isinstance(kind, Opaque) or kind.type != "storage" or type(count) is not int:
            raise ValueError(f"the storage {quoted(key)} has no type or no length")
        name = f"{self._folder}/{key}"
        needed = count * LAYOUTS[kind.text]
        if count < 0 or (count > 0 and needed > self._sizes.get(name, -1)):
            raise ValueError(
                f"the storage {name} needs {needed} bytes, but the size of its record is "
                f"{self._sizes.get(name, 'unknown')}"
            )
        found = self._found.setdefault(key, Storage(name, kind.text, count))
        if (found.kind, found.count) != (kind.text, count):
            raise ValueError(f"the storage {name} has two types or lengths")
        return found


def tensor(
    storage: Value,
    offset: Value,
    shape: Value,
    strides: Value,
    requires_grad: Value,
    hooks: Value,
    bits: Value = None,
) -> Tensor:
    """A tensor, which is a view of a storage. Raises ValueError if it extends beyond it."""
    made = _view(storage, offset, shape, strides, requires_grad, hooks)
    flags = bits.items or () if isinstance(bits, Container) and bits.kind == "Dict" else ()
    if bits is not None and not (
        isinstance(bits, Container)
        and all(name in ("conj", "neg") for name in flags[::2])
        and all(type(flag) is bool for flag in flags[1::2])
    ):
        raise ValueError("a tensor has flags other than conj and neg")
    if made.kind.startswith("torch Q"):
        raise ValueError("a quantized storage belongs to a tensor that is not quantized")
    return made


def quantized(
    storage: Value,
    offset: Value,
    shape: Value,
    strides: Value,
    parameters: Value,
    requires_grad: Value,
    hooks: Value,
) -> Tensor:
    """A quantized tensor, with one scale for all, or one per channel."""
    made = _view(storage, offset, shape, strides, requires_grad, hooks)
    if not made.kind.startswith("torch Q") or not isinstance(parameters, Tuple):
        raise ValueError("a quantized tensor has no quantized storage, or no scales")
    scheme, *values = parameters.items
    if not isinstance(scheme, Opaque) or scheme.type != "quantization":
        raise ValueError("a tensor is quantized in an unknown way")
    if scheme.text == "torch per_tensor_affine":
        scale, zero_point = values
        if type(scale) is not float or type(zero_point) is not int:
            raise ValueError("a quantized tensor has no scale or zero point")
        return made
    scales, zero_points, axis = values
    if type(axis) is not int or not 0 <= axis < len(made.shape):
        raise ValueError("a quantized tensor has channels along a dimension that does not exist")
    for each in (scales, zero_points):
        if not isinstance(each, Tensor) or each.shape != (made.shape[axis],):
            raise ValueError("a quantized tensor needs one scale and zero point per channel")
    return made


def _view(
    storage: Value,
    offset: Value,
    shape: Value,
    strides: Value,
    requires_grad: Value,
    hooks: Value,
) -> Tensor:
    if not isinstance(storage, Storage) or type(offset) is not int or offset < 0:
        raise ValueError("a tensor has no storage or no offset")
    if type(requires_grad) is not bool or hooks is not None:
        raise ValueError("a tensor is not described in PyTorch's form")
    sizes, steps = _integers(shape), _integers(strides)
    if len(sizes) != len(steps) or len(sizes) > _MOST_DIMENSIONS:
        raise ValueError(f"a tensor has {len(sizes)} dimensions and {len(steps)} strides")
    nonzero = prod(max(size, 1) for size in sizes)
    if (
        nonzero * LAYOUTS[storage.kind] > _LARGEST
        or max((*sizes, *steps, offset), default=0) > _LARGEST // 16
    ):
        raise ValueError(f"a tensor of shape {list(sizes)} is too large")
    last = offset + sum((size - 1) * step for size, step in zip(sizes, steps, strict=True))
    if 0 in sizes:
        last = offset - 1
    if last >= storage.count:
        raise ValueError(
            f"a tensor's last element has index {last}, but {storage.record} has "
            f"{storage.count} elements"
        )
    return Tensor(storage.kind, sizes)


def _integers(value: Value) -> tuple[int, ...]:
    if not isinstance(value, Tuple) or value.name:
        raise ValueError("a tensor's shape or strides are not a tuple")
    numbers = []
    for number in value.items:
        if type(number) is not int or number < 0:
            raise ValueError(f"a tensor's shape or strides contain {quoted(number)}")
        numbers.append(number)
    return tuple(numbers)

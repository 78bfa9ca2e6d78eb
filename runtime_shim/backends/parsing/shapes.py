"""How much a tensor of a stated shape holds."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["PLENTY", "bytes_for", "elements"]

PLENTY = 1 << 63
"""More elements than any file has bytes."""


def elements(dims: Sequence[int]) -> int:
    """The product of dimensions; of more than 2 ** 63, any number that is as large. Raises
    ValueError for a negative dimension."""
    if any(dim < 0 for dim in dims):
        raise ValueError("a dimension is negative")
    if 0 in dims:
        return 0
    product = 1
    for dim in dims:
        product *= dim
        if product > PLENTY:
            break
    return product


def bytes_for(count: int, bits: int) -> int:
    """Bytes that so many elements of so many bits take, packed."""
    return (count * bits + 7) // 8

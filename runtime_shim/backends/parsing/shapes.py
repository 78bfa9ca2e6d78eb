"""The number of elements and bytes of a tensor."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["PLENTY", "bytes_for", "elements"]

PLENTY = 1 << 63
"""More elements than any file has bytes."""


def elements(dims: Sequence[int]) -> int:
    """The product of the dimensions; if it exceeds 2 ** 63, some number that does as well. Raises
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
    """The size in bytes of `count` packed elements of `bits` bits."""
    return (count * bits + 7) // 8

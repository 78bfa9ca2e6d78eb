"""Results that depend on some bytes alone, kept by these bytes. Modules share functions: thousands
of guests are linked with the same C library."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

__all__ = ["Remembered"]

_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")

_EACH = 200
"""Bytes that Python needs for each result, besides the key's own."""


class Remembered(Generic[_K, _V]):
    """The results so far, by their keys. All are forgotten when they would take more than about
    `most` bytes."""

    def __init__(self, most: int) -> None:
        self.known: dict[_K, _V] = {}
        self._most = most
        self._taken = 0

    def keep(self, key: _K, size: int, value: _V) -> _V:
        """Keep a result. `size` is the number of bytes in the key and the value."""
        if self._taken + size + _EACH > self._most:
            self.forget()
        self._taken += size + _EACH
        self.known[key] = value
        return value

    def forget(self) -> None:
        """Forget all results."""
        self.known.clear()
        self._taken = 0

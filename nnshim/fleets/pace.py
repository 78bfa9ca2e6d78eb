"""How many inputs go to a worker at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from time import monotonic
from typing import TypeVar

from nnshim.fleets.values import Item

__all__ = ["Pace"]

Other = TypeVar("Other")

_SECONDS = 0.25
"""What a chunk takes: so much more than it takes to hand it over that this hardly counts, and
little enough that no worker waits long for the last one."""

_MOST = 64
_LARGEST = 4 << 20
"""Inputs in a chunk, and bytes of them, except where there is only one."""

_WEIGHT = 0.1
"""Of the last input in the mean."""

_SLOW = 0.01
"""Seconds until the next input is there. If it takes so much, and more than a worker does for one,
no worker waits for others."""


class Pace:
    """Learns from what inputs take how many there are in the next chunk."""

    def __init__(self, most: int | None = None) -> None:
        """`most` is how many inputs a chunk has at most; None for what is good for most guests."""
        self._most = _MOST if most is None else most
        self._mean: float | None = None

    def took(self, seconds: float) -> None:
        """One input took so long."""
        mean = seconds if self._mean is None else self._mean
        self._mean = mean + _WEIGHT * (seconds - mean)

    @property
    def _size(self) -> int:
        if self._mean is None:
            return 1
        return max(1, min(self._most, int(_SECONDS / max(self._mean, 1e-9))))

    def chunks(self, items: Iterable[Item | Other]) -> Iterator[Sequence[Item | Other]]:
        """All of them. What is not an item passes alone, at once."""
        chunk: list[Item] = []
        size = 0
        source = iter(items)
        while True:
            since = monotonic()
            try:
                item = next(source)
            except StopIteration:
                break
            is_slow = monotonic() - since > max(_SLOW, self._mean or 0)
            if not isinstance(item, Item):
                yield [item]
                continue
            length = len(item.input.stdin)
            if chunk and (len(chunk) >= self._size or size + length > _LARGEST):
                yield chunk
                chunk, size = [], 0
            chunk.append(item)
            size += length
            if is_slow or len(chunk) >= self._size:
                yield chunk
                chunk, size = [], 0
        if chunk:
            yield chunk

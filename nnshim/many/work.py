"""What is done with many items."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

__all__ = ["Work"]

Item = TypeVar("Item")
Found = TypeVar("Found")


class Work(NamedTuple, Generic[Item, Found]):
    """What is done with items, a list of them at a time, here or in a process; so it has to be
    pickled, and the items, too. `lost` is what is found in an item at which a process ended, by how
    it did. `stays` says which items only this process can work on."""

    do: Callable[[Sequence[Item]], list[Found]]
    lost: Callable[[Item, str], Found]
    stays: Callable[[Item], bool]

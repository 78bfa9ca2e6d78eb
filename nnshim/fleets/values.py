"""What goes into a fleet of guests, and what comes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from rewriter.errors import NNShimError

if TYPE_CHECKING:
    from runtime_shim import GraphStats, Outcome

__all__ = ["GuestInput", "Item", "MapResult", "Ran"]


class GuestInput(NamedTuple):
    """What one guest of many gets: its standard input, and arguments that follow those of all."""

    stdin: bytes = b""
    args: Sequence[str] = ()


class MapResult(NamedTuple):
    """What came of one input. `number` is its place among the inputs, from 0.

    `error` is None if the guest succeeded. It is GuestFailed if the guest ended in another way,
    HostHarm if the host that it is run as would have corrupted memory, ToolError if the process
    that ran it ended, and InputError if a file of a model was replaced since the first input was
    taken. `outcome` says how the guest ended, with what it has written to its standard output and
    standard error; it is None if the guest has not come to an end. `seconds` is how long it ran.
    """

    number: int
    input: GuestInput
    outcome: Outcome | None
    error: NNShimError | None
    seconds: float


class Item(NamedTuple):
    """An input on its way to a worker."""

    number: int
    input: GuestInput


class Ran(NamedTuple):
    """What a worker says of an item. `stats` are what its host has loaded and run for it."""

    number: int
    outcome: Outcome | None
    error: NNShimError | None
    seconds: float
    stats: Sequence[GraphStats] = ()

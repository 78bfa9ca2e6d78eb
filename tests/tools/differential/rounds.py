"""What a guest does in one round, chosen before it runs, and what has to come of it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tests.tools.differential.directly import Runtime
from tests.tools.differential.kinds import Array, drawn
from tests.tools.differential.networks import Input, Network

__all__ = ["Expected", "Read", "Round", "expect", "plan"]


class Read(NamedTuple):
    """`room` is how many bytes more, or fewer, than the output has the guest gives it."""

    output: int
    room: int


class Round(NamedTuple):
    """`wrong` are inputs that are first set with a dimension too many."""

    sets: tuple[tuple[int, Array], ...]
    wrong: tuple[int, ...]
    reads: tuple[Read, ...]


Expected = list[bytes | None] | None
"""Outputs, None for one that is not a tensor; None where the runtime refuses, or an input is not
there."""


def plan(
    choose: random.Random, network: Network, runtime: Runtime, count: int, *, stray: bool
) -> list[Round]:
    """Rounds in which sizes change where they are free, and in some of which something is wrong;
    with `stray`, an index is too large now and then.

    Inputs are in the model's order, outputs are drawn for as many as the model can have.
    """
    by_name = {item.value.name: item for item in network.inputs}
    inputs = [by_name[name] for name in runtime.inputs]
    outputs = runtime.outputs or len(network.outputs)
    picky = runtime.outputs is not None  # TorchScript's arguments take any shape
    fixed = choose.random() < 0.3  # the same shapes in all rounds, as the fast path has it
    sizes = _sizes(choose)
    rounds = []
    for number in range(count):
        if not fixed and choose.random() < 0.4:
            sizes = _sizes(choose)
        chosen = [place for place in range(len(inputs)) if choose.random() < 0.85]
        if number == 0 and choose.random() < 0.8:
            chosen = list(range(len(inputs)))
        choose.shuffle(chosen)
        wrong = [place for place in chosen if choose.random() < 0.05 and picky]
        sets = [(place, _fed(choose, inputs[place], sizes, stray)) for place in chosen]
        reads = [place for place in range(outputs) if choose.random() < 0.85]
        reads += [place for place in range(outputs) if choose.random() < 0.15]
        choose.shuffle(reads)
        rooms = [choose.choice((0, 0, 0, 1, 4, 64, -1, -4)) for _ in reads]
        asked = tuple(Read(*pair) for pair in zip(reads, rooms, strict=True))
        rounds.append(Round(tuple(sets), tuple(wrong), asked))
    return rounds


def _sizes(choose: random.Random) -> dict[str, int]:
    """Of what is free; often the same for all, so that shapes that have to fit do."""
    one = choose.choice((0, 1, 2, 2, 3, 4))
    same = choose.random() < 0.5
    return {name: one if same else choose.choice((0, 1, 2, 3, 4)) for name in ("a", "b", "c", "n")}


def _fed(choose: random.Random, item: Input, sizes: dict[str, int], stray: bool) -> Array:
    dims = item.value.dims or ()
    shape = tuple(dim if isinstance(dim, int) else sizes[str(dim)] for dim in dims)
    if item.most is None:
        return drawn(choose, item.value.kind, shape)
    if stray and item.is_index and choose.random() < 0.1:
        return np.full(shape, 99, item.value.kind.dtype)
    return np.asarray(abs(drawn(choose, item.value.kind, shape)) % (item.most + 1))


def expect(runtime: Runtime, rounds: Sequence[Round]) -> list[Expected]:
    """What the runtime gives for the inputs that each round has, those of earlier ones included."""
    fed: dict[int, Array] = {}
    results: list[Expected] = []
    for each in rounds:
        fed.update(each.sets)
        if len(fed) < len(runtime.inputs):
            results.append(None)
            continue
        try:
            results.append(runtime.run([fed[place] for place in range(len(fed))]))
        except Exception:  # noqa: BLE001 - every runtime has errors of its own
            results.append(None)
    return results

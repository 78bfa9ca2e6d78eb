"""Runs a guest for many inputs, and gives back what came of each as soon as it is there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

from nnshim.fleets.guests import Guest, Guests, lost, most_at_once
from nnshim.fleets.pace import Pace
from nnshim.fleets.values import Item, Ran
from nnshim.many.engines.interface import Engine
from nnshim.many.engines.processes import Processes
from nnshim.many.pool import Workers
from nnshim.many.work import Work
from rewriter.errors import UsageError

__all__ = ["Where", "check_gpus", "run_all"]

Other = TypeVar("Other")

_TRIES = 2
"""Workers that end at an input, alone, before it is given up."""

Where = int | str | None
"""A number of processes of this machine, None for as many as there are cores; or the address of a
Ray cluster."""


def run_all(
    guest: Guest,
    items: Iterable[Item | Other],
    workers: Where,
    gpus: float | None = None,
    *,
    chunksize: int | None = None,
) -> Iterator[Ran | Other]:
    """What came of each item, once it is known; what is not an item comes back unchanged. No
    further item is taken before a worker is free for it and, if `chunksize`, the most items that a
    worker gets at once, is 1, before what has come is given back. The workers end with this
    iterator. Raises what is about all items, such as LinkError, and ToolError if workers cannot be
    started, and UsageError for `gpus`, which are those of each worker in a cluster, that cannot
    be."""
    pace = Pace(chunksize)
    work: Work[Item | Other, Ran | Other] = Work(_passed, partial(_lost, guest), _passes)
    with Workers(work, _engine(guest, workers, gpus), ordered=False, tries=_TRIES) as crew:
        for chunk in crew.go_through(pace.chunks(items), results_first=chunksize == 1):
            for ran in chunk:
                if isinstance(ran, Ran):
                    pace.took(ran.seconds)
                yield ran


def _engine(guest: Guest, workers: Where, gpus: float | None) -> Engine:
    check_gpus(workers, gpus)
    if not isinstance(workers, str):
        return Processes(Guests(guest), most_at_once(workers))
    from nnshim.fleets.remote.placed import placed_guests
    from nnshim.many.engines.actors import Actors
    from nnshim.many.options import RAY, is_cluster

    if not is_cluster(workers):
        raise UsageError(f"workers cannot be {workers!r}: expected a number, or {RAY}HOST[:PORT]")
    if gpus is None:
        gpus = float(any(map(_is_gpu, guest.host.get("devices", {}).values())))
    return Actors(partial(placed_guests, guest), workers, gpus)


def check_gpus(workers: Where, gpus: float | None) -> None:
    """Raise UsageError for GPUs of each worker that cannot be.

    https://docs.ray.io/en/latest/ray-core/scheduling/resources.html#fractional-resource-requirements
    """
    if gpus is None:
        return
    if isinstance(gpus, bool) or not isinstance(gpus, int | float):
        raise UsageError(f"gpus cannot be of type {type(gpus).__name__}: expected a number")
    if not isinstance(workers, str):
        raise UsageError(
            "--gpus (gpus) needs --workers ray://HOST: processes of one machine share its GPUs"
        )
    if gpus and not (_FEWEST_GPUS <= gpus <= 1 or (1 < gpus < _MOST_GPUS and gpus == int(gpus))):
        raise UsageError(
            f"--gpus (gpus) cannot be {str(gpus)[:20]}: expected 0, a part of one such as 0.5, or a"
            " whole number"
        )


_FEWEST_GPUS, _MOST_GPUS = 0.0001, 1000
"""Ray counts in ten thousandths."""

_GPUS = frozenset(("cuda", "gpu", "migraphx", "rocm", "webgpu"))
"""Devices of runtime_shim's backends whose target is a GPU."""


def _is_gpu(device: str) -> bool:
    """Whether a device such as "cuda:1" is certain to be a GPU."""
    return re.split(r"[:.]", device.lower())[0] in _GPUS


def _passes(item: object) -> bool:
    return not isinstance(item, Item)


def _passed(items: Sequence[Any]) -> list[Any]:
    return list(items)


def _lost(guest: Guest, item: Any, how: str) -> Ran:
    return lost(guest, item, how)

"""What a host has loaded, where that really runs, and how often it has."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import perf_counter
from typing import NamedTuple, TypeVar

from runtime_shim.backends.interface import (
    ExecutionContext,
    StreamingContext,
    elements_of,
    is_movable,
)

__all__ = ["GraphStats", "Stats", "TimedContext"]


R = TypeVar("R")


class GraphStats(NamedTuple):
    """All models that had the same encoding and name, were meant for the same place and went to
    the same device.

    `name` is that of a named graph, None for models of guests. `device` is the NN runtime's own
    word for where the model is. Times are sums of seconds; `inferences` counts those that
    succeeded, one for each piece where output streams, and is zero unless the host was told to
    watch them.
    """

    encoding: str
    name: str | None
    meant_for: str
    device: str
    loads: int = 0
    load_seconds: float = 0.0
    inferences: int = 0
    inference_seconds: float = 0.0


Key = tuple[str, str | None, str, str]


class Stats:
    """Sums by graph. May be used by several threads."""

    def __init__(self) -> None:
        self._rows: dict[Key, GraphStats] = {}
        self._lock = threading.Lock()

    def rows(self) -> list[GraphStats]:
        """In the order of the first loads."""
        with self._lock:
            return list(self._rows.values())

    def add_load(self, key: Key, seconds: float) -> None:
        with self._lock:
            row = self._rows.setdefault(key, GraphStats(*key))
            self._rows[key] = row._replace(
                loads=row.loads + 1, load_seconds=row.load_seconds + seconds
            )

    def add_inference(self, key: Key, seconds: float) -> None:
        with self._lock:
            row = self._rows[key]
            self._rows[key] = row._replace(
                inferences=row.inferences + 1,
                inference_seconds=row.inference_seconds + seconds,
            )


class TimedContext:
    """An execution context whose inferences are added to the sums of its graph."""

    def __init__(self, context: ExecutionContext, stats: Stats, key: Key) -> None:
        self.set_input = context.set_input
        self.compute = _timed(context.compute, stats, key)
        self.get_output = context.get_output
        self.input_elements = elements_of(context)
        self.configured_by = getattr(context, "configured_by", None)
        if is_movable(context):
            self.move_input = context.move_input
            self.move_output = context.move_output
        if isinstance(context, StreamingContext):
            self.compute_single = _timed(context.compute_single, stats, key)
            self.get_output_single = context.get_output_single
            self.fini_single = context.fini_single


def _timed(infer: Callable[[], R], stats: Stats, key: Key) -> Callable[[], R]:
    def timed() -> R:
        started = perf_counter()
        result = infer()
        stats.add_inference(key, perf_counter() - started)
        return result

    return timed

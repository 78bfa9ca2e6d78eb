"""What was loaded, where that really runs, and how often it has."""

from __future__ import annotations

import threading
import weakref
from typing import NamedTuple

__all__ = ["GraphStats", "GuestStats", "HostStats", "Key", "Row"]


class GraphStats(NamedTuple):
    """All models that had the same encoding and name, were meant for the same place and went to
    the same device.

    `name` is that of a named graph, None for models of guests. `device` is the NN runtime's own
    word for where the model is. Times are sums of seconds. `inferences` counts those of guests (of
    sessions) that succeeded, one for each piece where output streams.
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
"""The first four of GraphStats."""


class Row:
    """Sums of one graph. Added to by one thread at a time."""

    __slots__ = ("inference_seconds", "inferences", "load_seconds", "loads")

    def __init__(self) -> None:
        self.loads = self.inferences = 0
        self.load_seconds = self.inference_seconds = 0.0

    def add_load(self, seconds: float) -> None:
        self.loads += 1
        self.load_seconds += seconds


_Rows = dict[Key, Row]


class GuestStats:
    """Sums of one guest by graph. To be used by one thread at a time: an inference can take less
    time than a lock would."""

    def __init__(self) -> None:
        self.sums: _Rows = {}

    def row(self, key: Key) -> Row:
        """Where the sums of a graph are, which begin with nothing."""
        return self.sums.setdefault(key, Row())

    def rows(self) -> list[GraphStats]:
        """In the order of the first loads."""
        return _shown(self.sums)


class HostStats:
    """Sums of a host by graph: its loads, and the inferences of all guests, those that are gone
    too. May be used by several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sums: _Rows = {}
        self._guests: list[tuple[weakref.ref[GuestStats], _Rows]] = []
        self._most_guests = 16

    def add_load(self, key: Key, seconds: float) -> None:
        with self._lock:
            self._sums.setdefault(key, Row()).add_load(seconds)

    def new_guest(self) -> GuestStats:
        """Those of one more guest, whose inferences are counted here too."""
        guest = GuestStats()
        with self._lock:
            if len(self._guests) >= self._most_guests:
                self._take_over()
                self._most_guests = 2 * len(self._guests) + 16
            self._guests.append((weakref.ref(guest), guest.sums))
        return guest

    def rows(self) -> list[GraphStats]:
        """In the order of the first loads."""
        with self._lock:
            self._take_over()
            sums: _Rows = {}
            for each in (self._sums, *(rows for _, rows in self._guests)):
                _add_inferences(sums, each)
            for key, row in self._sums.items():
                sums[key].loads, sums[key].load_seconds = row.loads, row.load_seconds
            return _shown(sums)

    def _take_over(self) -> None:
        """Keep the sums only of guests that are gone."""
        there = []
        for guest, rows in self._guests:
            if guest() is None:
                _add_inferences(self._sums, rows)
            else:
                there.append((guest, rows))
        self._guests = there


def _add_inferences(sums: _Rows, more: _Rows) -> None:
    for key, row in list(more.items()):  # to which a guest may add meanwhile
        into = sums.setdefault(key, Row())
        into.inferences += row.inferences
        into.inference_seconds += row.inference_seconds


def _shown(rows: _Rows) -> list[GraphStats]:
    return [
        GraphStats(*key, row.loads, row.load_seconds, row.inferences, row.inference_seconds)
        for key, row in list(rows.items())
    ]

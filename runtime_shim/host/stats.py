"""Statistics: which models were loaded, where they really run, and how often they ran."""

from __future__ import annotations

import threading
import weakref
from typing import NamedTuple

__all__ = ["GraphStats", "GuestStats", "HostStats", "Key", "Row"]


class GraphStats(NamedTuple):
    """All models with the same encoding and name that asked for the same place and went to the same
    device.

    `name` is the name of a named graph, None for models of guests, and for those of a server whose
    names guests choose, from the 257th on. `device` is where the model is,
    in the NN runtime's own words. Times are sums in seconds. `inferences` counts inferences of
    guests (of sessions) that succeeded; with streaming, each piece counts as one.
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
"""The first four fields of GraphStats."""

_MOST_CHOSEN = 256
"""How many rows of their own there are for models whose names guests choose, on a server that may
have any number of them."""


class Row:
    """The counters of one graph. Use it from one thread at a time."""

    __slots__ = ("inference_seconds", "inferences", "load_seconds", "loads")

    def __init__(self) -> None:
        self.loads = self.inferences = 0
        self.load_seconds = self.inference_seconds = 0.0

    def add_load(self, seconds: float) -> None:
        self.loads += 1
        self.load_seconds += seconds


_Rows = dict[Key, Row]


class GuestStats:
    """The counters of one guest, by graph. Use it from one thread at a time: an inference can take
    less time than a lock would."""

    def __init__(self) -> None:
        self.sums: _Rows = {}

    def row(self, key: Key, device: str = "") -> Row:
        """The counters of a graph, which start at zero, or those on another device than its own."""
        return self.sums.setdefault((*key[:3], device) if device else key, Row())

    def rows(self) -> list[GraphStats]:
        """All rows, in the order of the first loads."""
        return _shown(self.sums)


class HostStats:
    """The counters of a host, by graph: its loads, and the inferences of all guests, including
    those that have ended. May be used by several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sums: _Rows = {}
        self._guests: list[tuple[weakref.ref[GuestStats], _Rows]] = []
        self._most_guests = 16
        self._chosen: set[Key] = set()

    def add_load(self, key: Key, seconds: float) -> None:
        with self._lock:
            self._sums.setdefault(key, Row()).add_load(seconds)

    def key_of_chosen(self, key: Key, server: str) -> Key:
        """The key of a model on a server whose name a guest has chosen: its own, or, for those that
        come after many others, the one that they share."""
        with self._lock:
            if key not in self._chosen and len(self._chosen) >= _MOST_CHOSEN:
                encoding, _, meant_for, _ = key
                return encoding, None, meant_for, server
            self._chosen.add(key)
        return key

    def new_guest(self) -> GuestStats:
        """The counters of a new guest, whose inferences are counted here too."""
        guest = GuestStats()
        with self._lock:
            if len(self._guests) >= self._most_guests:
                self._take_over()
                self._most_guests = 2 * len(self._guests) + 16
            self._guests.append((weakref.ref(guest), guest.sums))
        return guest

    def rows(self) -> list[GraphStats]:
        """All rows, in the order of the first loads."""
        with self._lock:
            self._take_over()
            sums: _Rows = {}
            for each in (self._sums, *(rows for _, rows in self._guests)):
                _add_inferences(sums, each)
            for key, row in self._sums.items():
                sums[key].loads, sums[key].load_seconds = row.loads, row.load_seconds
            return _shown(sums)

    def _take_over(self) -> None:
        """Keep only the sums of guests that have ended."""
        there = []
        for guest, rows in self._guests:
            if guest() is None:
                _add_inferences(self._sums, rows)
            else:
                there.append((guest, rows))
        self._guests = there


def _add_inferences(sums: _Rows, more: _Rows) -> None:
    for key, row in list(more.items()):  # the guest may still add to it
        into = sums.setdefault(key, Row())
        into.inferences += row.inferences
        into.inference_seconds += row.inference_seconds


def _shown(rows: _Rows) -> list[GraphStats]:
    return [
        GraphStats(*key, row.loads, row.load_seconds, row.inferences, row.inference_seconds)
        for key, row in list(rows.items())
    ]

"""Where `nnshim map` says what becomes of its inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnshim.common import note, say
from nnshim.render.findings.elements import Elements
from nnshim.render.mapping.mapped import (
    Counts,
    counts_in_json,
    failure_in_json,
    failure_lines,
    refused_line,
    said,
    summary,
)
from nnshim.render.values import Done

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runtime_shim import GraphStats

__all__ = ["Told"]


class Told:
    """Failures, what guests said, and a line at the end are on standard error. As JSON, an object
    is on standard output, too, which has the failures as they come."""

    def __init__(self, *, as_json: bool) -> None:
        self._failures = Elements('{"failures": ') if as_json else None
        self._written = self._kept = self._failed = 0

    @property
    def results(self) -> int:
        return self._written + self._kept

    @property
    def exit_code(self) -> int:
        return 1 if self._failed else 0

    def input(self, done: Done) -> None:
        for line in said(done):
            note(line)
        if done.error is None:
            self._kept += done.kept
            self._written += not done.kept
            return
        self._failed += 1
        note(*failure_lines(done, done.error))
        refused = refused_line(done)
        if refused is not None:
            note(refused)
        if self._failures is not None:
            say(*self._failures.add([failure_in_json(done, done.error)]))

    def end(self, rows: Sequence[GraphStats], *, stale: int, stopped: bool) -> None:
        counts = Counts(self._written, self._kept, self._failed, stale, stopped)
        if self._failures is not None:
            from nnshim.render.json import to_json

            others = to_json(counts_in_json(counts, rows)).split("\n")[1:]
            say(*self._failures.end(","), *others)
        if stale:
            note(f"OUT also has results of inputs that no longer exist: {stale}")
        note(summary(counts))

"""Where `nnshim map` says what becomes of its inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from nnshim.common import note, say
from nnshim.fleets.files.alike import Ways
from nnshim.render.findings.elements import Elements
from nnshim.render.mapping.mapped import (
    Counts,
    alike_line,
    counts_in_json,
    failure_in_json,
    failure_lines,
    refused_line,
    said,
    summary,
)
from nnshim.render.values import Done

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runtime_shim import GraphStats

__all__ = ["Told"]


class Told:
    """Failures, what guests said, and a line at the end are on standard error. Of many inputs that
    fail in the same way, only the first ones are there, and how many others there are, once this is
    left. As JSON, an object is on standard output, too, which has all failures as they come."""

    def __init__(self, *, as_json: bool) -> None:
        self._failures = Elements('{"failures": ') if as_json else None
        self._ways = Ways()
        self._written = self._kept = self._failed = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        counted = list(self._ways.counted())
        for alike in counted:
            note(alike_line(alike))
        if counted and self._failures is None:
            note("to list all of them, run the command again with --json, which retries them")

    @property
    def results(self) -> int:
        return self._written + self._kept

    @property
    def exit_code(self) -> int:
        return 1 if self._failed else 0

    def input(self, done: Done) -> None:
        if done.error is None:
            _tell(said(done))
            self._kept += done.kept
            self._written += not done.kept
            return
        self._failed += 1
        if self._ways.is_told(done, done.error):
            _tell(said(done))
            note(*failure_lines(done, done.error))
            _tell(filter(None, [refused_line(done)]))
        if self._failures is not None:
            say(*self._failures.add([failure_in_json(done, done.error)]))

    def break_off(self) -> None:
        """The job has ended with an error: the object, if it has begun, has failures only."""
        if self._failures is not None and self._failures.has_begun:
            say(*self._failures.end(), "}")

    def end(self, rows: Sequence[GraphStats], *, stale: int, stopped: bool) -> None:
        counts = Counts(self._written, self._kept, self._failed, stale, stopped)
        if self._failures is not None:
            from nnshim.render.json import to_json

            others = to_json(counts_in_json(counts, rows)).split("\n")[1:]
            say(*self._failures.end(","), *others)
        if stale:
            note(f"OUT also has results of inputs that no longer exist: {stale}")
        note(summary(counts))


def _tell(lines: Iterable[str]) -> None:
    for line in lines:
        note(line)

"""Where `nnshim rewrite` says what becomes of many files."""

from __future__ import annotations

from collections import Counter

from nnshim.common import note, refuse, say
from nnshim.render import text
from nnshim.render.findings.elements import Elements
from nnshim.render.values import Rewriting
from rewriter.errors import UsageError

__all__ = ["Told"]


class Told:
    """As JSON, an array is on standard output. What has changed is told in text otherwise: on
    standard error, or of a `dry_run` on standard output. Errors are on standard error in any case,
    and so is a line at the end, unless this is `quiet`: then only what remains to be done is told
    of a file that has changed."""

    def __init__(self, *, as_json: bool, dry_run: bool, quiet: bool) -> None:
        self._elements = Elements() if as_json else None
        self._dry_run = dry_run
        self._quiet = quiet
        self._results: Counter[str] = Counter()
        self._codes: set[int] = set()

    @property
    def any_changed(self) -> bool:
        return self._results["changed"] > 0

    @property
    def exit_code(self) -> int:
        """Of what was told: the first of 1, 2 and 4 that a file has; else 0."""
        return min(self._codes, default=0)

    def file(self, found: Rewriting) -> int:
        """Tell of one file, and return its exit code."""
        self._results[found.result] += 1
        if self._elements is not None:
            from nnshim.render import json

            say(*self._elements.add([json.rewriting(found)]))
        elif found.notes or (found.result == "changed" and not self._quiet):
            self._changed(found)
        if found.error is not None:
            refuse(found.error)
            if found.stands is not None:
                note(found.stands)
        code = _exit_code(found)
        self._codes |= {code} - {0}
        return code

    def end(self, *, stopped: bool) -> None:
        if self._elements is not None:
            say(*self._elements.end())
        if not self._quiet:
            note(text.rewritings(self._results, stopped=stopped))

    def _changed(self, found: Rewriting) -> None:
        lines = text.rewriting(found._replace(lines=(), runs=None) if self._quiet else found)
        if self._dry_run:
            say(*lines)
            return
        for line in lines:
            note(line)


def _exit_code(found: Rewriting) -> int:
    if found.error is None:
        return 4 if found.cannot_run else 0
    return 2 if isinstance(found.error, UsageError) else 1

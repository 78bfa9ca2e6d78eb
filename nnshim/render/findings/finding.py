"""What keeps files from passing, one finding for each file, host and code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from rewriter.analysis.compatibility import Answer
from rewriter.codes import Severity
from rewriter.terminal import shown

if TYPE_CHECKING:
    from nnshim.render.findings.selection import Selection
    from nnshim.render.values import Checked, FileReport
    from rewriter.diagnostics import Diagnostic

__all__ = ["LEVELS", "UNSEARCHED", "Finding", "Level", "findings", "verdict"]

_MOST = 20
"""Diagnostics of one finding that its message has; it says how many more there are."""

_NO_VERDICT = "no verdict"

UNSEARCHED = "not_looked_into"
"""In the place of an answer."""

_UNSEARCHED = "not looked into"


class Level(StrEnum):
    """As SARIF calls them."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


LEVELS = {
    Severity.ERROR: Level.ERROR,
    Severity.WARNING: Level.WARNING,
    Severity.CONDITION: Level.WARNING,
}
"""Those of what counts. All else is a note, unless --strict counts it: then it is a warning."""


class Finding(NamedTuple):
    """What is said with one `code` of one file and one host, for which the `answer` is this: in
    words, the `lead`. `host` is None if the file cannot be read. `diagnostics` is empty if --select
    or --ignore leaves out everything that keeps the file from passing: the finding then has the
    first of these codes, and the lead all of them."""

    report: FileReport
    host: str | None
    answer: str
    lead: str
    code: str
    level: Level
    diagnostics: Sequence[Diagnostic]
    help: str | None = None

    @property
    def path(self) -> str:
        return self.report.path

    @property
    def told(self) -> list[str]:
        """What is said, and what helps. Names that come from outside are escaped."""
        more = len(self.diagnostics) - _MOST
        return [
            *(shown(str(found)) for found in self.diagnostics[:_MOST]),
            *([f"and {more} more"] if more > 0 else []),
            *([] if self.help is None else [f"help: {shown(self.help)}"]),
        ]

    @property
    def lines(self) -> list[str]:
        """The whole message."""
        lead, told = shown(self.lead), self.told
        if not self.diagnostics:
            return [lead, *told]
        if len(self.diagnostics) == 1:
            return [f"{lead}: {told[0]}", *told[1:]]
        return [f"{lead}:", *(f"- {one}" for one in told)]

    @property
    def offset(self) -> int | None:
        """The first one in the file, in bytes."""
        known = (each.offset for each in self.diagnostics if each.offset is not None)
        return min(known, default=None)

    def fingerprint(self, *more: str) -> str:
        """The same as long as the same is said with the code, wherever the file is: of the host,
        the code and the messages, without offsets. 32 hexadecimal digits."""
        told = sorted(each.message for each in self.diagnostics)
        words = (*more, self.host or "", self.code, *told)
        text = "".join(f"{len(word)}:{word}" for word in words)
        return sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]


def verdict(value: Checked) -> str:
    """In a few words."""
    return _VERDICTS[value.answer.value].format(value.host)


_VERDICTS = {
    "runs": "runs on {}",
    "only_if": "runs on {} only if conditions hold",
    "rewrite": "runs on {} after a rewrite",
    "cannot": "cannot run on {}",
}


def findings(report: FileReport, selection: Selection) -> Iterator[Finding]:
    """What keeps a file from passing, and what else is selected by name: needs, what is not
    visible, and notes. A file that does not pass always has a finding. What is accepted has
    none. What was not looked into has a finding, too."""
    if report.error is not None:
        for code, found in _by_code(report.error.diagnostics):
            answer = Answer.NO_VERDICT.value
            yield Finding(report, None, answer, _NO_VERDICT, code, Level.ERROR, found)
    left = report.unsearched
    if left is not None and selection.shows(left.code):
        yield Finding(report, None, UNSEARCHED, _UNSEARCHED, left.code, Level.WARNING, (left,))
    for value in report.checked:
        yield from _of_verdict(report, value, selection)


def _of_verdict(report: FileReport, value: Checked, selection: Selection) -> Iterator[Finding]:
    found = value.found
    cannot = value.answer == "cannot"
    counting = (*found.reasons, *(() if cannot else found.counted))
    start = (report, value.host, value.answer.value)
    lead = verdict(value)
    selected = {code: said for code, said in _by_code(counting) if selection.shows(code)}
    for code, said in selected.items():
        mends = value.rewrite if said[0] in found.reasons else None
        yield Finding(*start, lead, code, _level(said[0]), said, mends)
    if counting and not selected:
        codes = ", ".join(dict.fromkeys(each.code for each in counting))
        first = counting[0]
        lead = f"{lead} ({codes})"
        yield Finding(*start, lead, first.code, _level(first), (), value.rewrite)
    if selection.selected and not cannot:
        others = (*found.needs, *found.unseen, *found.notes)
        for code, said in _by_code(each for each in others if each not in counting):
            if selection.shows(code):
                yield Finding(*start, verdict(value), code, Level.NOTE, said)


def _level(counting: Diagnostic) -> Level:
    return LEVELS.get(counting.severity, Level.WARNING)


def _by_code(found: Iterable[Diagnostic]) -> Iterator[tuple[str, Sequence[Diagnostic]]]:
    by: dict[str, list[Diagnostic]] = {}
    for each in found:
        by.setdefault(each.code, []).append(each)
    yield from by.items()

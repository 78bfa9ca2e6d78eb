"""For people: each file as it comes, and at the end what several have in common, and how many have
each verdict. Files that cannot be read are on standard error instead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from nnshim.render.findings.counts import Counts
from nnshim.render.text import failed
from nnshim.render.verdicts import InCommon, checked, summed_up
from rewriter.terminal import shown

if TYPE_CHECKING:
    from nnshim.render.reports.report import Shown
    from nnshim.render.values import FileReport, Fix, Summary

__all__ = ["new_report"]


class _Text:
    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._common = InCommon(shown.selection.shows, with_models=not shown.quiet)
        self._counts = Counts()

    def begin(self) -> list[str]:
        return []

    def file(self, report: FileReport) -> Iterator[str]:
        if self._shown.statistics:
            self._counts.add(report, self._shown.selection)
        if report.fix is not None:
            yield from _fixed(report.path, report.fix)
        error = report.error_with_path
        if error is not None and self._shown.is_file:
            yield from failed(error)
        if report.unsearched is not None and self._shown.is_file:
            yield shown(str(report.unsearched))
        for value in report.checked:
            if not self._shown.quiet or value.answer != "runs":
                yield from checked(value, self._shown.selection.shows)
            if not self._shown.quiet or (value.found.strict and value.answer == "only_if"):
                self._common.add(value)

    def end(self, summary: Summary) -> Iterator[str]:
        yield from self._common.lines()
        if not self._shown.quiet:
            yield from summed_up(summary)
        if self._shown.statistics:
            yield from self._counts.lines()


def _fixed(path: str, fix: Fix) -> Iterator[str]:
    yield from fix.diff
    if fix.changes:
        yield f"{path}: rewritten"
        yield from (f"  {change}" for change in fix.changes)
    if fix.left is not None:
        yield f"{path}: not rewritten: {fix.left}"


new_report = _Text

"""A Code Quality report of GitLab, which shows what a merge request changes of it.

https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from nnshim.render.findings.elements import Elements
from nnshim.render.findings.finding import Finding, Level, findings
from nnshim.render.findings.places import path_from_here

if TYPE_CHECKING:
    from nnshim.render.reports.report import Shown
    from nnshim.render.values import FileReport, Summary

__all__ = ["new_report"]

_SEVERITIES = {Level.ERROR: "critical", Level.WARNING: "major", Level.NOTE: "info"}


class _CodeQuality:
    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._elements = Elements()

    def begin(self) -> list[str]:
        return []

    def file(self, report: FileReport) -> Iterable[str]:
        return self._elements.add(map(_violation, findings(report, self._shown.selection)))

    def end(self, summary: Summary) -> list[str]:
        return self._elements.end()


def _violation(found: Finding) -> dict[str, Any]:
    """GitLab takes two with one fingerprint for the same, so that of a file has its path."""
    path = path_from_here(found.path)
    return {
        "description": "\n".join(found.lines),
        "check_name": found.code,
        "fingerprint": found.fingerprint(path),
        "severity": _SEVERITIES[found.level],
        "location": {"path": path, "lines": {"begin": 1}},
    }


new_report = _CodeQuality

"""A list of objects: one for each file and host, or one for a file that has no verdicts, in the
form that schema.json has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from nnshim.render.findings.elements import Elements
from nnshim.render.findings.finding import UNSEARCHED
from nnshim.render.inspection.of_artifact import as_json
from nnshim.render.json import checked, failed
from nnshim.render.json_hosts import diagnostics

if TYPE_CHECKING:
    from nnshim.render.reports.report import Shown
    from nnshim.render.values import FileReport, Summary

__all__ = ["new_report", "objects"]


class _Json:
    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._elements = Elements()

    def begin(self) -> list[str]:
        return []

    def file(self, report: FileReport) -> Iterable[str]:
        return self._elements.add(objects(report, self._shown))

    def end(self, summary: Summary) -> list[str]:
        return self._elements.end()


def objects(report: FileReport, shown: Shown) -> Iterator[dict[str, Any]]:
    """What is said of one file."""
    if report.error is not None:
        yield failed(report.error, report.path)
    elif report.unsearched is not None:
        why = diagnostics([report.unsearched])
        yield {"file": report.path, "verdict": UNSEARCHED, "diagnostics": why}
    elif not report.checked and not shown.quiet:
        yield {"file": report.path, "verdict": "nothing_to_do", **as_json(report.origin)}
    for value in report.checked:
        if not (shown.quiet and value.answer == "runs"):
            said = checked(value)
            known = said["diagnostics"]
            yield {
                **said,
                **as_json(report.origin),
                "fix": None if report.fix is None else report.fix._asdict(),
                "diagnostics": [each for each in known if shown.selection.shows(each["code"])],
            }


new_report = _Json

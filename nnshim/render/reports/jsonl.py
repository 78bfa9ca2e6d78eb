"""The objects of JSON, each on a line of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnshim.render.json import to_json
from nnshim.render.reports.json import objects

if TYPE_CHECKING:
    from nnshim.render.reports.report import Shown
    from nnshim.render.values import FileReport, Summary

__all__ = ["new_report"]


class _JsonLines:
    def __init__(self, shown: Shown) -> None:
        self._shown = shown

    def begin(self) -> list[str]:
        return []

    def file(self, report: FileReport) -> list[str]:
        return [to_json(each, indent=None) for each in objects(report, self._shown)]

    def end(self, summary: Summary) -> list[str]:
        return []


new_report = _JsonLines

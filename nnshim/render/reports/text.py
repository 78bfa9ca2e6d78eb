"""For people: each file as it comes, and at the end what several have in common. Files that cannot
be read are on standard error instead."""

from __future__ import annotations

from nnshim.render.values import Checked, FileReport
from nnshim.render.verdicts import checked, checked_in_common

__all__ = ["new_report"]


class _Text:
    def __init__(self) -> None:
        self._all: list[Checked] = []

    def begin(self) -> list[str]:
        return []

    def file(self, report: FileReport) -> list[str]:
        self._all += report.checked
        return [line for value in report.checked for line in checked(value)]

    def end(self) -> list[str]:
        return checked_in_common(self._all)


new_report = _Text

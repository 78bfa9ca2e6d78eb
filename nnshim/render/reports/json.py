"""A list of objects: one for each file and host, in the form that schema.json has."""

from __future__ import annotations

from typing import Any

from nnshim.render.json import checked, document, failed
from nnshim.render.values import FileReport

__all__ = ["new_report"]


class _Json:
    def __init__(self) -> None:
        self._all: list[dict[str, Any]] = []

    def begin(self) -> list[str]:
        return []

    def file(self, report: FileReport) -> list[str]:
        if report.error is not None:
            self._all.append(failed(report.error, report.path))
        self._all += map(checked, report.checked)
        return []

    def end(self) -> list[str]:
        return document(self._all)


new_report = _Json

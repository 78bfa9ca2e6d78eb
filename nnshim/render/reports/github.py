"""Annotations of a GitHub workflow, a line for each finding.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from nnshim.render.findings.finding import Finding, Level, findings
from nnshim.render.findings.places import path_from_here

if TYPE_CHECKING:
    from nnshim.render.reports.report import Shown
    from nnshim.render.values import FileReport, Summary

__all__ = ["new_report"]

_COMMANDS = {Level.ERROR: "error", Level.WARNING: "warning", Level.NOTE: "notice"}

_MESSAGE = "%\r\n"
_PROPERTY = "%\r\n:,"
"""What the runner unescapes in each, `%` last.

https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs
"""


class _Annotations:
    def __init__(self, shown: Shown) -> None:
        self._shown = shown

    def begin(self) -> list[str]:
        return []

    def file(self, report: FileReport) -> Iterator[str]:
        return map(_annotation, findings(report, self._shown.selection))

    def end(self, summary: Summary) -> list[str]:
        return []


def _annotation(found: Finding) -> str:
    file = _escaped(path_from_here(found.path), _PROPERTY)
    message = _escaped("\n".join(found.lines), _MESSAGE)
    return f"::{_COMMANDS[found.level]} file={file},title={found.code}::{message}"


def _escaped(text: str, chars: str) -> str:
    for char in chars:
        text = text.replace(char, f"%{ord(char):02X}")
    return text


new_report = _Annotations

"""What `nnshim check` says of files, in a format each: as it comes, so that no number of files is
held in memory."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nnshim.render.reports.report import Report, Shown

__all__ = ["REPORTS", "report_in"]

REPORTS = ("text", "json", "jsonl", "sarif", "github", "gitlab", "junit", "markdown")
"""What `--output-format` of check takes: the files here that have a `new_report`."""


def report_in(name: str, shown: Shown) -> Report:
    """A report in one of REPORTS."""
    made: Report = importlib.import_module(f"nnshim.render.reports.{name}").new_report(shown)
    return made

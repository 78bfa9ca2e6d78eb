"""What a format of `nnshim check` is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from nnshim.render.findings.selection import ALL, Selection

if TYPE_CHECKING:
    from nnshim.render.values import FileReport, Summary
    from rewriter.analysis.compatibility import Answer

__all__ = ["Report", "Shown"]


@dataclass(frozen=True)
class Shown:
    """What a report shows. `hosts` are the names that verdicts have; a `quiet` report has only what
    does not pass. With `is_file`, the report is all that there is: text says in it, too, what else
    goes to standard error."""

    hosts: tuple[str, ...] = ()
    selection: Selection = ALL
    quiet: bool = False
    statistics: bool = False
    exit_zero: bool = False
    is_file: bool = False

    def exit_code(self, worst: Answer) -> int:
        """That of `nnshim check`. --exit-zero is about verdicts, not about files without one."""
        is_verdict = worst != "no_verdict"
        return 0 if self.exit_zero and is_verdict else worst.exit_code


class Report(Protocol):
    """Lines, in three parts. Nothing here prints, or changes the exit code."""

    def begin(self) -> Iterable[str]:
        """Before all files."""

    def file(self, report: FileReport) -> Iterable[str]:
        """On one file. Called in the order in which the files are named or found."""

    def end(self, summary: Summary) -> Iterable[str]:
        """After all files."""

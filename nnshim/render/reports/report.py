"""What a format of `nnshim check` is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from nnshim.render.values import FileReport

__all__ = ["Report"]


class Report(Protocol):
    """Lines for standard output, in three parts. Nothing here prints, or changes the exit code."""

    def begin(self) -> Iterable[str]:
        """Before all files."""

    def file(self, report: FileReport) -> Iterable[str]:
        """On one file. Called in the order in which the files are named or found."""

    def end(self) -> Iterable[str]:
        """After all files."""

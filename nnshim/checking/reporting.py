"""Where the reports of `nnshim check` go: to standard output, and to files, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from nnshim.common import refuse, say
from nnshim.render.reports import report_in
from rewriter.terminal import shown as printable
from rewriter.terminal import shown_line

if TYPE_CHECKING:
    from nnshim.render.reports.report import Report, Shown
    from nnshim.render.values import FileReport, Summary
    from rewriter.errors import NNShimError

__all__ = ["Reports", "reporting"]

_COMMANDS = "github"
"""The format whose lines are commands to a runner."""


class Reports:
    """All reports of one run, each with what takes its lines."""

    def __init__(
        self,
        reports: Sequence[tuple[Report, Callable[[Iterable[str]], None]]],
        errors_apart: bool,
    ) -> None:
        self._reports = reports
        self._errors_apart = errors_apart
        for report, write in reports:
            write(report.begin())

    def file(self, found: FileReport) -> None:
        error = found.error_with_path
        if error is not None and self._errors_apart:
            refuse(error)
        for report, write in self._reports:
            write(report.file(found))

    def all_fail(self, paths: Sequence[str], error: NNShimError) -> None:
        """Report that there is no verdict on any file, for a reason that is not in them."""
        from nnshim.render.values import FileReport, Summary
        from rewriter.analysis.compatibility import Answer

        for path in paths:
            for report, write in self._reports:
                write(report.file(FileReport(path, error=error)))
        self.end(Summary({Answer.NO_VERDICT: len(paths)}))

    def end(self, summary: Summary) -> None:
        for report, write in self._reports:
            write(report.end(summary))


@contextmanager
def reporting(printed: str, files: Mapping[str, str], shown: Shown) -> Iterator[Reports]:
    """The report that is `printed` in this format, and those in `files`, whose formats are by their
    paths. A file is there once all is well at the end of the context; before, and after an
    exception, it is what it was. With text, errors are on standard error.

    Raises OutputError for a file that cannot be written.
    """
    from rewriter.files.output import check_writable, written_whole

    for path in files:
        check_writable(path)
    with ExitStack() as stack:
        reports: list[tuple[Report, Callable[[Iterable[str]], None]]] = [
            (report_in(printed, shown), lambda lines: say(*lines, commands=printed == _COMMANDS))
        ]
        for path, name in files.items():
            write = stack.enter_context(written_whole(path))
            reports.append((report_in(name, replace(shown, is_file=True)), _into(write, name)))
        yield Reports(reports, errors_apart=printed == "text")


def _into(write: Callable[[bytes], None], name: str) -> Callable[[Iterable[str]], None]:
    escaped = printable if name == _COMMANDS else shown_line

    def write_lines(lines: Iterable[str]) -> None:
        write("".join(f"{escaped(line)}\n" for line in lines).encode())

    return write_lines

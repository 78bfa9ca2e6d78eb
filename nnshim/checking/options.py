"""The options of `nnshim check` that are about its reports."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from nnshim.common import chosen_format
from nnshim.render.reports import REPORTS
from rewriter.errors import InputError, UsageError

if TYPE_CHECKING:
    from nnshim.render.reports.report import Shown

__all__ = [
    "Diff",
    "ExitZero",
    "Fix",
    "Ignore",
    "OnlyWasiNn",
    "OutputFormat",
    "Quiet",
    "ReportFiles",
    "Select",
    "Statistics",
    "report_files",
    "what_is_shown",
]

OutputFormat = Annotated[
    str | None,
    typer.Option(
        "--output-format",
        "--format",
        metavar="|".join(REPORTS),
        help="Output format (default: text).",
    ),
]

ReportFiles = Annotated[
    list[str] | None,
    typer.Option(
        "--report",
        metavar="FORMAT=FILE",
        help="Also write a report to a file, e.g. sarif=nnshim.sarif. May be repeated.",
    ),
]

Select = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CODE",
        help="Show only this code, e.g. NN226, or codes that begin so, e.g. NN2; needs and notes,"
        " too. May be repeated. Verdicts stay as they are.",
    ),
]

Ignore = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CODE",
        help="Do not show this code, or codes that begin so. May be repeated. Verdicts stay as"
        " they are; --accept changes them.",
    ),
]

Statistics = Annotated[
    bool, typer.Option("--statistics", help="Count verdicts and codes at the end of the text.")
]

Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Show only what does not pass.")]

OnlyWasiNn = Annotated[
    bool,
    typer.Option(
        "--only-wasi-nn",
        help="Leave alone what does not use wasi-nn, also if it is named itself, and not only what"
        " is found in folders and archives.",
    ),
]

Fix = Annotated[
    bool,
    typer.Option(
        "--fix",
        help="Rewrite in place what a rewrite makes run on the host, and check the result. Takes"
        " one --for.",
    ),
]

Diff = Annotated[
    bool,
    typer.Option("--diff", help="Show what --fix would change, and write nothing."),
]

ExitZero = Annotated[
    bool,
    typer.Option(
        "--exit-zero",
        help="Exit with 0 whatever the verdicts are; with 6 all the same if there is none.",
    ),
]


def what_is_shown(
    hosts: Iterable[str],
    selected: Iterable[str],
    ignored: Iterable[str],
    *,
    quiet: bool,
    statistics: bool,
    exit_zero: bool,
) -> Shown:
    """Raises UsageError for codes that do not exist."""
    from nnshim.render.findings.selection import selection
    from nnshim.render.reports.report import Shown

    return Shown(tuple(hosts), selection(selected, ignored), quiet, statistics, exit_zero)


def report_files(values: Iterable[str], inputs: Sequence[str]) -> Mapping[str, str]:
    """The formats of several --report, by the paths of the files. Raises UsageError for what is
    not FORMAT=FILE, for a file that is named twice, and for one that is an input, or may be found
    in one: a module or an archive."""
    found: dict[str, str] = {}
    for value in values:
        name, equals, path = value.partition("=")
        if not (equals and path) or path == "-":
            raise UsageError(f"--report {value}: expected FORMAT=FILE, such as sarif=nnshim.sarif")
        name = chosen_format(name, False, REPORTS)
        if path in found:
            raise UsageError(f"--report is given twice for {path}")
        if any(_same(path, each) for each in inputs):
            raise UsageError(f"--report {value}: {path} is an input")
        if os.path.isfile(path) and _is_looked_for(path):
            raise UsageError(f"--report {value}: {path} is a module or an archive")
        found[path] = name
    return found


def _is_looked_for(path: str) -> bool:
    from rewriter.file_kinds import GZIP, MAGIC
    from rewriter.trees.heads import format_of, read_head

    try:
        return format_of(path) is not None or read_head(path).startswith((MAGIC, GZIP))
    except InputError:  # which says nothing about writing it
        return False


def _same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False

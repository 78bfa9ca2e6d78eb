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
        help="Skip what does not use wasi-nn, even if it is named itself, and not only what is"
        " found in folders and archives.",
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
    in one: a module, an archive, or a part of an OCI layout."""
    from nnshim.registries.replaced import check_not_read
    from rewriter.oci.reference import is_artifact

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
        check_not_read("--report", path, [*filter(is_artifact, inputs), *_weights(inputs)])
        if os.path.isfile(path) and _is_looked_for(path):
            raise UsageError(f"--report {value}: {path} is a module or an archive")
        found[path] = name
    return found


def _weights(inputs: Sequence[str]) -> list[str]:
    """The files that are read with models for OpenVINO."""
    return [f"{stem}.bin" for stem, end in map(os.path.splitext, inputs) if end == ".xml"]


def _is_looked_for(path: str) -> bool:
    from rewriter.file_kinds import GZIP, MAGIC
    from rewriter.files.output import is_blob
    from rewriter.trees.heads import format_of, holds_files, is_text_guest, read_head

    if is_blob(path) or _is_list_of_layout(path):
        return True
    names = (path, os.path.realpath(path))
    try:
        head = read_head(path)
        if head.startswith((MAGIC, GZIP)) or any(map(is_text_guest, names)):
            return True
        return any(format_of(name) is not None or holds_files(name, head) for name in names)
    except InputError:  # which says nothing about writing it
        return False


def _is_list_of_layout(path: str) -> bool:
    from rewriter.oci.layout import INDEX, MARK

    folder, name = os.path.split(os.path.realpath(path))
    return name in (INDEX, MARK) and os.path.exists(os.path.join(folder, MARK))


def _same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False

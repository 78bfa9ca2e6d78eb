"""nnshim check: the gate of a pipeline."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from nnshim.checking.options import (
    ExitZero,
    Ignore,
    OutputFormat,
    Quiet,
    ReportFiles,
    Select,
    Statistics,
    report_files,
    what_is_shown,
)
from nnshim.common import AsJson, GuestAbi, chosen_format, note, once
from nnshim.render.reports import REPORTS
from rewriter.errors import NNShimError, UsageError
from rewriter.terminal import alive

if TYPE_CHECKING:
    from nnshim.checking.reporting import Reports
    from nnshim.checking.settings import Settings
    from rewriter.analysis.compatibility import Answer
    from rewriter.models.model import Model

__all__ = ["command"]


def command(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Modules, or - (stdin).")],
    host_names: Annotated[
        list[str] | None,
        typer.Option(
            "--for",
            metavar="HOST[@RELEASE]|PROFILE",
            help="Judge for this host: {hosts}; a release of one (wamr@2.2); or a profile that"
            " `nnshim probe` wrote (./mine.toml). May be repeated. Default: each of these hosts.",
        ),
    ] = None,
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            metavar="FILE",
            help="A model that the modules run (OpenVINO: the .xml file). May be repeated.",
        ),
    ] = None,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain", help="Say what else the host needs, and how to try the module there."
        ),
    ] = False,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Treat needs (a backend, a graph) and facts that the module does not show"
            " as conditions.",
        ),
    ] = False,
    accept: Annotated[
        list[str] | None,
        typer.Option(metavar="CODE", help="Ignore this code, e.g. NN226. May be repeated."),
    ] = None,
    validate: Annotated[
        bool, typer.Option(help="Validate the modules with wasm-tools first.")
    ] = True,
    guest_abi: GuestAbi = None,
    output: OutputFormat = None,
    as_json: AsJson = False,
    reports: ReportFiles = None,
    select: Select = None,
    ignore: Ignore = None,
    statistics: Statistics = False,
    quiet: Quiet = False,
    exit_zero: ExitZero = False,
) -> None:
    """Say whether hosts run modules: the gate of a pipeline.

    A verdict rests on what the modules show, and with --model, on their models.
    Without --for, every host is judged.

    Exit codes: 0 every host runs every module; 1 a module needs a rewrite; 2 usage; 3 a tool is
    missing; 4 a host cannot run a module; 5 a module runs only if conditions hold; 6 no verdict: a
    module cannot be read or is invalid, or a model is incomplete. If several
    apply, the first of 6, 4, 1, 5, 0.
    """
    from nnshim.checking.reporting import reporting
    from nnshim.checking.settings import Settings
    from rewriter.abi.dialects import find_dialect
    from rewriter.checking.check import acceptable
    from rewriter.hosts.table import FAMILIES, find_hosts

    once("--for", host_names or ())
    hosts = tuple(map(find_hosts, host_names or FAMILIES))
    if not host_names:
        note(f"without --for, every host is judged: {', '.join(FAMILIES)}; --for may be repeated")
    accepted = acceptable(accept or ())
    once("--model", models or ())
    chosen = chosen_format(output, as_json, REPORTS)
    if guest_abi is not None:
        find_dialect(guest_abi)
    if statistics and chosen != "text":
        raise UsageError(f"--statistics contradicts --output-format {chosen}")
    shown = what_is_shown(
        [host.name for host in hosts],
        select or (),
        ignore or (),
        quiet=quiet,
        statistics=statistics,
        exit_zero=exit_zero,
    )
    written = report_files(reports or (), files)
    try:
        read = _read_models(models or ())
    except NNShimError as error:
        if error.diagnostics:
            with reporting(chosen, written, shown) as told:
                told.all_fail(files, error)
        raise
    settings = Settings(
        hosts,
        read,
        guest_abi=guest_abi,
        explain=explain,
        strict=strict,
        accept=accepted,
        validate=validate,
        digests="sarif" in (chosen, *written.values()),
    )
    with reporting(chosen, written, shown) as told:
        worst = _check(files, settings, told)
    raise typer.Exit(shown.exit_code(worst))


def _check(files: "Sequence[str]", settings: "Settings", told: "Reports") -> "Answer":
    """Report on each file, and return the worst answer of all."""
    from nnshim.checking.judging import judge_file
    from nnshim.render.values import Summary
    from rewriter.analysis.compatibility import Answer

    answers: Counter[Answer] = Counter()
    nothing_to_do = 0
    for path in files:
        with alive("reading", path):
            found = judge_file(path, settings)
        told.file(found)
        if found.answers:
            answers[Answer.worst(found.answers)] += 1
        else:
            nothing_to_do += 1
    told.end(Summary(answers, nothing_to_do))
    return Answer.worst(answers)


def _read_models(paths: "Sequence[str]") -> "Sequence[Model]":
    if not paths:
        return ()
    from rewriter.models.reading import read_model

    return [read_model(path) for path in paths]

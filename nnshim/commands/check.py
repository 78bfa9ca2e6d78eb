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
from nnshim.config.options import ConfigFile, NoConfig
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
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE...",
            help="Modules (files, oci://HOST/NAME:TAG, oci-layout:PATH:TAG), or - (stdin).",
        ),
    ] = None,
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
        bool | None,
        typer.Option(
            "--strict/--no-strict",
            help="Treat needs (a backend, a graph) and facts that the module does not show"
            " as conditions.",
        ),
    ] = None,
    accept: Annotated[
        list[str] | None,
        typer.Option(metavar="CODE", help="Ignore this code, e.g. NN226. May be repeated."),
    ] = None,
    validate: Annotated[
        bool, typer.Option(help="Validate the modules with wasm-tools first.")
    ] = True,
    guest_abi: GuestAbi = None,
    config_file: ConfigFile = None,
    no_config: NoConfig = False,
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
    Without --for, every host is judged. The nearest nnshim.toml, or pyproject.toml with
    [tool.nnshim], is read; `nnshim config show` prints what it says.

    Exit codes: 0 every host runs every module; 1 a module needs a rewrite; 2 usage; 3 a tool is
    missing; 4 a host cannot run a module; 5 a module runs only if conditions hold; 6 no verdict: a
    module cannot be read or is invalid, or a model is incomplete. If several
    apply, the first of 6, 4, 1, 5, 0.
    """
    from nnshim.checking.reporting import reporting
    from nnshim.checking.settings import Settings
    from nnshim.config.by_path import ByPath
    from nnshim.config.merged import Given, in_force
    from nnshim.config.reading import configured
    from rewriter.abi.dialects import find_dialect
    from rewriter.checking.check import acceptable
    from rewriter.hosts.table import FAMILIES, find_hosts

    once("--for", host_names or ())
    once("--model", models or ())
    config = configured(config_file, no_config)
    if config.remark is not None and not quiet:
        note(config.remark)
    used = in_force(config, Given(files, host_names, None, models, strict, accept))
    if not used.files:
        raise UsageError("name a module (FILE), or files in the configuration")
    hosts = tuple(map(find_hosts, used.hosts or FAMILIES))
    if not used.hosts:
        note(f"without --for, every host is judged: {', '.join(FAMILIES)}; --for may be repeated")
    accepted = acceptable(used.accept)
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
    written = report_files(reports or (), used.files)
    try:
        read = _read_models(used.models)
    except NNShimError as error:
        if error.diagnostics:
            with reporting(chosen, written, shown) as told:
                told.all_fail(used.files, error)
        raise
    settings = Settings(
        hosts,
        read,
        guest_abi=guest_abi,
        explain=explain,
        strict=used.strict,
        accept=accepted,
        accept_by_path=ByPath(config.folder, config.accept_by_path),
        policy=config.policy,
        validate=validate,
        digests="sarif" in (chosen, *written.values()),
    )
    with reporting(chosen, written, shown) as told:
        worst = _check(used.files, settings, told)
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
        if found.digest is not None and found.digest not in path:
            note(f"{path} is {found.digest}")
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

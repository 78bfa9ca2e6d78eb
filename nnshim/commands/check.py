"""nnshim check: the gate of a pipeline."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from nnshim.checking.options import (
    Diff,
    ExitZero,
    Fix,
    Ignore,
    OnlyWasiNn,
    OutputFormat,
    Quiet,
    ReportFiles,
    Select,
    Statistics,
    report_files,
    what_is_shown,
)
from nnshim.common import AsJson, GuestAbi, chosen_format, note, once, remark, told_origin
from nnshim.config.options import ConfigFile, NoConfig
from nnshim.many.options import Exclude, FailFast, FilesFrom, Jobs, MaxUnpacked, Workers
from nnshim.render.reports import REPORTS
from rewriter.errors import NNShimError, UsageError

if TYPE_CHECKING:
    from nnshim.checking.reporting import Reports
    from nnshim.checking.settings import Settings
    from nnshim.many.searching import Search
    from rewriter.analysis.compatibility import Answer
    from rewriter.models.model import Model

__all__ = ["command"]


def command(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE|FOLDER|GLOB|ARCHIVE...",
            help="Modules (files, oci://HOST/NAME:TAG, oci-layout:PATH:TAG), - (stdin), or what has"
            " modules in it, which are found by their bytes.",
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
    only_wasi_nn: OnlyWasiNn = False,
    fix: Fix = False,
    diff: Diff = False,
    files_from: FilesFrom = None,
    exclude: Exclude = None,
    max_unpacked: MaxUnpacked = None,
    jobs: Jobs = None,
    workers: Workers = None,
    fail_fast: FailFast = False,
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
    module cannot be read or is invalid, a model is incomplete, or no module was found. If several
    apply, the first of 6, 4, 1, 5, 0 counts. A file that was found in a folder, an archive or a
    list, and does not use wasi-nn, passes. With --fix, the verdicts are about the files as they are
    afterwards. 130: interrupted. 129: its terminal was closed.
    """
    from nnshim.checking.reporting import reporting
    from nnshim.checking.settings import Settings
    from nnshim.config.by_path import ByPath
    from nnshim.config.merged import Given, in_force
    from nnshim.config.reading import configured
    from nnshim.many.ending import ended_by_signals
    from nnshim.many.searching import search
    from rewriter.abi.dialects import find_dialect
    from rewriter.checking.check import acceptable
    from rewriter.hosts.table import FAMILIES, find_hosts, is_profile

    once("--for", host_names or ())
    once("--model", models or ())
    config = configured(config_file, no_config)
    if config.remark is not None and not quiet:
        note(config.remark)
    used = in_force(config, Given(files, host_names, exclude, models, strict, accept))
    if not used.files and files_from is None:
        raise UsageError("name a module (FILE), or files in the configuration")
    hosts = tuple(map(find_hosts, used.hosts or FAMILIES))
    if (fix or diff) and len(hosts) != 1:
        raise UsageError(
            f"{'--fix' if fix else '--diff'} is for one host, and there are {len(hosts)} here:"
            " name one with --for"
        )
    accepted = acceptable(used.accept)
    chosen = chosen_format(output, as_json, REPORTS)
    if guest_abi is not None:
        find_dialect(guest_abi)
    if statistics and chosen != "text":
        raise UsageError(f"--statistics contradicts --output-format {chosen}")
    if not used.hosts:
        note(f"without --for, every host is judged: {', '.join(FAMILIES)}; --for may be repeated")
    shown = what_is_shown(
        [host.name for host in hosts],
        select or (),
        ignore or (),
        quiet=quiet,
        statistics=statistics,
        exit_zero=exit_zero,
    )
    profiles = filter(is_profile, used.hosts)
    others = (name for name in (files_from, config.path) if name is not None)
    written = report_files(reports or (), (*used.files, *used.models, *profiles, *others))
    where = search(used.files, files_from, used.exclude, max_unpacked, jobs, workers)
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
        only_wasi_nn=only_wasi_nn,
        fix=fix or diff,
        diff=diff,
        digests="sarif" in (chosen, *written.values()),
    )
    with ended_by_signals(), reporting(chosen, written, shown) as told:
        worst = _check(where, settings, told, fail_fast=fail_fast, quiet=quiet)
    raise typer.Exit(shown.exit_code(worst))


def _check(
    where: "Search", settings: "Settings", told: "Reports", *, fail_fast: bool, quiet: bool
) -> "Answer":
    """Report on each file, and return the worst answer of all."""
    from nnshim.checking.many import judge_all
    from nnshim.many.progress import shown_progress
    from nnshim.render.values import Summary
    from rewriter.analysis.compatibility import Answer

    answers: Counter[Answer] = Counter()
    nothing_to_do = rewritten = 0
    stopped = False
    with shown_progress("checking", where, quiet=quiet) as progress:
        for judged in judge_all(where, settings, fail_fast=fail_fast):
            found = judged.report
            if found.unsearched is not None:
                remark(found.unsearched)
                told.file(found)
                continue
            progress.add(judged.size)
            if found.origin is not None:
                told_origin(found.path, found.origin)
            told.file(found)
            rewritten += found.fix is not None and bool(found.fix.changes)
            answer = Answer.worst(found.answers)
            if found.answers:
                answers[answer] += 1
            else:
                nothing_to_do += 1
            if fail_fast and answer.exit_code:
                stopped = True
                break
    told.end(Summary(answers, nothing_to_do, stopped, rewritten))
    return Answer.worst(answers)


def _read_models(paths: "Sequence[str]") -> "Sequence[Model]":
    if not paths:
        return ()
    from rewriter.models.reading import read_model

    return [read_model(path) for path in paths]

"""nnshim check: the gate of a pipeline."""

from typing import TYPE_CHECKING, Annotated

import typer

from nnshim.common import (
    AsJson,
    Format,
    GuestAbi,
    chosen_format,
    errors_in_json,
    note,
    once,
    report,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nnshim.render.values import Checked
    from rewriter.analysis.components.described import ComponentInfo
    from rewriter.analysis.inspect import ModuleInfo
    from rewriter.files.input import Source
    from rewriter.hosts.starting import Explanation
    from rewriter.hosts.table import Chosen
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
    output: Format = None,
    as_json: AsJson = False,
) -> None:
    """Say whether hosts run modules: the gate of a pipeline.

    A verdict rests on what the modules show, and with --model, on their models.
    Without --for, every host is judged.

    Exit codes: 0 every host runs every module; 1 a module needs a rewrite; 2 usage; 3 a tool is
    missing; 4 a host cannot run a module; 5 a module runs only if conditions hold; 6 no verdict: a
    module cannot be read or is invalid, or a model is incomplete. If several
    apply, the first of 6, 4, 1, 5, 0.
    """
    from rewriter.hosts.table import FAMILIES, find_hosts

    once("--for", host_names or ())
    hosts = list(map(find_hosts, host_names or FAMILIES))
    if not host_names:
        note(f"without --for, every host is judged: {', '.join(FAMILIES)}; --for may be repeated")
    from rewriter.checking.check import acceptable

    accepted = acceptable(accept or ())
    once("--model", models or ())
    as_json = chosen_format(output, as_json) == "json"
    with errors_in_json(as_json, files):
        read = _read_models(models or ())

    def judge(
        path: str, info: "ModuleInfo | ComponentInfo", source: "Source"
    ) -> "Iterator[Checked]":
        if validate:
            source.validate()
        for host in hosts:
            found = _check(path, info, host, guest_abi, read)
            found = found._replace(found=found.found.weighed(strict=strict, accept=accepted))
            if explain:
                found = found._replace(explained=_explain(found, info, host))
            yield found

    answer = report(
        files,
        guest_abi,
        chosen_format(output, as_json),
        "checked",
        judge,
    )
    raise typer.Exit(answer.exit_code)


def _read_models(paths: "Sequence[str]") -> "Sequence[Model]":
    if not paths:
        return ()
    from rewriter.models.reading import read_model

    return [read_model(path) for path in paths]


def _check(
    path: str,
    info: "ModuleInfo | ComponentInfo",
    host: "Chosen",
    guest_abi: str | None,
    models: "Sequence[Model]",
) -> "Checked":
    from nnshim.render.values import (
        Checked,
        component_options,
        output_name,
        rewrite_command,
        rewrite_options,
    )
    from rewriter.analysis.inspect import ModuleInfo

    options: tuple[str, ...] = ()
    if isinstance(info, ModuleInfo):
        from rewriter.analysis.seen.numbering import shown_abi
        from rewriter.analysis.verdicts import judge

        found = judge(info, host, models=models)
        options = rewrite_options(guest_abi or shown_abi(info, models), info)
    else:
        from rewriter.checking.components import judge_component

        found = judge_component(info, host, models)
        options = component_options(found)
    helps = found.rewrite_for
    if helps is None:
        return Checked(path, host.name, found, None, models)
    rewrite = rewrite_command(helps, options, path)
    here = rewrite_command(helps, options, path, output_name(path, helps))
    return Checked(path, host.name, found, rewrite, models, help=here)


def _explain(
    checked: "Checked", info: "ModuleInfo | ComponentInfo", host: "Chosen"
) -> "Explanation | None":
    """For the release that a rewrite is for, or the newest of those that were named."""
    from rewriter.analysis.compatibility import Runs
    from rewriter.analysis.inspect import ModuleInfo
    from rewriter.hosts.starting import Trial, explain

    if checked.found.runs is Runs.CANNOT:
        return None
    if isinstance(info, ModuleInfo):
        return _explain_module(checked, info, host)
    trial = Trial(
        checked.path,
        any(item.package == "wasi:filesystem" for item in info.imports),
        any("load-by-name" in item.functions for item in info.wasi_nn),
        checked.models,
    )
    return explain(host.newest, trial)


def _explain_module(checked: "Checked", info: "ModuleInfo", host: "Chosen") -> "Explanation":
    from nnshim.render.values import output_name
    from rewriter.analysis.seen.formats import loaded
    from rewriter.functions.frames import wanted_stack
    from rewriter.hosts.starting import Trial, explain
    from rewriter.hosts.table import find_host

    helps = checked.found.rewrite_for
    row = host.newest if helps is None else find_host(helps)
    names = {item.name for item in info.wasi_nn.values()}
    wanted = wanted_stack(info.module, row.stack_bytes)
    formats = loaded(info, row)
    trial = Trial(
        checked.path if helps is None else output_name(checked.path, helps),
        any(item.name == "path_open" for item in info.imports),
        not names.isdisjoint(("load_by_name", "load_by_name_with_config")),
        checked.models,
        formats.formats if formats.only else frozenset(),
        (f"--stack-size={wanted.enough}",) if wanted else (),
    )
    return explain(row, trial, checked.help)

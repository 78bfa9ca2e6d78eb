"""nnshim inspect: what a module imports, exports and carries along."""

from typing import TYPE_CHECKING, Annotated

import typer

from nnshim.common import AsJson, Format, GuestAbi, chosen_format, report

if TYPE_CHECKING:
    from nnshim.render.values import Inspected, InspectedComponent
    from rewriter.analysis.compatibility import Verdict
    from rewriter.analysis.components.described import ComponentInfo
    from rewriter.analysis.inspect import ModuleInfo
    from rewriter.diagnostics import Diagnostic
    from rewriter.files.input import Source

__all__ = ["command"]


def command(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help="Modules (files, oci://HOST/NAME:TAG, oci-layout:PATH:TAG), or - (stdin).",
        ),
    ],
    everything: Annotated[
        bool,
        typer.Option(
            "--all", help="Also show every reason, other imports, exports and custom sections."
        ),
    ] = False,
    guest_abi: GuestAbi = None,
    output: Format = None,
    as_json: AsJson = False,
) -> None:
    """Show which hosts run a module, and what it consists of.

    Exit codes: 0 all modules were read; 1 one was not (the others are still shown); 2 usage.
    """
    all_read = report(
        files,
        guest_abi,
        chosen_format(output, as_json),
        "inspected",
        lambda path, info, source: _inspect(path, info, source, guest_abi, everything),
    )
    if not all_read:
        raise typer.Exit(1)


def _inspect(
    path: str,
    info: "ModuleInfo | ComponentInfo",
    source: "Source",
    guest_abi: str | None,
    everything: bool,
) -> "Inspected | InspectedComponent":
    from rewriter.analysis.inspect import ModuleInfo

    if isinstance(info, ModuleInfo):
        return _inspect_module(path, info, source, guest_abi, everything)
    from nnshim.render.values import InspectedComponent
    from rewriter.checking.components import component_by_release
    from rewriter.hosts.table import FAMILIES, Chosen

    invalid = _invalid(source)
    hosts: dict[str, Verdict] = {}
    for name, family in FAMILIES.items():
        if not (invalid or family.closed):
            hosts |= component_by_release(info, Chosen(name, family.released))
    return InspectedComponent(path, info, invalid, hosts, everything, source.origin)


def _inspect_module(
    path: str, info: "ModuleInfo", source: "Source", guest_abi: str | None, everything: bool
) -> "Inspected":
    from nnshim.render.values import Inspected
    from rewriter.analysis.compatibility import on_any_host
    from rewriter.analysis.seen.numbering import as_shown
    from rewriter.analysis.sources import hides_types
    from rewriter.analysis.verdicts import by_release, judge
    from rewriter.hosts.table import FAMILIES, find_hosts

    invalid = _invalid(source)
    hosts = {name: judge(info, find_hosts(name)) for name in FAMILIES if not invalid}
    parted = {name: by_release(info, find_hosts(name)) for name in hosts if FAMILIES[name].every}
    info = as_shown(info)
    findings = (*invalid, *on_any_host(info))
    guessed = {found.code for found in findings} & {"NN137", "NN146"}
    hidden = frozenset(
        item.module for slot, item in info.wasi_nn.items() if guessed and hides_types(info, slot)
    )
    return Inspected(
        path, info, findings, hidden, hosts, guest_abi, parted, everything, source.origin
    )


def _invalid(source: "Source") -> "tuple[Diagnostic, ...]":
    """Why no host takes it, or why that is not known."""
    from rewriter.errors import DependencyMissing, ModuleError

    try:
        source.validate()
    except (DependencyMissing, ModuleError) as error:
        return tuple(error.diagnostics)
    return ()

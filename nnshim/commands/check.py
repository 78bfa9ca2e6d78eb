"""nnshim check: the gate of a pipeline."""

from typing import TYPE_CHECKING, Annotated

import typer

from nnshim.common import AsJson, Format, GuestAbi, chosen_format, once, report
from rewriter.hosts.table import FAMILIES, Chosen, find_hosts

if TYPE_CHECKING:
    from nnshim.render.values import Checked
    from rewriter.analysis.inspect import ModuleInfo

__all__ = ["command"]


def command(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Modules, or - (stdin).")],
    host_names: Annotated[
        list[str],
        typer.Option(
            "--for",
            metavar="HOST[@RELEASE]",
            help=f"One of {', '.join(FAMILIES)}, or a release: wamr@2.2. May be repeated.",
        ),
    ],
    guest_abi: GuestAbi = None,
    output: Format = None,
    as_json: AsJson = False,
) -> None:
    """Check whether hosts can run modules as they are, as far as their imports show it.

    Exit codes: 0 each of them can run all of them; 1 one cannot, or a module cannot be read; 2
    usage.
    """
    hosts = list(map(find_hosts, host_names))
    once("--for", host_names)
    report(
        files,
        guest_abi,
        chosen_format(output, as_json),
        "checked",
        lambda path, info: (_check(path, info, host, guest_abi) for host in hosts),
    )


def _check(path: str, info: "ModuleInfo", host: "Chosen", guest_abi: str | None) -> "Checked":
    from nnshim.render.values import Checked, rewrite_command
    from rewriter.analysis.seen import shown_abi
    from rewriter.analysis.verdicts import judge

    found = judge(info, host)
    helps = found.rewrite_for
    told = guest_abi or shown_abi(info)
    rewrite = None if helps is None else rewrite_command(helps, told, path)
    return Checked(path, host.name, found, rewrite)

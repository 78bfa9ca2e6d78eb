"""nnshim check: the gate of a pipeline."""

from typing import TYPE_CHECKING, Annotated

import typer

from nnshim.common import AsJson, Format, GuestAbi, chosen_format, once, report
from rewriter.hosts.table import FAMILIES, Chosen, find_hosts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nnshim.render.values import Checked
    from rewriter.analysis.inspect import ModuleInfo

__all__ = ["command"]


def command(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Modules, or - (stdin).")],
    host_names: Annotated[
        list[str],
        typer.Option(
            "--for",
            metavar="HOST[@RELEASE]|PROFILE",
            help=f"One of {', '.join(FAMILIES)}, or a release: wamr@2.2. May be repeated.",
        ),
    ],
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Have needs count, and what is not seen in the module, too."),
    ] = False,
    accept: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CODE", help="A condition that need not count: NN226. May be repeated."
        ),
    ] = None,
    guest_abi: GuestAbi = None,
    output: Format = None,
    as_json: AsJson = False,
) -> None:
    """Check whether hosts can run modules as they are, as far as that can be seen in them.

    Exit codes: 0 each host runs all of them; 1 one has to be rewritten; 2 usage; 3 a tool is
    missing; 4 a host cannot run one; 5 one runs only if conditions hold; 6 no verdict: one cannot
    be read, or is not a core module. Of several, the first of 6, 4, 1, 5, 0.
    """
    hosts = list(map(find_hosts, host_names))
    once("--for", host_names)
    from rewriter.analysis.verdicts import acceptable

    accepted = acceptable(accept or ())

    def judge(path: str, info: "ModuleInfo") -> "Iterator[Checked]":
        for host in hosts:
            found = _check(path, info, host, guest_abi)
            yield found._replace(found=found.found.weighed(strict=strict, accept=accepted))

    answer = report(
        files,
        guest_abi,
        chosen_format(output, as_json),
        "checked",
        judge,
    )
    raise typer.Exit(answer.exit_code)


def _check(path: str, info: "ModuleInfo", host: "Chosen", guest_abi: str | None) -> "Checked":
    from nnshim.render.values import Checked, rewrite_command
    from rewriter.analysis.verdicts import judge

    found = judge(info, host)
    helps = found.rewrite_for
    rewrite = None if helps is None else rewrite_command(helps, guest_abi, path)
    return Checked(path, host.name, found, rewrite)

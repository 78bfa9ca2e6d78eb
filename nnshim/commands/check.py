"""nnshim check: the gate of a pipeline."""

from __future__ import annotations

from typing import Annotated

import typer

from nnshim.commands.common import Finding, GuestAbi, once, report
from rewriter import ModuleInfo
from rewriter.abi.hosts import HOSTS, Host, find_host
from rewriter.analysis.compatibility import Assessment, Verdict, assess

__all__ = ["command"]


_VERDICTS = {
    Verdict.AS_IT_IS: "runs on {} as it is",
    Verdict.AFTER_REWRITE: "runs on {} after a rewrite",
    Verdict.CANNOT: "cannot run on {}",
}


def command(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Modules, or - (stdin).")],
    host_names: Annotated[
        list[str],
        typer.Option("--for", metavar="HOST", help=f"One of {', '.join(HOSTS)}. May be repeated."),
    ],
    guest_abi: GuestAbi = None,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print an array with an object for each file and host."),
    ] = False,
) -> None:
    """Check whether hosts can run modules as they are, as far as their imports show it.

    Exit codes: 0 each of them can run all of them; 1 one cannot, or a module cannot be read; 2
    usage.
    """
    hosts = list(map(find_host, host_names))
    once("--for", host_names)
    report(
        files,
        guest_abi,
        as_json,
        lambda path, info: (_find(path, info, host, guest_abi) for host in hosts),
    )


def _find(path: str, info: ModuleInfo, host: Host, guest_abi: str | None) -> Finding:
    found = assess(info, host)
    fields = {"host": host.name, **_as_json(found)}
    return Finding(
        found.verdict is Verdict.AS_IT_IS, fields, _lines(path, host.name, found, guest_abi)
    )


def _lines(path: str, host: str, found: Assessment, guest_abi: str | None) -> list[str]:
    lines = [f"{path}: {_VERDICTS[found.verdict].format(host)}"]
    lines += [f"  because {reason}" for reason in found.reasons]
    if found.verdict is Verdict.AFTER_REWRITE:
        told = f"--guest-abi {guest_abi} " if guest_abi is not None else ""
        lines.append(f"  with: nnshim rewrite --for {host} {told}{path} OUT")
    return lines + [f"  note: {caveat}" for caveat in found.caveats]


def _as_json(found: Assessment) -> dict[str, object]:
    return {
        "runs": found.verdict.name.lower(),
        "reasons": found.reasons,
        "caveats": found.caveats,
    }

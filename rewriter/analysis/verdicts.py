"""Verdicts on what `--for` names, which can stand for several releases of a host."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from rewriter.analysis.compatibility import Runs, Verdict, assess
from rewriter.analysis.inspect import ModuleInfo, inspect_module
from rewriter.diagnostics import Diagnostic, distinct
from rewriter.errors import UsageError
from rewriter.hosts.host import Host
from rewriter.hosts.table import Chosen, find_hosts
from rewriter.wasm.module import Module
from rewriter.wasm.reader import Data

__all__ = ["check", "judge"]

_WORSE = tuple(Runs)
"""From the best to the worst."""


def check(
    data: Data | Module, hosts: Iterable[str], *, guest_abi: str | None = None
) -> list[Verdict]:
    """Whether a module runs on each of these hosts, by name or name and release, as `wamr@2.2`, in
    their order. `data` are the bytes of a core module.

    `guest_abi` names the module's ABI, where its imports do not tell it. Raises UsageError for
    names and releases that are not known, MalformedModule and UnsupportedModule with the byte
    offset.
    """
    if isinstance(hosts, str):
        raise UsageError(f"hosts: expected several names, not {hosts!r} alone: [{hosts!r}]")
    chosen = list(map(find_hosts, hosts))
    info = inspect_module(data, guest_abi)
    return [judge(info, one) for one in chosen]


def judge(info: ModuleInfo, chosen: Chosen, guest: Host | None = None) -> Verdict:
    """The verdict on all releases that were chosen: the worst of them, with the releases that it
    holds for, if there are others.

    `guest` is what the module was built for, where that is known.
    """
    verdicts = [assess(info, row, guest) for row in chosen.rows]
    if len(chosen.rows) > 1:
        verdicts = [*map(_of_several, verdicts)]
    worst = max((verdict.runs for verdict in verdicts), key=_WORSE.index)
    deciding = [
        (row, verdict)
        for row, verdict in zip(chosen.rows, verdicts, strict=True)
        if verdict.runs is worst
    ]
    reasons = list(_together(deciding, [verdict.reasons for _, verdict in deciding], chosen))
    caveats = list(
        _together(
            list(zip(chosen.rows, verdicts, strict=True)),
            [verdict.caveats for verdict in verdicts],
            chosen,
        )
    )
    return Verdict(
        chosen.name,
        tuple(reasons),
        distinct((*chosen.notes, *caveats, *_others(chosen, verdicts, worst))),
    )


def _of_several(verdict: Verdict) -> Verdict:
    """Of one of several releases: what each has other numbers for, no one rewrite mends."""
    numbers = [reason for reason in verdict.reasons if reason.code in ("NN203", "NN207")]
    reasons = tuple(reason for reason in verdict.reasons if reason not in numbers)
    more = (
        Diagnostic("NN228", reason.message, reason.offset, reason.function) for reason in numbers
    )
    return replace(verdict, reasons=reasons, caveats=(*verdict.caveats, *more))


def _together(
    verdicts: Sequence[tuple[Host, Verdict]],
    said: Sequence[tuple[Diagnostic, ...]],
    chosen: Chosen,
) -> Iterator[Diagnostic]:
    """What is said of releases, once each; of some only, with which."""
    of: dict[Diagnostic, list[str]] = {}
    for (row, _), diagnostics in zip(verdicts, said, strict=True):
        for diagnostic in diagnostics:
            of.setdefault(diagnostic, []).append(row.releases)
    for diagnostic, releases in of.items():
        if len(releases) == len(chosen.rows):
            yield diagnostic
            continue
        message = f"{', '.join(releases)}: {diagnostic.message}"
        yield Diagnostic(
            diagnostic.code, message, diagnostic.offset, diagnostic.function, diagnostic.help
        )


def _others(chosen: Chosen, verdicts: Sequence[Verdict], worst: Runs) -> Iterator[Diagnostic]:
    """The releases that do better than the worst."""
    for row, verdict in zip(chosen.rows, verdicts, strict=True):
        if verdict.runs is not worst:
            message = f"{row.label} ({row.releases}): {verdict.runs.value}"
            yield Diagnostic("NN225", message, help=f"--for {row.label} is about these alone")

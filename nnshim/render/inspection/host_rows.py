"""Hosts with their verdicts, as a table for people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from nnshim.render.tables import UNBROKEN, columns, wrapped
from nnshim.render.values import output_name, rewrite_command
from nnshim.render.verdicts import line
from rewriter.terminal import shown

if TYPE_CHECKING:
    from rewriter.analysis.compatibility import Verdict
    from rewriter.diagnostics import Diagnostic

__all__ = ["Row", "hosts_table", "how", "reasons"]


class Row(NamedTuple):
    """The verdict on a host, or on the releases of it that share one. `label` is for the table and
    `name` for the lists of hosts below it."""

    label: str
    name: str
    found: Verdict


def hosts_table(rows: Sequence[Row], how: Callable[[Verdict], str]) -> list[str]:
    """The hosts with the same answer share a row. Conditions have numbers, and stand below."""
    numbers: dict[str, int] = {}
    merged: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        runs, conditions = _RUNS[row.found.runs.name], ""
        if row.found.answer != "cannot" and row.found.conditions:
            known = {_numbered(numbers, found) for found in row.found.conditions}
            conditions = f", if {', '.join(map(str, sorted(known)))}"
        merged.setdefault((f"{runs}{conditions}", how(row.found)), []).append(row.label)
    cells = [
        (", ".join(label.replace(" ", UNBROKEN) for label in labels), runs, how)
        for (runs, how), labels in merged.items()
    ]
    lines = columns(("host", "runs", "how, or why not"), cells, indent=2)
    if numbers:
        lines.append("  only if")
        for text, number in numbers.items():
            lines += wrapped(f"    {number}  {text}")
    return lines


_RUNS = {"AS_IT_IS": "as it is", "AFTER_REWRITE": "rewritten", "CANNOT": "no"}


def _numbered(numbers: dict[str, int], found: Diagnostic) -> int:
    text = shown(found.text).removeprefix("only if ")
    return numbers.setdefault(f"{text} ({found.code})", len(numbers) + 1)


def how(path: str, options: Sequence[str], found: Verdict) -> str:
    """The command that rewrites the file at `path`, with `options` beside the host, or the first
    reason why no rewrite helps."""
    if found.rewrite_for is None:
        return _why_not(found)
    out = output_name(path, found.rewrite_for)
    command = rewrite_command(found.rewrite_for, options, path, out)
    return shown(command).replace(" ", UNBROKEN)


def _why_not(found: Verdict) -> str:
    """The first reason why a host cannot run something, empty if it can."""
    if found.answer != "cannot":
        return ""
    first = found.reasons[0]
    codes = {reason.code for reason in found.reasons} - {first.code}
    others = f", and {', '.join(sorted(codes))}" if codes else ""
    return f"{shown(first.message)} ({first.code}){others}"


def reasons(rows: Sequence[Row]) -> list[str]:
    """Each reason once, and the hosts that it is about on a line below it."""
    said: dict[Diagnostic, list[str]] = {}
    for row in rows:
        for reason in row.found.reasons:
            said.setdefault(reason, []).append(row.name)
    lines = ["  reasons"] if said else []
    for reason, names in said.items():
        lines += [f"    {line(reason)}", f"      {', '.join(names)}"]
    return lines

"""Verdicts as lines for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from nnshim.render import counted
from rewriter.hosts.table import FAMILIES

if TYPE_CHECKING:
    from nnshim.render.values import Checked
    from rewriter.diagnostics import Diagnostic
    from rewriter.hosts.starting import Explanation
    from rewriter.models.model import Model

__all__ = ["checked", "checked_in_common", "line"]


def line(diagnostic: Diagnostic) -> str:
    """How severe it is, its code, what is so and what helps; for errors also where it is."""
    severity = diagnostic.severity.value
    what = str(diagnostic) if severity == "error" else diagnostic.text
    return f"{severity}[{diagnostic.code}]: {what}"


def _codes(said: Iterable[Diagnostic]) -> str:
    return ", ".join(sorted({found.code for found in said}))


def _hold(conditions: Sequence[Diagnostic]) -> str:
    return f"{counted(len(conditions), 'condition')} {'holds' if len(conditions) == 1 else 'hold'}"


_VERDICTS = {
    "AS_IT_IS": "runs on {} as it is",
    "AFTER_REWRITE": "runs on {} after a rewrite",
    "CANNOT": "cannot run on {}",
}


def checked(value: Checked) -> list[str]:
    """The answer, the command that mends all reasons, then these, and what else is to be said of
    this module alone. A module that cannot run has no conditions."""
    found = value.found
    cannot = found.answer == "cannot"
    family = FAMILIES.get(value.host)
    several = family is not None and family.every
    host = f"{value.host} (all releases)" if several else value.host
    answer = f"{value.path}: {_VERDICTS[found.runs.name].format(host)}"
    if found.counted and not cannot:
        answer += f", only if {_hold(found.counted)} ({_codes(found.counted)})"
    lines = [answer] if value.help is None else [answer, f"  help: {value.help}"]
    if family is not None and several and found.rewrite_for == value.host:
        newest = f"the newest, {family.newest.last}"
        lines.append(f"    without a release, check is about all, and rewrite about {newest}")
    lines += [f"  {line(reason)}" for reason in found.reasons]
    if not cannot:
        lines += [f"  {line(condition)}" for condition in found.conditions]
        lines += [f"  accepted[{said.code}]: {said.text}" for said in found.accepted]
    lines += [f"  {line(note)}" for note in found.notes]
    return lines if value.explained is None else [*lines, *_explained(value.explained)]


def _explained(value: Explanation) -> list[str]:
    lines = [f"  besides the module, {value.host} needs:", *(f"    {it}" for it in value.needs)]
    if not value.commands:
        return lines
    where = "with the module and its models below the current folder"
    return [*lines, f"  to try it, {where}:", *(f"    {command}" for command in value.commands)]


def modelled(model: Model) -> list[str]:
    """What a model's file states."""
    quantised = "quantised" if model.quantised else "not quantised"
    lines = [f"model {model.path}: {model.title}, {model.size} bytes, {quantised}"]
    for word, ports in (("input", model.inputs), ("output", model.outputs)):
        if ports is None:
            lines.append(f"  {word}s: not stated")
        lines += [f"  {word} {port}" for port in ports or ()]
    return lines


def checked_in_common(values: Sequence[Checked]) -> list[str]:
    """What models state, and what modules need and what cannot be seen in them, each once: many
    modules have the same, and many hosts. A line that is not about all of them says which."""
    models = [line for model in values[0].models for line in modelled(model)] if values else []
    by_host = _by_host(values)
    said: dict[Diagnostic, dict[str, list[str]]] = {}
    for host, found in by_host.items():
        for value in found:
            for need in (*value.found.needs, *value.found.unseen):
                said.setdefault(need, {}).setdefault(host, []).append(value.path)
    if not said:
        return models
    strict = any(value.found.strict for value in values)
    counts = "" if strict else " (counts only with --strict)"
    order = sorted(said, key=lambda need: (need.severity, need.code))
    lines = [f"  {line(need)}{_where(said[need], by_host)}" for need in order]
    return [*models, f"also needed, or not visible in a module{counts}:", *lines]


def _by_host(values: Sequence[Checked]) -> Mapping[str, list[Checked]]:
    """Without what cannot run there, which needs nothing."""
    found: dict[str, list[Checked]] = {}
    for value in values:
        if value.found.answer != "cannot":
            found.setdefault(value.host, []).append(value)
    return found


def _where(paths: Mapping[str, list[str]], by_host: Mapping[str, list[Checked]]) -> str:
    """The hosts, and the modules on each of these, that a line is about: `paths` by host. Empty
    where that is all of them."""
    hosts: dict[str, list[str]] = {}
    for host, found in paths.items():
        hosts.setdefault(_some(found, len(by_host[host])), []).append(host)
    if len(hosts) == 1 and len(paths) == len(by_host):
        (some,) = hosts
        return f" ({some})" if some else ""
    parts = (f"{', '.join(names)}{some and ': '}{some}" for some, names in hosts.items())
    return f" ({'; '.join(parts)})"


def _some(paths: Sequence[str], all_: int) -> str:
    if len(paths) == all_:
        return ""
    return ", ".join(paths) if len(paths) <= _MOST_NAMED else f"{len(paths)} of {all_} modules"


_MOST_NAMED = 3

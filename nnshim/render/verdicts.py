"""Verdicts as lines for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from nnshim.render import counted
from rewriter.hosts.table import FAMILIES

if TYPE_CHECKING:
    from nnshim.render.values import Checked, Summary
    from rewriter.codes import Severity
    from rewriter.diagnostics import Diagnostic
    from rewriter.hosts.starting import Explanation
    from rewriter.models.model import Model

__all__ = ["InCommon", "checked", "line", "summed_up"]


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
_NOT_ALLOWED = "may not run on {}, by the policy"
"""Said if nothing else keeps it from running there."""


def _all(_: str) -> bool:
    return True


def checked(value: Checked, shows: Callable[[str], bool] = _all) -> list[str]:
    """The answer, the command that mends all reasons, then these, and what else is to be said of
    this module alone. A module that cannot run has no conditions. `shows` says which codes have a
    line."""
    found = value.found
    cannot = found.answer == "cannot"
    family = FAMILIES.get(value.host)
    several = family is not None and family.every
    host = f"{value.host} (all releases)" if several else value.host
    forbidden = cannot and all(reason.code.startswith("NN8") for reason in found.reasons)
    verdict = _NOT_ALLOWED if forbidden else _VERDICTS[found.runs.name]
    answer = f"{value.path}: {verdict.format(host)}"
    if found.counted and not cannot:
        answer += f", only if {_hold(found.counted)} ({_codes(found.counted)})"
    lines = [answer] if value.help is None else [answer, f"  help: {value.help}"]
    if family is not None and several and found.rewrite_for == value.host:
        newest = f"the newest, {family.newest.last}"
        lines.append(f"    without a release, check is about all, and rewrite about {newest}")
    lines += [f"  {line(reason)}" for reason in found.reasons if shows(reason.code)]
    if not cannot:
        lines += [f"  {line(said)}" for said in found.conditions if shows(said.code)]
        accepted = (said for said in found.accepted if shows(said.code))
        lines += [f"  accepted[{said.code}]: {said.text}" for said in accepted]
    lines += [f"  {line(note)}" for note in found.notes if shows(note.code)]
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


class InCommon:
    """What models state, and what modules need and what cannot be seen in them, each once: many
    modules have the same, and many hosts. A line that is not about all of them says which.

    `shows` says which codes have a line. However many modules there are, only their numbers are
    kept, some names, and a bounded number of lines.
    """

    def __init__(self, shows: Callable[[str], bool] = _all, with_models: bool = True) -> None:
        self._shows = shows
        self._models: list[str] | None = None if with_models else []
        self._strict = False
        self._all: Counter[str] = Counter()
        self._said: dict[str, _Said] = {}
        self._left_out: Counter[str] = Counter()

    def add(self, value: Checked) -> None:
        found = value.found
        if self._models is None:
            self._models = [text for model in value.models for text in modelled(model)]
        if found.answer == "cannot":  # it needs nothing there
            return
        self._strict |= found.strict
        self._all[value.host] += 1
        needs = dict.fromkeys((*found.needs, *found.unseen))
        for text, need in {line(need): need for need in needs if self._shows(need.code)}.items():
            if text not in self._said and len(self._said) == _MOST_LINES:
                self._left_out[need.code] += 1
                continue
            said = self._said.setdefault(text, _Said(need.severity, need.code, {}))
            count, names = said.hosts.get(value.host, (0, ()))
            some = (*names, value.path) if len(names) < _MOST_NAMED else names
            said.hosts[value.host] = (count + 1, some)

    def lines(self) -> list[str]:
        models = self._models or []
        if not self._said:
            return models
        counts = "" if self._strict else " (counts only with --strict)"
        order = sorted(self._said, key=lambda text: self._said[text][:2])
        lines = [f"  {text}{self._where(self._said[text].hosts)}" for text in order]
        lines += [
            f"  and {count} others with {code}, which --output-format json has"
            for code, count in sorted(self._left_out.items())
        ]
        return [*models, f"also needed, or not visible in a module{counts}:", *lines]

    def _where(self, said: Mapping[str, tuple[int, Sequence[str]]]) -> str:
        """The hosts, and the modules on each of these, that a line is about. Empty where that is
        all of them."""
        hosts: dict[str, list[str]] = {}
        for host, (count, names) in said.items():
            hosts.setdefault(_some(count, names, self._all[host]), []).append(host)
        if len(hosts) == 1 and len(said) == len(self._all):
            (some,) = hosts
            return f" ({some})" if some else ""
        parts = (f"{', '.join(names)}{some and ': '}{some}" for some, names in hosts.items())
        return f" ({'; '.join(parts)})"


class _Said(NamedTuple):
    """By host, how many modules a line is about, and the names of the first of them."""

    severity: Severity
    code: str
    hosts: dict[str, tuple[int, Sequence[str]]]


def _some(count: int, names: Sequence[str], all_: int) -> str:
    if count == all_:
        return ""
    return ", ".join(names) if count <= _MOST_NAMED else f"{count} of {all_} modules"


_MOST_NAMED = 3

_MOST_LINES = 100
"""Of what modules have in common. Messages with names in them could be as many as modules."""


_SUMMED_UP = {
    "runs": ("runs", "run"),
    "rewrite": ("needs a rewrite", "need a rewrite"),
    "only_if": ("runs only if conditions hold", "run only if conditions hold"),
    "cannot": ("cannot run", "cannot run"),
    "no_verdict": ("has no verdict", "have no verdict"),
}


def summed_up(summary: Summary, *, even_one: bool = False) -> list[str]:
    """How many files have each answer, in a line. One file alone has said it, as a rule."""
    by_word = {answer.value: count for answer, count in summary.answers.items()}
    counts = [(by_word.get(answer, 0), words) for answer, words in _SUMMED_UP.items()]
    counts.append((summary.nothing_to_do, ("has nothing to do", "have nothing to do")))
    parts = [f"{count} {words[count != 1]}" for count, words in counts if count]
    if len(parts) == summary.files == 1 and not (
        even_one or summary.nothing_to_do or summary.rewritten or summary.stopped
    ):
        return []
    rewritten = f" ({summary.rewritten} rewritten)" if summary.rewritten else ""
    said = f": {', '.join(parts)}{rewritten}" if parts else ""
    stopped = "; --fail-fast skipped the rest" * summary.stopped
    return [f"{counted(summary.files, 'file')}{said}{stopped}"]

"""Verdicts on what `--for` names, which can stand for several releases of a host."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import replace
from functools import partial
from pathlib import PurePath

from rewriter.analysis.compatibility import Runs, Verdict, assess
from rewriter.analysis.inspect import ModuleInfo, inspect_module
from rewriter.analysis.sources import hidden_numbers
from rewriter.codes import Severity, find_code, unknown_code
from rewriter.diagnostics import Diagnostic, distinct
from rewriter.errors import UsageError
from rewriter.files import wasm_tools
from rewriter.hosts.host import Host
from rewriter.hosts.table import Chosen, find_hosts
from rewriter.models.model import Model
from rewriter.wasm.module import Module
from rewriter.wasm.reader import Data

__all__ = ["acceptable", "by_release", "check", "judge", "spans_of_releases", "together"]

_WORSE = tuple(Runs)
"""From the best to the worst."""


def check(
    data: Data | Module,
    hosts: Iterable[str],
    *,
    guest_abi: str | None = None,
    strict: bool = False,
    accept: Iterable[str] = (),
    models: Iterable[str | PurePath] = (),
    validate: bool = True,
) -> list[Verdict]:
    """Whether a module runs on each of these hosts, by name or name and release, as `wamr@2.2`, in
    their order. `data` are the bytes of a core module.

    `guest_abi` names the module's ABI, where its imports do not tell it. Where it is `strict`,
    needs and what is unseen count as conditions do; codes that it is to `accept` do not count.
    `models` are the files of those that it runs, which count then. No host takes a module that is
    not valid, which wasm-tools says if it is to `validate`.

    Raises UsageError for names, releases and codes that are not known, and codes that cannot be
    accepted, MalformedModule, UnsupportedModule and InvalidModule with the byte offset,
    DependencyMissing where wasm-tools is to validate and is not installed, and for models what
    `read_model` does.
    """
    from rewriter.models.reading import read_model  # what has no models starts without it

    _several("hosts", hosts)
    _several("accept", accept)
    _several("models", models)
    chosen = list(map(find_hosts, hosts))
    if not chosen:
        raise UsageError("hosts: none is named; `nnshim hosts` lists them")
    accepted = acceptable(accept)
    info = inspect_module(data, guest_abi)
    if validate:
        wasm_tools.validate(bytes(info.module.data))
    read = list(map(read_model, models))
    return [judge(info, one, models=read).weighed(strict=strict, accept=accepted) for one in chosen]


def _several(name: str, values: Iterable[object]) -> None:
    if isinstance(values, str | PurePath):
        raise UsageError(f"{name}: expected several names, not {values!r} alone: [{values!r}]")


def acceptable(codes: Iterable[str]) -> frozenset[str]:
    """Codes that need not count, in capitals. Raises UsageError for one that is not known, and for
    one that keeps a module from running, or that a rewrite mends."""
    found = {code.upper() for code in codes}
    for number in sorted(found):
        try:
            code = find_code(number)
        except KeyError:
            raise UsageError(unknown_code(number)) from None
        if code.severity in (Severity.ERROR, Severity.WARNING):
            raise UsageError(
                f"{number} ({code.title}) {_NOT_ACCEPTED[code.severity]}, and cannot be accepted;"
                " conditions, needs and what is unseen can"
            )
    return frozenset(found)


_NOT_ACCEPTED = {
    Severity.ERROR: "keeps a module from running",
    Severity.WARNING: "takes a rewrite",
}


def judge(
    info: ModuleInfo, chosen: Chosen, guest: Host | None = None, models: Sequence[Model] = ()
) -> Verdict:
    """The verdict on all releases that were chosen: the worst of them, with what is said of each.

    `guest` is what the module was built for, where that is known, and `models` those that it runs.
    """
    verdicts = [assess(info, row, guest, models=models) for row in chosen.rows]
    numbers = _of_one_release(info, chosen.rows) if guest is None else ()
    return together(chosen, verdicts, numbers)


def together(
    chosen: Chosen, verdicts: Sequence[Verdict], also: Iterable[Diagnostic] = ()
) -> Verdict:
    """One verdict from those on each release that was chosen, with what is `also` to be said."""
    rows = chosen.rows
    shared = set[Diagnostic].intersection(*({*verdict.reasons} for verdict in verdicts))
    verdicts = [_of_several(verdict, shared) for verdict in verdicts]
    worst = max((verdict.runs for verdict in verdicts), key=_WORSE.index)
    reasons = [verdict.reasons if verdict.runs is worst else () for verdict in verdicts]
    caveats = [verdict.caveats for verdict in verdicts]
    return Verdict.of(
        chosen.name,
        distinct(
            (
                *_together(rows, reasons),
                *chosen.notes,
                *_together(rows, caveats),
                *also,
                *_better(rows, verdicts, worst),
            )
        ),
        _rewrite_for(chosen, verdicts) if worst is Runs.AFTER_REWRITE else None,
    )


def by_release(info: ModuleInfo, chosen: Chosen) -> dict[str, Verdict]:
    """The verdicts on releases one after the other of which all run the module as it is, after a
    rewrite, or not at all, by what they are called: "wamr-legacy 1.1.1 to 2.2.0". Empty where that
    are all that were chosen."""
    spans = spans_of_releases(chosen, partial(assess, info))
    return {label: judge(info, span) for label, span in spans.items()} if len(spans) > 1 else {}


def spans_of_releases(chosen: Chosen, assessed: Callable[[Host], Verdict]) -> dict[str, Chosen]:
    """The releases that were chosen, parted where the verdict changes between running as it is,
    after a rewrite, and not at all; the newest first, by what they are called."""
    spans: list[tuple[Runs, list[Host]]] = []
    for row in chosen.rows:
        runs = assessed(row).runs
        if not spans or spans[-1][0] is not runs:
            spans.append((runs, []))
        spans[-1][1].append(row)
    return {
        f"{chosen.name} {_spans(rows, range(len(rows)))}": Chosen(rows[-1].label, tuple(rows))
        for _, rows in reversed(spans)
    }


def _rewrite_for(chosen: Chosen, verdicts: Sequence[Verdict]) -> str:
    """Of the releases that need a rewrite, the newest. The name alone is the newest of all."""
    needing = [
        row
        for row, verdict in zip(chosen.rows, verdicts, strict=True)
        if verdict.runs is Runs.AFTER_REWRITE
    ]
    return chosen.name if needing[-1] is chosen.newest else needing[-1].label


def _of_several(verdict: Verdict, shared: Set[Diagnostic]) -> Verdict:
    """Of one of several releases: what they do not all have other numbers for, no one rewrite
    mends. `shared` are the reasons that all have."""
    numbers = [
        reason
        for reason in verdict.reasons
        if reason.code in ("NN203", "NN207") and reason not in shared
    ]
    reasons = tuple(reason for reason in verdict.reasons if reason not in numbers)
    more = (
        Diagnostic("NN228", reason.message, reason.offset, reason.function) for reason in numbers
    )
    return replace(verdict, reasons=reasons, conditions=(*verdict.conditions, *more))


def _of_one_release(info: ModuleInfo, rows: Sequence[Host]) -> Iterator[Diagnostic]:
    """Of a guest that was built for a release which is not known: that it is not all of them."""
    layout = hidden_numbers(info)
    spans = [
        _spans(rows, [place for place, row in enumerate(rows) if row.dialects[0] is dialect])
        for dialect in dict.fromkeys(row.dialects[0] for row in rows)
        if dialect.layout == layout
    ]
    if len(spans) > 1:
        *others, last = spans
        message = (
            f"{', '.join(others)} and {last} have different numbers for errors or encodings, and it"
            " was built for one of these"
        )
        yield Diagnostic("NN228", message, help=f"name the release: `--for {rows[-1].label}`")


def _together(rows: Sequence[Host], said: Sequence[tuple[Diagnostic, ...]]) -> Iterator[Diagnostic]:
    """What is said of releases, once each; of some only, with which."""
    of: dict[Diagnostic, list[int]] = {}
    for place, diagnostics in enumerate(said):
        for diagnostic in diagnostics:
            of.setdefault(diagnostic, []).append(place)
    for diagnostic, places in of.items():
        if diagnostic.code == "NN228":
            remedy = f"`nnshim rewrite --for {rows[places[-1]].label}` translates them"
            diagnostic = diagnostic._replace(help=remedy)
        if len(places) == len(rows):
            yield diagnostic
        else:
            yield diagnostic._replace(message=f"{_spans(rows, places)}: {diagnostic.message}")


def _spans(rows: Sequence[Host], places: Sequence[int]) -> str:
    """Rows by their places: "1.1.1 to 2.1.0, 2.4.0 to 2.4.5"."""
    joined: list[list[int]] = []
    for place in places:
        if joined and place == joined[-1][-1] + 1:
            joined[-1].append(place)
        else:
            joined.append([place])
    return ", ".join(rows[span[0]]._replace(last=rows[span[-1]].last).releases for span in joined)


def _better(rows: Sequence[Host], verdicts: Sequence[Verdict], worst: Runs) -> Iterator[Diagnostic]:
    """The releases that do better than the worst."""
    for runs in _WORSE[: _WORSE.index(worst)]:
        places = [place for place, verdict in enumerate(verdicts) if verdict.runs is runs]
        if places:
            label = rows[places[-1]].label
            message = f"it runs on {_spans(rows, places)} {runs.value}"
            yield Diagnostic("NN225", message, help=f"name your release, such as `--for {label}`")

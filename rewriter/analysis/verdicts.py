"""Verdicts for the hosts that `--for` names. A name can stand for several releases."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import replace
from functools import partial

from rewriter.analysis.compatibility import Runs, Verdict, assess
from rewriter.analysis.inspect import ModuleInfo
from rewriter.analysis.sources import hidden_numbers
from rewriter.diagnostics import Diagnostic, distinct
from rewriter.hosts.host import Host
from rewriter.hosts.table import Chosen
from rewriter.models.model import Model

__all__ = ["by_release", "judge", "spans_of_releases", "together"]

_WORSE = tuple(Runs)
"""From the best to the worst."""


def judge(
    info: ModuleInfo, chosen: Chosen, guest: Host | None = None, models: Sequence[Model] = ()
) -> Verdict:
    """The verdict for all chosen releases: the worst one, with the diagnostics of each.

    `guest` is what the module was built for, if known, and `models` are those that it runs.
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
    """Verdicts for ranges of consecutive releases that run the module in the same way (as it is,
    after a rewrite, or not at all), by title: "wamr-legacy 1.1.1 to 2.2.0". Empty if all chosen
    releases run it in the same way."""
    spans = spans_of_releases(chosen, partial(assess, info))
    return {label: judge(info, span) for label, span in spans.items()} if len(spans) > 1 else {}


def spans_of_releases(chosen: Chosen, assessed: Callable[[Host], Verdict]) -> dict[str, Chosen]:
    """Ranges of consecutive releases that run something in the same way (as it is, after a rewrite,
    or not at all), the newest first, by title."""
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
    """The newest of the releases that need a rewrite; the name alone if it is the newest of all."""
    needing = [
        row
        for row, verdict in zip(chosen.rows, verdicts, strict=True)
        if verdict.runs is Runs.AFTER_REWRITE
    ]
    return chosen.name if needing[-1] is chosen.newest else needing[-1].label


def _of_several(verdict: Verdict, shared: Set[Diagnostic]) -> Verdict:
    """The verdict for one of several releases. A difference in numbers that not all releases share
    becomes a condition, because no single rewrite fixes it for all of them. `shared` are the
    reasons that all releases have."""
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
    """A condition if the guest was built for one unknown release, but the releases differ."""
    layout = hidden_numbers(info)
    spans = [
        _spans(rows, [place for place, row in enumerate(rows) if row.dialects[0] is dialect])
        for dialect in dict.fromkeys(row.dialects[0] for row in rows)
        if dialect.layout == layout
    ]
    if len(spans) > 1:
        *others, last = spans
        message = (
            f"{', '.join(others)} and {last} number errors or encodings differently, but it was"
            " built for only one of these"
        )
        yield Diagnostic("NN228", message, help=f"name the release: `--for {rows[-1].label}`")


def _together(rows: Sequence[Host], said: Sequence[tuple[Diagnostic, ...]]) -> Iterator[Diagnostic]:
    """The diagnostics of all releases, each once. One that not all releases have names the releases
    that do."""
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
    """The releases of the rows at these places: "1.1.1 to 2.1.0, 2.4.0 to 2.4.5"."""
    joined: list[list[int]] = []
    for place in places:
        if joined and place == joined[-1][-1] + 1:
            joined[-1].append(place)
        else:
            joined.append([place])
    return ", ".join(rows[span[0]]._replace(last=rows[span[-1]].last).releases for span in joined)


def _better(rows: Sequence[Host], verdicts: Sequence[Verdict], worst: Runs) -> Iterator[Diagnostic]:
    """Notes about the releases that run the module better than the worst one."""
    for runs in _WORSE[: _WORSE.index(worst)]:
        places = [place for place, verdict in enumerate(verdicts) if verdict.runs is runs]
        if places:
            label = rows[places[-1]].label
            message = f"it runs on {_spans(rows, places)} {runs.value}"
            yield Diagnostic("NN225", message, help=f"name your release, such as `--for {label}`")

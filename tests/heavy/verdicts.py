"""What `nnshim check` says of guests, against what real hosts did with them.

    python -m tests.heavy.verdicts

prints it as a matrix, of the results that tests.heavy.peers has written to peers.json. Guests of
other languages take part where the environment variable WILD names the folder in which
tests.heavy.wild_guests has built. The exit code is 1 where a verdict and a host disagree.

A verdict is that on one guest, one host and one model, as `check --model` gives it, of the build
that ran: what a build has switched on or off, or has no backend for, is in peers.json. Hosts were
given what verdicts list as needs: the backend, the model, the name of a graph.

`runs` agrees with the right answer, byte for byte, and exit code 0. `cannot` agrees with anything
but that, and so does `rewrite`, which one of a guest's cases has to show. Every guest is judged
again after the rewrite for the host, when `rewrite` agrees with nothing. `only_if` agrees with
either, and is listed with the codes of its conditions.
"""

from __future__ import annotations

import collections
import functools
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from rewriter import RewriteOptions, inspect_module, rewrite
from rewriter.analysis.compatibility import Answer, Verdict, assess
from rewriter.analysis.inspect import ModuleInfo
from rewriter.errors import HostMismatch
from rewriter.functions.feature import Feature
from rewriter.hosts.host import Host
from rewriter.hosts.table import find_hosts, find_row
from rewriter.models.model import Model
from rewriter.models.reading import read_model
from tests.heavy.peer_cases import ENCODINGS, Case, cases, write_files
from tests.heavy.peers import AS_IT_IS, RESULTS

__all__ = ["Judged", "Outcome", "disagreeing", "judged_all", "matrix", "results"]


PROFILES = Path(__file__).parents[2] / "docs" / "profiles"

PROFILE = ", as measured"
"""What the names of hosts end with in verdicts by their profiles."""


class Outcome(StrEnum):
    """What became of a guest on a host."""

    RIGHT = "right"
    WRONG = "wrong"
    """Another answer, with exit code 0."""
    FAILED = "failed"
    """It was refused, or trapped, or said that it failed, or did not end."""


class Judged(NamedTuple):
    """A verdict, and what came of it. `name` is that of the case."""

    host: str
    name: str
    guest: str
    rewritten: bool
    verdict: Verdict
    outcome: Outcome

    @property
    def agrees(self) -> bool:
        """By itself: see `disagreeing`."""
        right = self.outcome is Outcome.RIGHT
        match self.verdict.answer:
            case Answer.ONLY_IF:
                return True
            case Answer.RUNS:
                return right
            case Answer.REWRITE:
                return not right and not self.rewritten
            case _:
                return not right

    @property
    def is_green(self) -> bool:
        return self.verdict.answer is Answer.RUNS

    @property
    def codes(self) -> tuple[str, ...]:
        """Of what the verdict counts, or has for its reasons."""
        found = self.verdict.reasons or self.verdict.counted
        return tuple(sorted({diagnostic.code for diagnostic in found}))


def results() -> dict[str, Any]:
    """The hosts, and what they did. Under "here" is what guests say that have the right answer."""
    found: dict[str, Any] = json.loads(RESULTS.read_text())
    return found


def build_of(peer: Mapping[str, Any]) -> Host:
    """The row of the table, as the host was built."""
    (label,) = peer["for"]
    (row,) = find_row(label).rows
    features = dict(row.features)
    features |= {Feature[name]: True for name in peer["on"]}
    features |= {Feature[name]: False for name in peer["off"]}
    there = {ENCODINGS[name] for name in peer["backends"]}
    backends = tuple(backend for backend in row.backends if backend.encoding in there)
    return row._replace(features=features, backends=backends)


def profile_of(name: str) -> Host | None:
    """What was measured of the build, as a row; None where there is no profile of it. It has all
    backends that the build has."""
    host, _, build = name.rpartition("-")
    family, _, release = host.partition("-")
    file = PROFILES / f"{f'{family}-{build}-{release}' if release else name}.toml"
    return find_hosts(str(file)).newest if file.exists() else None


def outcome(ended: Any, case: Case, here: Mapping[str, Any]) -> Outcome:
    """Of a result as peers.json has it."""
    if ended is True:
        ended = here[case.name]
    if isinstance(ended, str):
        return Outcome.FAILED
    if ended == here[case.right]:
        return Outcome.RIGHT
    return Outcome.WRONG if ended[0] == 0 and not case.says_errnos else Outcome.FAILED


class Guests:
    """The guests in a folder that tests.heavy.peer_cases has written, and those made of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.info = functools.cache(self._info)
        self.inspected = functools.cache(inspect_module)  # many hosts take the same form
        self.same = functools.cache(self._same)
        self.model = functools.cache(self._model)

    def _info(self, guest: str, host: str | None = None) -> ModuleInfo | None:
        """Rewritten for a host, if one is named; None where it cannot be."""
        data = (self.folder / guest).read_bytes()
        if host is None:
            return self.inspected(data)
        try:
            return self.inspected(rewrite(data, RewriteOptions(host=host, validate=False)))
        except HostMismatch:
            return None

    def _same(self, guest: str, one: str, other: str) -> bool:
        """Whether it is the same, to the byte, rewritten for either host."""
        forms = [self.info(guest, host) for host in (one, other)]
        return all(forms) and len({bytes(form.module.data) for form in forms if form}) == 1

    def _model(self, name: str) -> Model:
        return read_model(self.folder / name)


def judged_all(folder: Path, found: Mapping[str, Any], wild: bool) -> Iterator[Judged]:
    """All cases that end with an answer, on all hosts in `found`, as they are and rewritten."""
    guests = Guests(folder)
    wanted = [case for case in cases(wild=wild) if case.right]
    for name, peer in found.items():
        if name == "here":
            continue
        measured = profile_of(name)
        for case in wanted:
            if case.name in peer and (peer["named"] or not case.says_errnos):
                yield from _judged(name, found, build_of(peer), case, guests)
                if measured is not None:
                    yield from _judged(name, found, measured, case, guests, PROFILE)


def _judged(
    name: str, found: Mapping[str, Any], build: Host, case: Case, guests: Guests, by: str = ""
) -> Iterator[Judged]:
    """A guest that was rewritten for the row is judged by a profile where it is, to the byte, what
    it would be for the profile."""
    (label,), ended = found[name]["for"], found[name][case.name]
    for form in (None, label):
        info = guests.info(case.guest, form)
        if info is None or (by and form and not guests.same(case.guest, label, build.name)):
            continue
        verdict = assess(info, build, models=[guests.model(case.model)])
        came = outcome(ended[form or AS_IT_IS], case, found["here"])
        yield Judged(name + by, case.name, case.guest, form is not None, verdict, came)


def disagreeing(judged: Sequence[Judged]) -> list[Judged]:
    """Those that a host contradicts. That a guest has to be rewritten is true if one of its cases
    shows it: what is in the way of one model or input need not be in that of another."""
    shown = {
        (one.host, one.guest)
        for one in judged
        if one.verdict.answer is Answer.REWRITE and one.agrees
    }
    return [
        one
        for one in judged
        if not one.agrees
        and not (
            one.verdict.answer is Answer.REWRITE
            and not one.rewritten
            and (one.host, one.guest) in shown
        )
    ]


def matrix(judged: Iterable[Judged]) -> str:
    """A table of hosts, verdicts and outcomes, each count with its codes where it is `only_if`."""
    columns = [(answer, came) for answer in _ANSWERS for came in Outcome]
    counts: dict[tuple[str, bool], collections.Counter[tuple[Answer, Outcome]]] = {}
    for one in judged:
        counter = counts.setdefault((one.host, one.rewritten), collections.Counter())
        counter[one.verdict.answer, one.outcome] += 1
    lines = [_row(("host", "guest", *(f"{answer}: {came}" for answer, came in columns)))]
    lines.append(_row("---" for _ in range(len(columns) + 2)))
    for (host, rewritten), counter in sorted(counts.items(), key=lambda item: item[0][1]):
        form = "rewritten" if rewritten else AS_IT_IS
        lines.append(_row((host, form, *(str(counter[column] or "") for column in columns))))
    return "\n".join(lines)


_ANSWERS = (Answer.RUNS, Answer.REWRITE, Answer.CANNOT, Answer.ONLY_IF)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def conditions(judged: Iterable[Judged]) -> str:
    """A table of what `only_if` depended on, and what came of it."""
    counts: dict[tuple[str, ...], collections.Counter[Outcome]] = {}
    for one in judged:
        if one.verdict.answer is Answer.ONLY_IF:
            counts.setdefault(one.codes, collections.Counter())[one.outcome] += 1
    lines = [_row(("only_if", *Outcome)), _row("---" for _ in range(4))]
    for codes, counter in sorted(counts.items()):
        lines.append(_row((" ".join(codes), *(str(counter[came] or "") for came in Outcome))))
    return "\n".join(lines)


def main() -> None:
    wild = Path(os.environ["WILD"]) if "WILD" in os.environ else None
    with tempfile.TemporaryDirectory() as name:
        write_files(Path(name), wild)
        judged = list(judged_all(Path(name), results(), wild is not None))
    print(matrix(judged), conditions(judged), sep="\n\n")
    wrong = disagreeing(judged)
    green = sum(one.is_green for one in wrong)
    print(f"\n{len(judged)} verdicts: {green} falsely green, {len(wrong) - green} falsely red")
    for one in wrong:
        form = "rewritten" if one.rewritten else AS_IT_IS
        codes = " ".join(one.codes)
        print(f"  {one.host}, {one.name}, {form}: {one.verdict.answer} {codes}, {one.outcome}")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()

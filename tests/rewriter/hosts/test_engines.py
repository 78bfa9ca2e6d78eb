"""What `check` says of small modules, against what each real host did with them."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from rewriter import inspect_module
from rewriter.analysis.compatibility import Answer, Verdict, assess
from rewriter.analysis.inspect import ModuleInfo
from rewriter.hosts.table import find_row
from tests.heavy.engine_cases import assembled
from tests.heavy.engines import RESULTS

ENGINES: dict[str, Any] = json.loads(RESULTS.read_text())

ENDS_BY_ITSELF = {"start-traps-after-import", "exits-with-3"}
"""With an error wherever they run, behind a call of the host that could have ended them well, or by
such a call."""

INVALID = {name for name in assembled() if name.startswith("invalid-")}
"""Which no host takes. That is not for the table of hosts to know."""

COMPILED_ALONE = "whose engine compiles the module"
"""In the options of those that were not run: a shared memory is refused later."""


@functools.cache
def info(case: str) -> ModuleInfo:
    return inspect_module(assembled()[case])


def each_row() -> Iterator[tuple[str, str]]:
    """The name of each engine that stands for a row of the table, and the row."""
    for name, engine in ENGINES.items():
        for row in engine["for"]:
            yield name, row


@functools.cache
def says(row: str, case: str) -> Verdict:
    (host,) = find_row(row).rows
    return assess(info(case), host)


@pytest.mark.parametrize(("name", "row"), list(each_row()))
def test_no_verdict_is_falsely_green_or_red(name: str, row: str) -> None:
    engine = ENGINES[name]
    green, red = [], []
    for case, ended in engine["cases"].items():
        if case in ENDS_BY_ITSELF | INVALID:
            continue
        if COMPILED_ALONE in engine["options"] and case.startswith("shared-"):
            continue
        answer = says(row, case).answer
        if ended != 0 and answer is Answer.RUNS:
            green.append(case)
        if ended == 0 and answer not in (Answer.RUNS, Answer.ONLY_IF):
            red.append(case)
    assert (green, red) == ([], [])


def test_what_is_not_said_of_invalid_modules_no_host_takes() -> None:
    for engine in ENGINES.values():
        assert not any(engine["cases"].get(case) == 0 for case in INVALID)


MAY_HAVE_IT = {"NN218", "NN221", "NN222", "NN223", "NN226", "NN246", "NN247", "NN250"}
"""Conditions that a host's command fails, or a call of a function."""


@pytest.mark.parametrize(("name", "row"), list(each_row()))
def test_a_condition_is_one_that_the_module_points_to(name: str, row: str) -> None:
    """Nothing but imports, beginnings and missing memories is a condition: of the parts of
    WebAssembly, all are known."""
    for case in ENGINES[name]["cases"]:
        assert {found.code for found in says(row, case).conditions} <= MAY_HAVE_IT


def test_the_cases_are_those_that_were_run() -> None:
    assert all(set(engine["cases"]) <= set(assembled()) for engine in ENGINES.values())
    assert set(ENGINES["nnshim"]["cases"]) == set(assembled())

"""What `check` says of guests and their models, against what builds of real hosts did with them."""

from __future__ import annotations

import pytest

from rewriter.analysis.compatibility import Answer
from tests.heavy.peer_cases import write_files
from tests.heavy.verdicts import (
    PROFILE,
    PROFILES,
    Judged,
    Outcome,
    disagreeing,
    judged_all,
    profile_of,
    results,
)

HOSTS = set(results()) - {"here"}

DEPENDS = {
    *("NN242", "NN261", "NN266", "NN271", "NN301", "NN309", "NN724", "NN732", "NN747"),
}
"""What `only_if` depends on here: models that some guests are right for and others are not,
builders, what is passed for a configuration, and types chosen while the guest runs."""


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> list[Judged]:
    folder = tmp_path_factory.mktemp("peers")
    write_files(folder, None)
    return list(judged_all(folder, results(), wild=False))


def test_no_verdict_is_falsely_green_or_red(judged: list[Judged]) -> None:
    assert list(disagreeing(judged)) == []


def test_each_host_has_run_guests_as_they_are_and_rewritten(judged: list[Judged]) -> None:
    by_rows = {(one.host, one.rewritten) for one in judged if not one.host.endswith(PROFILE)}
    assert by_rows == {(host, rewritten) for host in HOSTS for rewritten in (False, True)}


def test_each_profile_of_a_build_is_judged_by(judged: list[Judged]) -> None:
    by_profiles = {one.host for one in judged} - HOSTS
    assert by_profiles == {f"{name}{PROFILE}" for name in HOSTS if profile_of(name) is not None}
    assert len(by_profiles) == len(list(PROFILES.glob("*.toml")))


def test_each_verdict_is_about_guests_that_answer_and_guests_that_fail(
    judged: list[Judged],
) -> None:
    found = {(one.verdict.answer, one.outcome is Outcome.RIGHT) for one in judged}
    assert found >= {
        *((Answer.RUNS, True), (Answer.REWRITE, False), (Answer.CANNOT, False)),
        *((Answer.ONLY_IF, True), (Answer.ONLY_IF, False)),
    }


def test_only_if_is_about_conditions_that_are_known_to_be_open(judged: list[Judged]) -> None:
    conditional = [one for one in judged if one.verdict.answer is Answer.ONLY_IF]
    assert {code for one in conditional for code in one.codes} == DEPENDS

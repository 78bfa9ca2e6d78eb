"""The table of hosts against what their sources say at each tag."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from rewriter.hosts.table import FAMILIES, GUESTS, find_any
from tests.rewriter.hosts.facts import FACTS, SPECIFICATION, Fact

RELEASES = [
    (fact, release)
    for fact in FACTS
    for release in fact.releases.split()
    if fact.name != SPECIFICATION
]


def numbered(words: str) -> dict[int, str]:
    """An enumeration as facts have it: names in order, or behind their numbers."""
    found: dict[int, str] = {}
    number = 0
    for word in words.split():
        if word.isdigit():
            number = int(word)
        else:
            found[number] = word
            number += 1
    return found


def ids(cases: Iterable[tuple[Fact, str]]) -> list[str]:
    return [f"{fact.name}@{release}" for fact, release in cases]


@pytest.mark.parametrize(("fact", "release"), RELEASES, ids=ids(RELEASES))
def test_a_row_has_the_numbers_of_each_of_its_releases(fact: Fact, release: str) -> None:
    (row,) = find_any(f"{fact.name}@{release}").rows
    (dialect,) = row.dialects
    assert row.modules == (fact.module,)
    assert dialect.layout.name == fact.layout
    types = numbered(fact.types)
    told = dialect.tensor_names
    assert told == types or (fact.types == "1 f32" and told.items() >= types.items())
    for told, meant in (
        (dialect.encoding_names, numbered(fact.encodings)),
        (dialect.errno_names, numbered(fact.errno)),
    ):
        assert told.items() >= meant.items()
    declared = set(fact.functions.split())
    if fact.name in FAMILIES:
        assert dialect.functions.keys() == declared
    else:
        assert dialect.functions.keys() >= declared


@pytest.mark.parametrize(("fact", "release"), RELEASES, ids=ids(RELEASES))
def test_encodings_of_a_specification_that_nothing_took_up_are_in_no_row(
    fact: Fact, release: str
) -> None:
    (dialect,) = find_any(f"{fact.name}@{release}").newest.dialects
    taken_up = [numbered(other.encodings) for other in FACTS if other.name != SPECIFICATION]
    for number, name in dialect.encoding_names.items():
        assert any(encodings.get(number) == name for encodings in taken_up)


@pytest.mark.parametrize(("fact", "release"), RELEASES, ids=ids(RELEASES))
def test_a_number_that_a_release_has_not_is_one_that_another_has(fact: Fact, release: str) -> None:
    """Tables are shared by releases of which the first have fewer numbers: no number of another
    meaning gets in that way."""
    (dialect,) = find_any(f"{fact.name}@{release}").newest.dialects
    for told, fields in (
        (dialect.encoding_names, [numbered(other.encodings) for other in FACTS]),
        (dialect.errno_names, [numbered(other.errno) for other in FACTS]),
    ):
        for number, name in told.items():
            assert any(field.get(number) == name for field in fields)


def known(name: str) -> Mapping[str, Fact]:
    return {r: fact for fact in FACTS if fact.name == name for r in fact.releases.split()}


@pytest.mark.parametrize("name", sorted(GUESTS.keys() - {"nnshim", "unknown", "wamr", "wamr-2.1"}))
def test_each_row_begins_and_ends_with_a_release_that_there_is(name: str) -> None:
    there = known(name)
    for row in GUESTS[name].rows:
        if (name, row.first) not in {("wasi-nn", "0.2.0")}:
            assert row.first in there
        assert row.last in there
        assert row.source


def test_what_wamr_is_by_default_changed_with_2_4() -> None:
    names = {
        release: find_any(f"wamr@{release}").newest.name for release in ("1.3.3", "2.3.1", "2.4.0")
    }
    assert names == {
        "1.3.3": "wamr-legacy",
        "2.3.1": "wamr-legacy",
        "2.4.0": "wamr-ephemeral",
    }

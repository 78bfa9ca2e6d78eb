"""The table of hosts agrees with what was measured of real ones, or it is written down why not."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from rewriter.hosts.profiles import file
from rewriter.hosts.profiles.compare import differences
from rewriter.hosts.profiles.of_row import from_row
from rewriter.hosts.table import find_row

PROFILES = Path(__file__).resolve().parents[3] / "docs" / "profiles"
REASONS = tomllib.loads(Path(__file__).with_name("measured.toml").read_text())
NAMES = sorted(path.stem for path in PROFILES.glob("*.toml"))


@pytest.mark.parametrize("name", NAMES)
def test_the_table_agrees_with_a_profile_or_there_is_a_reason(name: str) -> None:
    profile = file.read_file(str(PROFILES / f"{name}.toml"))
    row = find_row(f"{profile.host.name}@{profile.host.version}").newest
    found = {each.key: str(each) for each in differences(profile, from_row(row))}
    assert found.keys() == REASONS.get(name, {}).keys(), found


@pytest.mark.parametrize("name", NAMES)
def test_a_profile_is_as_the_probe_writes_it(name: str) -> None:
    """With what the host was built with, and no folder of whoever measured it."""
    text = (PROFILES / f"{name}.toml").read_text()
    profile = file.read(text)
    assert file.write(profile) == text
    assert profile.host.options
    assert profile.host.measured
    assert "/" not in "".join(profile.host.command)
    assert profile.backends


def test_reasons_are_of_profiles_that_are_there() -> None:
    assert REASONS.keys() <= {*NAMES}
    assert {"wamr-legacy-2.3.1", "wamr-ephemeral-2.3.1", "wasmtime-49", "wasmedge-main"} <= {*NAMES}

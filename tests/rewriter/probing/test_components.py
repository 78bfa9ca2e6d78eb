"""What is measured of hosts for components is what they do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from rewriter.hosts.profiles.components import components_of
from rewriter.hosts.profiles.profile import ComponentsProfile
from rewriter.hosts.table import find_host
from rewriter.probing.components import components
from rewriter.probing.host import Host
from rewriter.probing.measured import Components
from tests.support.lying_host import LyingHost
from tests.support.native import NativeWasmtime
from tests.support.wit import AUGUST, JUNE, OCTOBER


def measured(**habits: Any) -> Components | None:
    with Host(["host", "{}"], runs=LyingHost(**habits)) as host:
        host.start()
        return components(host)


@pytest.mark.parametrize(
    ("has", "versions"),
    [
        ([f"wasi:nn/{name}@{JUNE}" for name in ("errors", "tensor", "inference", "graph")], [JUNE]),
        ([f"wasi:nn/{name}@{JUNE}" for name in ("errors", "tensor", "inference")], []),
        (
            ["wasi:nn/errors@0", "wasi:nn/tensor@0", "wasi:nn/inference@0", "wasi:nn/graph@0"],
            [JUNE, AUGUST, OCTOBER],
        ),
        (["wasi:nn/"], ["", JUNE, AUGUST, OCTOBER]),
        ([], []),
    ],
    ids=["June", "all but graphs", "all versions", "and without one", "none"],
)
def test_a_version_of_wasi_nn_is_had_with_all_its_interfaces(
    has: Sequence[str], versions: Sequence[str]
) -> None:
    found = measured(components=has)
    assert found is not None
    assert found.runs
    assert found.wasi_nn == tuple(versions)


@pytest.mark.parametrize(
    ("has", "versions"),
    [
        (["wasi:cli/environment@0.2.1"], ("0.2.1", "0.2.10", "0.2.11", "0.2.12")),
        (["wasi:cli/environment@0.2."], ("0.2",)),
        (["wasi:cli/environment@0."], ("0.2", "0.3.0")),
        (["wasi:cli/environment@0.3"], ("0.3.0",)),
        ([], ()),
    ],
)
def test_versions_of_wasi_are_those_that_are_found(
    has: Sequence[str], versions: Sequence[str]
) -> None:
    found = measured(components=has)
    assert found is not None
    assert found.wasi == versions
    assert found.exits_with_code is False


def test_an_exit_with_a_code_is_found() -> None:
    found = measured(components=["wasi:cli/exit@"])
    assert found is not None
    assert found.exits_with_code


def test_a_host_of_core_modules_runs_no_components() -> None:
    assert measured() == Components(runs=False)


def test_a_host_that_ends_well_whatever_a_component_does_runs_none() -> None:
    assert measured(any_component=True) == Components(runs=False)


def test_nothing_is_known_of_imports_where_unknown_ones_start() -> None:
    assert measured(components=[""]) == Components(runs=True)


def test_nothing_is_measured_without_exit_codes() -> None:
    assert measured(components=[], code=0) is None


def test_native_wasmtime_has_what_its_row_says(native: NativeWasmtime) -> None:
    with Host([*native.prefix(), "{}"], timeout=120) as host:
        host.start()
        found = components(host)
    assert found == Components(True, (OCTOBER,), ("0.2", "0.3.0"), exits_with_code=True)
    row = find_host("wasmtime").components
    of_profile = components_of(ComponentsProfile(*found))
    assert row is not None
    assert of_profile is not None
    assert (of_profile.every, of_profile.any_patch) == (row.every, row.any_patch)
    assert (of_profile.may_have_wasi_3, of_profile.has_exit_code) == (True, row.has_exit_code)

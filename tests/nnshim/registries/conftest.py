"""Registries that the tests play."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nnshim.registries import again
from tests.support.played_registry import Played, played


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(again, "FIRST", 0.01)


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Played]:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with played() as running:
        yield running


@pytest.fixture
def other() -> Iterator[Played]:
    with played() as running:
        yield running

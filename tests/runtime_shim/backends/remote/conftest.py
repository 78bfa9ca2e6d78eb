"""A local model that can stand in for one on a server, and how soon a server is asked again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.models import identity
from tests.support.processes import PATIENCE


@pytest.fixture(autouse=True)
def _knows_servers_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is, a server is asked for what it has only if something tells."""
    monkeypatch.setattr("runtime_shim.backends.remote.servers._STARTING", PATIENCE)


@pytest.fixture
def local(tmp_path: Path) -> str:
    """A model that returns its input, with the names and shapes of the servers' one."""
    path = tmp_path / "model.onnx"
    path.write_bytes(identity(dims=(2,)))
    return str(path)


@pytest.fixture
def asked_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime_shim.backends.remote.servers._RESTING", 0.0)
    monkeypatch.setattr("runtime_shim.backends.remote.servers._CHECKING", PATIENCE)

"""A guest that prints what it is given."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.fleets import GUEST
from tests.support.wasm import assemble


@pytest.fixture
def guest(tmp_path: Path) -> Path:
    path = tmp_path / "guest.wasm"
    path.write_bytes(assemble(GUEST))
    return path

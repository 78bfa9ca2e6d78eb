from __future__ import annotations

import pytest

from nnshim.render.values import FileReport
from tests.support.reports import HOSTILE_NAMES, MODULES, judged


@pytest.fixture(scope="package")
def all_kinds(tmp_path_factory: pytest.TempPathFactory) -> list[FileReport]:
    """A file for each verdict, and one without wasi-nn that was found in a folder."""
    folder = tmp_path_factory.mktemp("kinds")
    reports = judged(folder, {f"{kind}.wasm": kind for kind in MODULES})
    return [*reports, FileReport("plain.wasm")]


@pytest.fixture(scope="package")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> list[FileReport]:
    """Files that cannot run, with names that mean something, and an import whose name does."""
    return judged(tmp_path_factory.mktemp("hostile"), dict.fromkeys(HOSTILE_NAMES, "cannot"))

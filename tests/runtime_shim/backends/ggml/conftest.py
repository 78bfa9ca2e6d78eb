"""A small language model that knows which character follows which."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runtime_shim.backends.ggml.backend import GgmlContext
from tests.runtime_shim.backends.ggml.asked import context
from tests.support.gguf_models import successors


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ggml")
    successors(path / "letters.gguf", "abcdefghijkl")
    successors(path / "circle.gguf", "abc", end=False)
    successors(path / "ä.gguf", "aäöü€")
    return path


@pytest.fixture(scope="module")
def model(folder: Path) -> Path:
    return folder / "letters.gguf"


@pytest.fixture(scope="module")
def letters(folder: Path) -> Callable[..., GgmlContext]:
    return lambda model="letters", **options: context(folder / f"{model}.gguf", **options)

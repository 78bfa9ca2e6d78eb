"""A small language model that knows which character follows which."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rewriter.abi.dialects import Target
from runtime_shim.backends.ggml.backend import GgmlBackend, GgmlContext
from tests.support.gguf_models import successors

GREEDY = {"temp": 0, "ctx-size": 64, "threads": 1}
"""Several threads wait for each other by spinning, which takes longer than all else here."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ggml")
    successors(path / "letters.gguf", "abcdefghijkl")
    successors(path / "circle.gguf", "abc", end=False)
    successors(path / "ä.gguf", "aäöü€")
    return path


@pytest.fixture(scope="module")
def letters(folder: Path) -> Callable[..., GgmlContext]:
    def context(model: str = "letters", **options: object) -> GgmlContext:
        given = {**GREEDY, **{name.replace("_", "-"): value for name, value in options.items()}}
        graph = GgmlBackend().load([folder / f"{model}.gguf"], Target.CPU, given)
        return graph.init_execution_context()

    return context

"""The models inside the probe's modules are those that the tool writes."""

from __future__ import annotations

from tests.tools import probe_models


def test_the_models_are_what_the_tool_writes() -> None:
    there = {
        path.relative_to(probe_models.MODELS).as_posix(): path.read_bytes()
        for path in probe_models.MODELS.rglob("*")
        if path.is_file()
    }
    assert there == dict(probe_models.files())

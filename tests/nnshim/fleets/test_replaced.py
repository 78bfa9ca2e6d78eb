"""A model whose file is replaced while a job runs: no two results come from different models."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import nnshim
from nnshim import Encoding, NamedGraph, Target
from nnshim.fleets.guests import guest_with
from nnshim.fleets.remote.placed import placed_guests
from rewriter.errors import InputError
from runtime_shim import RunOptions
from runtime_shim.engine.options import HostOptions
from tests.support.fleets import GUEST
from tests.support.wasm import assemble


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    path = tmp_path / "models" / "same"
    path.write_bytes(b"model")
    return path


def renamed_over(model: Path) -> None:
    other = model.with_name("other")
    other.write_bytes(model.read_bytes())
    os.replace(other, model)


def written_to(model: Path) -> None:
    model.write_bytes(model.read_bytes() + b"\0")


def as_before(model: Path) -> None:
    assert model.read_bytes()


def inputs(at_third: Callable[[Path], None], model: Path) -> Iterator[bytes]:
    for number in range(6):
        if number == 3:
            at_third(model)
        yield b""


def codes(results: Iterator[nnshim.MapResult]) -> list[str | None]:
    found = sorted(results, key=lambda result: result.number)
    assert all((each.outcome is None) == (each.error is not None) for each in found)
    return [None if each.error is None else each.error.code for each in found]


@pytest.mark.parametrize(
    ("change", "expected", "in_folder"),
    [
        (renamed_over, "NN012", False),
        (written_to, "NN012", False),
        (Path.unlink, "NN012", False),
        (renamed_over, "NN012", True),
        (as_before, None, False),
        (as_before, None, True),
    ],
)
def test_inputs_after_a_change_fail(
    model: Path, change: Callable[[Path], None], expected: str | None, in_folder: bool
) -> None:
    graph = NamedGraph("same", Encoding.ONNX, Target.CPU, (str(model),))
    host: HostOptions = {"graph_files": str(model.parent)} if in_folder else {"graphs": [graph]}
    results = nnshim.map(assemble(GUEST), inputs(change, model), workers=1, **host)
    found = codes(results)
    assert found[:2] == [None, None]  # what runs while the file changes may have read either
    assert found[3:] == [expected] * 3


def test_a_cluster_gets_no_model_but_the_one_that_the_job_began_with(model: Path) -> None:
    graph = NamedGraph("same", Encoding.ONNX, Target.CPU, (str(model),))
    guest = guest_with(assemble(GUEST), RunOptions(), {"graphs": [graph]})
    model.unlink()
    with pytest.raises(InputError, match="same was replaced or changed during the job"):
        placed_guests(guest)

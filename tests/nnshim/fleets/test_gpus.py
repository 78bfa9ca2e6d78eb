"""GPUs of workers on a cluster."""

from __future__ import annotations

from pathlib import Path

import pytest

import nnshim
from nnshim.many.engines.actors import fitting
from rewriter.errors import UsageError
from tests.support.command import nnshim as command
from tests.support.fleets import GUEST, lines
from tests.support.wasm import assemble


@pytest.mark.parametrize(
    ("cpus", "there", "gpus", "expected"),
    [
        (4, 0, 0, 4),
        (4, 2, 0, 4),
        (4, 2, 1, 2),
        (1, 2, 1, 1),
        (16, 2, 0.5, 4),
        (16, 2, 0.4, 4),  # two on each, and a rest of a fifth that is of no use
        (16, 3, 2, 1),
        (16, 1, 2, 0),
        (0, 8, 1, 0),
    ],
)
def test_a_node_has_as_many_workers_as_its_cpus_and_gpus_allow(
    cpus: int, there: int, gpus: float, expected: int
) -> None:
    assert fitting({"CPU": cpus, "GPU": there, "memory": 1e9}, gpus) == expected


def test_a_node_without_a_gpu_says_nothing_of_them() -> None:
    assert fitting({"CPU": 4.0}, 0.5) == 0


@pytest.mark.parametrize(
    ("gpus", "workers", "message"),
    [
        ("one", "ray://here:1", b"--gpus one: expected a number, such as 1 or 0.5"),
        ("1.5", "ray://here:1", b"gpus cannot be 1.5: expected a part of one, or a whole number"),
        ("-1", "ray://here:1", b"gpus cannot be -1: "),
        ("nan", "ray://here:1", b"gpus cannot be nan: "),
        ("1", "2", b"gpus (1) are for workers on a Ray cluster; here all share them"),
    ],
)
def test_gpus_that_no_worker_can_have_are_refused(
    tmp_path: Path, gpus: str, workers: str, message: bytes
) -> None:
    (tmp_path / "guest.wasm").write_bytes(assemble(GUEST))
    where = ["--inputs", str(lines(tmp_path, 1)), "-o", str(tmp_path / "out")]
    done = command("map", tmp_path / "guest.wasm", *where, f"--workers={workers}", f"--gpus={gpus}")
    assert done.returncode == 2
    assert message in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_program_gets_the_same_error() -> None:
    with pytest.raises(UsageError, match=r"gpus cannot be 2\.5"):
        next(nnshim.map(assemble(GUEST), [b""], workers="ray://here:1", gpus=2.5))

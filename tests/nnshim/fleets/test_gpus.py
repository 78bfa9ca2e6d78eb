"""GPUs of workers on a cluster."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import nnshim
from nnshim.many.engines.actors import fitting, with_port
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
        (
            "1.5",
            "ray://here:1",
            b"--gpus (gpus) cannot be 1.5: expected 0, a part of one such as 0.5, or a whole",
        ),
        ("-1", "ray://here:1", b"--gpus (gpus) cannot be -1.0: "),
        ("1e-320", "ray://here:1", b"--gpus (gpus) cannot be 1e-320: "),
        ("nan", "ray://here:1", b"--gpus (gpus) cannot be nan: "),
        (
            "1",
            "2",
            b"--gpus (gpus) needs --workers ray://HOST: processes of one machine share its GPUs",
        ),
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


@pytest.mark.parametrize("workers", [1, "ray://here:1"])
@pytest.mark.parametrize("gpus", [2.5, "1", [1], True, 10**400, -1, Fraction(1, 2), float("inf")])
def test_a_program_gets_a_usage_error(gpus: Any, workers: int | str) -> None:
    with pytest.raises(UsageError, match="gpus"):
        next(nnshim.map(assemble(GUEST), [b""], workers=workers, gpus=gpus))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("ray://head", "ray://head:10001"),
        ("ray://head.example:6000", "ray://head.example:6000"),
        ("ray://127.0.0.1", "ray://127.0.0.1:10001"),
        ("ray://[::1]", "ray://[::1]:10001"),
        ("ray://[::1]:9", "ray://[::1]:9"),
    ],
)
def test_a_cluster_has_rays_own_port_unless_it_says_another(address: str, expected: str) -> None:
    assert with_port(address) == expected

"""Tests and benchmarks tell nobody that they run: telemetry begins with an identifier in the home
folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.homes import watched_home

PYTEST = ("-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider")


@pytest.mark.parametrize(
    "arguments",
    [
        (*PYTEST, "--collect-only"),
        (*PYTEST, "tests/runtime_shim/backends/onnx/test_onnx_devices.py"),
        ("-c", "import tests, onnxruntime, openvino"),
        ("-c", "import benchmarks, onnxruntime, openvino"),
    ],
    ids=" ".join,
)
def test_nothing_is_left_in_the_home_folder(arguments: tuple[str, ...], tmp_path: Path) -> None:
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, *arguments],
        env=watched_home(tmp_path),
        cwd=root,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout.decode()[-2000:]
    assert [*tmp_path.rglob("*")] == []


def test_what_telemetry_leaves_is_seen(tmp_path: Path) -> None:
    code = "import onnxruntime, openvino"
    subprocess.run([sys.executable, "-c", code], env=watched_home(tmp_path), check=True)
    assert [*tmp_path.rglob("*")] != []

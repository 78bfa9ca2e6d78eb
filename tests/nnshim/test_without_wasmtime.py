"""Where nnshim is installed without what runs guests, as in the image of the rewriter alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

DIGITS = Path(__file__).parents[2] / "samples" / "digits.wasm"

WITHOUT = """
import importlib.metadata, runpy, sys
from importlib.abc import MetaPathFinder

MISSING = {"wasmtime", "cffi", "_cffi_backend"}

class Missing(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in MISSING:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

def version(package, version=importlib.metadata.version):
    if package in MISSING:
        raise importlib.metadata.PackageNotFoundError(package)
    return version(package)

sys.meta_path.insert(0, Missing())
importlib.metadata.version = version
runpy.run_module("nnshim", run_name="__main__", alter_sys=True)
"""


def without(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )


def test_the_rewriter_works(tmp_path: Path) -> None:
    out = tmp_path / "out.wasm"
    assert without("check", "--for", "wamr@2.4.5", "--accept", "NN262", DIGITS).returncode == 0
    assert without("rewrite", "--for", "wamr-legacy@2.3.1", DIGITS, out).returncode == 0
    assert without("verify", DIGITS, out).returncode == 0
    assert without("inspect", out).returncode == 0


@pytest.mark.parametrize("command", [("run", DIGITS), ("bench", "missing.onnx")])
def test_what_runs_guests_says_what_is_missing(command: tuple[str | Path, ...]) -> None:
    done = without(*command)
    assert (done.returncode, done.stdout) == (3, "")
    assert "error[NN003]: nnshim runs guests and models with cffi, which is not" in done.stderr
    assert "pip install" in done.stderr


def test_the_doctor_says_so() -> None:
    done = without("doctor")
    assert "wasmtime is not installed\n" in done.stdout
    assert "nnshim runs guests and models with cffi, which is not installed" in done.stderr

"""Work on many files where the system lacks what it needs."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.wasm import assemble

GUEST = """(module (import "wasi_ephemeral_nn" "compute" (func (param i32) (result i32)))
  (memory (export "memory") 1) (func (export "_start")))"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With more modules than are judged without processes."""
    many = tmp_path / "many"
    many.mkdir()
    for number in range(20):
        (many / f"{number}.wasm").write_bytes(assemble(GUEST))
    return many


def after(command: str, *arguments: str | Path) -> tuple[int, str]:
    """The exit code of nnshim after another command of the shell, and its errors."""
    line = shlex.join([sys.executable, "-m", "nnshim", *map(str, arguments)])
    done = subprocess.run(
        ["/bin/sh", "-c", f"{command} && exec {line}"], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stderr


def test_too_few_files_for_a_process_are_told(folder: Path) -> None:
    code, said = after("ulimit -n 8", "check", "--for", "wasmtime", "--jobs", "2", folder)
    assert said.endswith("cannot be started: Too many open files\n")
    assert "a bug in nnshim" not in said
    assert code == 6


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_folder_that_was_removed_is_told(folder: Path, jobs: str) -> None:
    os.mkdir(folder.parent / "gone")
    gone = shlex.quote(str(folder.parent / "gone"))
    code, said = after(
        f"cd {gone} && rmdir {gone}", "check", "--for", "wasmtime", "--jobs", jobs, folder
    )
    assert said == "nnshim: error: the current folder was removed: change to another folder\n"
    assert code == 2

"""A release up to the upload: the steps of the workflow in a clone, with a tag. Takes an index."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.test_release import ROOT, steps

VERSION = "0.1.0"


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@b.example")
    subprocess.run(["git", "-C", folder, *who, *words], check=True, capture_output=True)


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of what is checked out here, in which the workflow has built `dist`."""
    clone = tmp_path_factory.mktemp("release") / "clone"
    git(ROOT, "clone", "-q", str(ROOT), str(clone))
    changes = clone / "CHANGELOG.md"
    dated = re.sub(rf"(?m)^## {VERSION}\b.*$", f"## {VERSION}, 2026-12-01", changes.read_text())
    changes.write_text(dated)
    git(clone, "commit", "-qam", "Date the release", "--allow-empty")
    git(clone, "tag", f"v{VERSION}")
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    for step in steps("build"):
        if "run" in step:
            done = subprocess.run(
                ["bash", "-e", "-c", step["run"]],
                cwd=clone,
                env={"PATH": path, "HOME": str(Path.home()), "GITHUB_REF_NAME": f"v{VERSION}"},
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{step['name']}: {done.stdout}{done.stderr}"
    return clone


def test_the_files_of_a_release_are_a_wheel_and_an_sdist(released: Path) -> None:
    """The steps before have compared two builds, and used both files."""
    names = sorted(path.name for path in (released / "dist").iterdir())
    assert names == [f"nnshim-{VERSION}-py3-none-any.whl", f"nnshim-{VERSION}.tar.gz"]


def test_the_wheel_has_the_packages_the_samples_and_the_headers(released: Path) -> None:
    with zipfile.ZipFile(next((released / "dist").glob("*.whl"))) as wheel:
        names = set(wheel.namelist())
        metadata = wheel.read(f"nnshim-{VERSION}.dist-info/METADATA").decode()
    assert {name.split("/")[0] for name in names} == {
        *("nnshim", "rewriter", "runtime_shim"),
        f"nnshim-{VERSION}.dist-info",
    }
    for name in ("digits.wasm", "digits/model.onnx", "include/wasi_nn.h", "components/README.md"):
        assert f"nnshim/samples/{name}" in names
    for name in ("command.wasm", "reactor.wasm"):
        assert f"rewriter/files/wasi_adapters/wasi_snapshot_preview1.{name}" in names
    licences = f"nnshim-{VERSION}.dist-info/licenses"
    assert {f"{licences}/LICENSE", f"{licences}/rewriter/files/wasi_adapters/LICENSE"} <= names
    assert "Author: The nnshim maintainers" in metadata
    assert "License-Expression: Apache-2.0 AND Apache-2.0 WITH LLVM-exception" in metadata


def test_the_sdist_has_what_builds_and_tests_it(released: Path) -> None:
    with tarfile.open(next((released / "dist").glob("*.tar.gz"))) as sdist:
        names = {name.split("/", 1)[1] for name in sdist.getnames()}
    assert {"pyproject.toml", "LICENSE", "tests/conftest.py", "samples/digits.c"} <= names
    adapters = "rewriter/files/wasi_adapters/wasi_snapshot_preview1."
    assert {f"{adapters}command.wasm", f"{adapters}reactor.wasm", "hatch_build.py"} <= names


def test_the_notes_are_the_changelog_s(released: Path) -> None:
    command = ["bash", str(released / ".ci/release"), "notes", f"v{VERSION}"]
    notes = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert notes.strip() in (released / "CHANGELOG.md").read_text()
    assert notes.strip().startswith("- ")

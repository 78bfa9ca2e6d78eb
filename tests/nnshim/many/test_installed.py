"""What nnshim doctor says of Ray."""

from __future__ import annotations

import json
import os
import subprocess
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from nnshim.many.engines import installed
from nnshim.many.engines.installed import installed_ray
from rewriter.installation import install_line
from tests.support.command import nnshim


def doctor(folder: Path, release: str, *options: str) -> subprocess.CompletedProcess[bytes]:
    """Where that release of Ray seems to be installed; importing it would fail."""
    (folder / "ray.py").write_text("raise RuntimeError('Ray was imported')")
    about = folder / f"ray-{release}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.4\nName: ray\nVersion: {release}\n")
    return nnshim("doctor", *options, env={"PYTHONPATH": f"{folder}{os.pathsep}{os.getcwd()}"})


@pytest.mark.parametrize("release", ["2.60.0", "2.60", "2.99.1"])
def test_ray_is_listed_without_being_imported(tmp_path: Path, release: str) -> None:
    done = doctor(tmp_path, release)
    assert (done.returncode, done.stderr) == (0, b"")
    assert f"ray: ray {release}" in done.stdout.decode().splitlines()


@pytest.mark.parametrize("release", ["2.59.9", "3.0.0", "1.13.0"])
def test_a_version_out_of_range_is_an_error(tmp_path: Path, release: str) -> None:
    done = doctor(tmp_path, release, "--json")
    assert done.returncode == 1
    ray = json.loads(done.stdout)["ray"]
    assert ray["version"] == release
    assert (ray["problem"]["code"], ray["problem"]["severity"]) == ("NN505", "error")
    said = ray["problem"]["message"]
    assert said.startswith(f"ray {release} is installed, and nnshim needs ray[client]")
    assert ">=2.60" in said
    assert "<3" in said
    assert said.endswith(install_line("ray"))


def test_the_versions_that_it_takes_are_said_as_text_too(tmp_path: Path) -> None:
    done = doctor(tmp_path, "2.10.0")
    assert done.returncode == 1
    said = b"ray: error[NN505]: ray 2.10.0 is installed, and nnshim needs ray[client]"
    assert any(line.startswith(said) for line in done.stdout.splitlines())


@pytest.mark.parametrize(
    ("missing", "version", "said"),
    [
        ("ray", None, "(not installed: ray)"),
        ("grpcio", "2.60.0", "(not installed: grpcio, which Ray's client needs)"),
    ],
)
def test_what_is_missing_is_said_with_what_installs_it(
    monkeypatch: pytest.MonkeyPatch, missing: str, version: str | None, said: str
) -> None:
    def found(package: str) -> str:
        if package == missing:
            raise PackageNotFoundError(package)
        return "2.60.0"

    monkeypatch.setattr(installed, "version", found)
    monkeypatch.setattr(installed, "misfits", lambda extra: {})
    there, problem = installed_ray()
    assert there == version
    assert problem is not None
    assert str(problem) == f"clusters cannot be used {said}; {install_line('ray')}"
    assert problem.code == "NN501"

"""What can be seen of a release without an index: tests/heavy/test_release.py makes one."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())


def release(
    folder: Path, *arguments: str, cwd: Path | None = None, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    command = ["bash", str(folder / ".ci/release"), *arguments]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """With what `check` reads, about version 1.2.0."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci/release", tmp_path / ".ci/release")
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.0"\n')
    changes = "# Changelog\n\n## 1.2.0, 2026-12-01\n\n- New.\n\n## 1.1.0, 2026-11-01\n\n- Old.\n"
    (tmp_path / "CHANGELOG.md").write_text(changes)
    commit(tmp_path)
    return tmp_path


def commit(folder: Path) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@b.example")
    for words in (("init", "-q"), ("add", "-A"), (*who, "commit", "-qm", "a")):
        subprocess.run(["git", "-C", folder, *words], check=True)


def test_a_tag_of_the_version_is_released(checkout: Path) -> None:
    assert release(checkout, "check", "v1.2.0").returncode == 0
    assert release(checkout, "notes", "v1.2.0").stdout.strip() == "- New."


@pytest.mark.parametrize("tag", ["v1.2.1", "1.2.0", "v1.2", "v1x2.0"])
def test_another_tag_is_not(checkout: Path, tag: str) -> None:
    done = release(checkout, "check", tag)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"the tag {tag} is not v1.2.0" in done.stderr


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ("## 1.2.0, not released yet\n\n- New.\n", "has no heading"),
        ("## 1x2.0, 2026-12-01\n\n- New.\n", "has no heading"),
        ("## 1.2.0, 2026-12-01\n\n## 1.1.0, 2026-11-01\n\n- Old.\n", "says nothing of 1.2.0"),
    ],
)
def test_a_version_that_the_changelog_does_not_have_is_not_released(
    checkout: Path, changes: str, reason: str
) -> None:
    (checkout / "CHANGELOG.md").write_text(changes)
    commit(checkout)
    done = release(checkout, "check", "v1.2.0")
    assert done.returncode == 1
    assert reason in done.stderr


def test_a_checkout_with_changes_is_not_released(checkout: Path) -> None:
    (checkout / "new.py").touch()
    assert "the checkout has changes" in release(checkout, "check", "v1.2.0").stderr


def steps(job: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = WORKFLOW["jobs"][job]["steps"]
    return found


def test_actions_are_pinned_to_a_release() -> None:
    used = [step["uses"] for job in WORKFLOW["jobs"] for step in steps(job) if "uses" in step]
    assert used
    for action in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+\.\d+\.\d+", action)


def test_only_what_was_built_and_tried_is_published_and_by_nothing_else() -> None:
    jobs = WORKFLOW["jobs"]
    assert WORKFLOW[True] == {"push": {"tags": ["v*"]}}  # `on` is a boolean in YAML 1.1
    assert WORKFLOW["permissions"] == {}
    assert (jobs["publish"]["needs"], jobs["announce"]["needs"]) == ("build", "publish")
    may_sign = [name for name, job in jobs.items() if "id-token" in job["permissions"]]
    assert may_sign == ["publish"]
    assert not any("run" in step for step in steps("publish"))  # no code of ours has that token


def test_commands_take_nothing_from_a_tag_but_as_a_variable() -> None:
    for job in WORKFLOW["jobs"]:
        for step in steps(job):
            assert "${{" not in step.get("run", "")


def test_a_wheel_and_an_sdist_have_the_files_of_git_and_no_caches(tmp_path: Path) -> None:
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    known = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    adapters = {
        f"rewriter/files/wasi_adapters/wasi_snapshot_preview1.{kind}.wasm"
        for kind in ("command", "reactor")
    }
    files = {*known.splitlines(), *adapters}
    clone, dist = tmp_path / "clone", tmp_path / "dist"
    for file in files:
        (clone / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, clone / file)
    for folder in ("nnshim", "rewriter/wasm", "samples", "samples/components/python", "tests"):
        for cache in ("__pycache__/pgm.cpython-311.pyc", ".mypy_cache/a", ".ruff_cache/a"):
            (clone / folder / cache).parent.mkdir()
            (clone / folder / cache).touch()
    build = ["hatchling", "build", "--directory", str(dist)]
    subprocess.run([sys.executable, "-m", *build], cwd=clone, check=True, capture_output=True)

    with tarfile.open(next(dist.glob("*.tar.gz"))) as sdist:
        members = {name.partition("/")[2] for name in sdist.getnames()}
    assert members == {*files, "PKG-INFO"}
    with zipfile.ZipFile(next(dist.glob("*.whl"))) as wheel:
        (info,) = {name.split("/")[0] for name in wheel.namelist() if ".dist-info/" in name}
        names = {name for name in wheel.namelist() if not name.startswith(info)}
    packages = {
        file for file in files if file.startswith(("nnshim/", "rewriter/", "runtime_shim/"))
    }
    samples = {name for name in names - packages if name.startswith("nnshim/samples/")}
    assert names == packages | samples
    assert {name.removeprefix("nnshim/") for name in samples} == {
        file
        for file in files
        if file.startswith("samples/")
        and not file.startswith("samples/pipelines/")
        and not file.endswith(("__init__.py", "build.py", "digits_to_tflite.py", "train_digits.py"))
    }


def test_what_a_release_does_with_what_it_has_built_works(
    installed: dict[str, str], tmp_path: Path
) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    done = release(ROOT, "use", version, cwd=tmp_path, env=installed)
    assert done.returncode == 0, done.stdout + done.stderr
    assert release(ROOT, "use", "0.0.0", cwd=tmp_path, env=installed).returncode == 1

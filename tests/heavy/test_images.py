"""The images of containers/, built with buildah on Debian's Python: no registry has to be reached.

Needs root, buildah, mmdebstrap, and the indices of packages. It takes 1 GB in a temporary folder,
and 2 GB where buildah has to copy each layer.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BASE = """FROM scratch
ADD debian.tar /
COPY ca-certificates.crt /etc/ssl/certs/
COPY pip.conf /etc/
"""
"""Debian, and whom and which indices this machine trusts."""

Buildah = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def buildah() -> Iterator[Buildah]:
    """Leaves nothing mounted: pytest keeps its temporary folders for a while, and other runs would
    fail to remove what is mounted there."""
    folder = Path(tempfile.mkdtemp(prefix="nnshim-images-"))
    try:
        yield _prepared(folder)
    finally:
        below = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        for place in sorted(
            (each for each in below if each.startswith(f"{folder}/")), reverse=True
        ):
            subprocess.run(["umount", place], check=True)
        shutil.rmtree(folder)


def _prepared(folder: Path) -> Buildah:
    """With Debian's image, which the others are built on."""
    stored = [f"--root={folder}/store", f"--runroot={folder}/run"]
    tried = ["buildah", "--storage-driver=overlay", *stored, "info"]
    overlay = subprocess.run(tried, capture_output=True, check=False).returncode == 0
    stored.append(f"--storage-driver={'overlay' if overlay else 'vfs'}")

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = ["buildah", *stored, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    base = folder / "base"
    base.mkdir()
    shutil.copy("/etc/ssl/certs/ca-certificates.crt", base)
    settings = Path("/etc/pip.conf")
    (base / "pip.conf").write_text(settings.read_text() if settings.exists() else "")
    packages = "--include=ca-certificates,libgomp1,python3,python3-venv"
    debian = ["mmdebstrap", "--quiet", "--variant=minbase", packages, "bookworm"]
    subprocess.run([*debian, f"{base}/debian.tar"], check=True)
    (base / "Containerfile").write_text(BASE)
    done = run("build", "--isolation=chroot", "-t", "localhost/base", base)
    assert done.returncode == 0, done.stderr
    return run


class Image:
    """A container of an image that is built here, with a folder of guests in /work."""

    def __init__(self, buildah: Buildah, name: str) -> None:
        self._buildah = buildah
        file = ROOT / "containers" / f"{name}.Containerfile"
        options = ["--isolation=chroot", "--build-arg=BASE=localhost/base", "-f", file]
        built = buildah("build", *options, "-t", f"localhost/{name}", ROOT)
        assert built.returncode == 0, built.stderr
        self._container = buildah("from", f"localhost/{name}").stdout.strip()
        self.root = Path(buildah("mount", self._container).stdout.strip())
        shutil.copytree(ROOT / "samples", self.root / "work", dirs_exist_ok=True)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return self._buildah("run", "--isolation=chroot", self._container, "--", *command)

    def settings(self) -> Sequence[str]:
        template = (
            "{{.OCIv1.Config.User}} {{.OCIv1.Config.Entrypoint}} {{.OCIv1.Config.WorkingDir}}"
        )
        return self._buildah("inspect", "--format", template, self._container).stdout.split()


@pytest.fixture(scope="module")
def rewriter(buildah: Buildah) -> Image:
    return Image(buildah, "rewriter")


@pytest.fixture(scope="module")
def runner(buildah: Buildah) -> Image:
    return Image(buildah, "run")


def test_the_rewriter_checks_and_rewrites(rewriter: Image) -> None:
    assert rewriter.settings() == ["65532:65532", "[nnshim]", "/work"]
    checked = rewriter.run("nnshim", "check", "--for", "wamr@2.4.5", "digits.wasm")
    assert "digits.wasm: runs on wamr@2.4.5 as it is, only if 1 condition holds" in checked.stdout
    command = "nnshim rewrite --for wamr-legacy@2.3.1 digits.wasm /tmp/a.wasm"
    verified = rewriter.run(
        "sh", "-c", f"{command} && nnshim verify digits.wasm /tmp/a.wasm && id -u"
    )
    assert verified.stdout.splitlines()[-1] == "65532", verified.stderr
    assert "no other difference" in verified.stdout


def test_the_rewriter_is_small_and_says_what_it_lacks(rewriter: Image) -> None:
    size = sum(file.lstat().st_size for file in (rewriter.root / "opt/nnshim").rglob("*"))
    assert size < 60_000_000
    refused = rewriter.run("nnshim", "run", "digits.wasm")
    assert "nnshim runs guests and models with cffi, which is not installed" in refused.stderr


def test_the_other_runs_a_guest_with_its_model(runner: Image) -> None:
    ran = runner.run("sh", "-c", "nnshim run --dir . digits.wasm digits/model.onnx images/*.pgm")
    assert ran.returncode == 0, ran.stderr
    assert [line.split()[1:] for line in ran.stdout.splitlines()] == [
        line.split()[1:] for line in (ROOT / "samples/expected/digits.txt").read_text().splitlines()
    ]

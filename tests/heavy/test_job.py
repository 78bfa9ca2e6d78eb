"""A whole job on 60 files of all kinds: checked, fixed, pushed, attested, verified, pulled, and
rewritten back. Needs Debian's docker-registry, jq and openssl."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.heavy.sixty import make
from tests.support.command import nnshim
from tests.support.docker_registry import answers
from tests.support.ports import closed_port
from tests.support.processes import wait_for

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = Path(__file__).parent / "golden"
HOST = "wamr-legacy@2.3.1"
SAID = """\
check: exit code 6
fix: exit code 6
modules pushed, verified, pulled and rewritten back: 24
gate: exit code 0
"""
REPORTS = {
    "text": "built.txt",
    "jsonl": "built.jsonl",
    "sarif": "built.sarif",
    "gitlab": "built.gitlab.json",
    "junit": "built.xml",
    "markdown": "built.md",
    "json": "built.json",
    "github": "built.github.txt",
}
"""By format, as the job calls them; it does not make the last two."""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("job")
    names = make(folder / "built")
    assert len(names) == 60
    (folder / "nnshim.toml").write_text('accept = ["NN262"]\n')
    key = ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
    subprocess.run([*key, "-out", "key.pem"], cwd=folder, check=True, capture_output=True)
    public = ["openssl", "pkey", "-in", "key.pem", "-pubout", "-out", "key.pub"]
    subprocess.run(public, cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def done(here: Path) -> subprocess.CompletedProcess[str]:
    """The job, which sees nnshim as a command."""
    with closed_port() as port:
        return job(here, port)


def job(here: Path, port: int) -> subprocess.CompletedProcess[str]:
    config = {
        "version": 0.1,
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(here / "storage")}},
        "http": {"addr": f"127.0.0.1:{port}"},
    }
    (here / "registry.json").write_text(json.dumps(config))
    (here / "bin").mkdir()
    command = here / "bin/nnshim"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m nnshim "$@"\n')
    command.chmod(0o755)
    paths = {"PATH": f"{here / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    words = ["built", HOST, f"oci://127.0.0.1:{port}/team/guests", "key.pem", "key.pub", "out"]
    serve = ["docker-registry", "serve", str(here / "registry.json")]
    with subprocess.Popen(serve, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as registry:
        try:
            wait_for(lambda: answers(port))
            return subprocess.run(
                ["bash", str(ROOT / "samples/pipelines/job.sh"), *words],
                cwd=here,
                env={**os.environ, **paths},
                capture_output=True,
                text=True,
                check=False,
            )
        finally:
            registry.terminate()


def test_the_job_goes_through_and_says_what_came_of_each_step(
    done: subprocess.CompletedProcess[str], here: Path
) -> None:
    log = here / "out/log.txt"
    assert (done.returncode, done.stdout) == (0, SAID), (done.stderr, log.read_text()[-2000:])


def test_a_job_that_pushes_nothing_fails(here: Path, tmp_path: Path) -> None:
    (tmp_path / "built").mkdir()
    (tmp_path / "built/bad.wasm").write_bytes(b"junk")
    for name in ("key.pem", "key.pub"):
        shutil.copy(here / name, tmp_path)
    with closed_port() as port:
        done = job(tmp_path, port)
    assert done.returncode == 6
    assert done.stdout.splitlines()[-2:] == [
        "modules pushed, verified, pulled and rewritten back: 0",
        "gate: exit code 6",
    ]


@pytest.mark.usefixtures("done")
def test_what_was_built_is_as_it_was(here: Path, tmp_path: Path) -> None:
    make(tmp_path / "again")
    for path in (tmp_path / "again").rglob("*"):
        other = here / "built" / path.relative_to(tmp_path / "again")
        assert path.is_symlink() == other.is_symlink()
        assert path.is_fifo() == other.is_fifo()
        # A tar of another second is another file.
        if path.is_file() and not path.is_symlink() and path.name != "bundle.tar.gz":
            assert path.read_bytes() == other.read_bytes(), path


@pytest.mark.usefixtures("done")
@pytest.mark.parametrize("name", REPORTS)
def test_every_report_is_what_it_was(
    name: str, here: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = here / "out" / REPORTS[name]
    if not report.exists():
        monkeypatch.chdir(here)
        rules = ("--for", HOST, "--quiet", "--report", f"{name}={report}")
        assert nnshim("check", *rules, "built").returncode == 6
    found = re.sub(r'("semanticVersion": ")[^"]*', r"\1", report.read_text())
    golden = GOLDEN / REPORTS[name]
    if request.config.getoption("--update-golden"):
        GOLDEN.mkdir(exist_ok=True)
        golden.write_text(found)
    assert found == golden.read_text()

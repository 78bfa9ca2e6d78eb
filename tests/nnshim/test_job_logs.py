"""What the runner of a pipeline would take for a command in a job's log: no name is one."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from nnshim.render.reports import REPORTS
from rewriter.terminal import shown
from tests.support.command import nnshim
from tests.support.wasm import assemble

NAMES = (
    "::error::x",
    " ::stop-commands::x",
    "##[error]x",
    "a ###[add-mask]x",
    "##vso[task.complete result=Succeeded]x",
    "##teamcity[buildStop comment='x']",
)

COMMAND = re.compile(r"^\s*::\w[\w-]*( [^\n]*?)?::|##\w*\[")
"""By the runner's own rules: ActionCommand.TryParseV2 and TryParse for GitHub, and `##name[` in any
place for Azure Pipelines and TeamCity."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Modules with such names, of their own and of what they import, and what is no module."""
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        imported = f'(import "wasi_nn" "load" (func)) (import "{name}" "{name}" (func))'
        Path(name).write_bytes(assemble(f"(module {imported})"))
        Path(f"{name}.wasm").write_text("not WebAssembly")
    return tmp_path


@pytest.mark.parametrize(
    "arguments",
    [
        *(["check", "--for", "wamr", "--output-format", name] for name in REPORTS),
        ["check", "--for", "wamr", "--diff"],
        ["check", "--for", "wamr", "--report", "text=/dev/stdout"],
        ["inspect"],
        ["inspect", "--json"],
    ],
    ids=" ".join,
)
def test_no_name_is_a_command(folder: Path, arguments: list[str]) -> None:
    done = nnshim(*arguments, *NAMES, *(f"{name}.wasm" for name in NAMES))
    lines = (done.stdout + done.stderr).decode().splitlines()
    assert any("teamcity" in line for line in lines)
    said = [line for line in lines if COMMAND.search(line)]
    if "github" in arguments:
        own = re.compile(r"::(error|warning) file=[^:]*,title=NN\d+::")
        assert said
        assert [line for line in said if not own.match(line) or "##" in line] == []
    else:
        assert said == []


def test_json_gives_every_name_back(folder: Path) -> None:
    done = nnshim("check", "--for", "wamr", "--json", *NAMES)
    assert [each["file"] for each in json.loads(done.stdout)] == [*NAMES]


@pytest.mark.parametrize("name", ["# a", "## a", "#[a]", "##", "a::b", "##a b[", "a##"])
def test_other_names_stay_as_they_are(name: str) -> None:
    assert shown(name) == name

"""The help of each command: headings, examples that work, and `nnshim help`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from nnshim.cli import COMMANDS, build
from nnshim.help.pages import PAGES
from rewriter.abi.dialects import DIALECTS
from rewriter.hosts.table import FAMILIES
from tests.support.command import nnshim
from tests.support.native import NativeWasmtime

SAMPLES = Path(__file__).resolve().parents[2] / "samples"


def commands(command: Any, *words: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each command with its words, groups too."""
    yield words, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, *words, name)


ALL = dict(commands(typer.main.get_command(build())))


def help_of(*words: str) -> str:
    return nnshim(*words, "--help").stdout.decode()


def section(text: str, heading: str) -> str:
    """The lines below a heading, as one line with single spaces."""
    return " ".join(text.partition(f"\n{heading}:\n")[2].partition("\n\n")[0].split())


def test_every_command_has_a_page_and_every_page_a_command() -> None:
    assert {" ".join(words) for words in ALL} == set(PAGES)


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_headings_name_each_option_once_and_none_that_is_missing(words: tuple[str, ...]) -> None:
    headings = PAGES[" ".join(words)].headings
    named = [option for options in headings.values() for option in options]
    with typer.Context(ALL[words]) as context:
        options = [
            {*param.opts}
            for param in ALL[words].get_params(context)
            if param.param_type_name == "option"
        ]
    assert len(named) == len(set(named))
    assert set(named) <= set().union(*options)
    if named:  # then nothing is left for "Options"
        assert [names for names in options if len(names & set(named)) != 1] == []


def test_options_stand_under_their_headings() -> None:
    text = help_of("run")
    assert "--timeout" in section(text, "Limits")
    assert "--timeout" not in section(text, "Models")
    assert "--dir" in section(text, "Files and environment")
    assert "Options:" not in text
    assert "--json" in section(help_of("inspect"), "Options")


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_each_help_ends_with_its_two_examples(words: tuple[str, ...]) -> None:
    lines = PAGES[" ".join(words)].examples
    starts = [line for line in lines if line.startswith("nnshim")]
    assert len(starts) == 2
    shown = "".join(f"  {line}\n" for line in lines)
    text = help_of(*words)
    assert text.endswith(f"\nExamples:\n{shown}")
    assert max(map(len, text.splitlines())) <= 80


VERDICTS = """
nnshim() {
    local code=0
    command nnshim "$@" || code=$?
    case "$1 $code" in "check "[145]) ;; *) return $code ;; esac
}
"""
"""Any verdict of `nnshim check` is a result; a usage error is not."""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory, native: NativeWasmtime) -> str:
    """PATH with this nnshim and a real Wasmtime."""
    folder = tmp_path_factory.mktemp("bin")
    program = folder / "nnshim"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m nnshim "$@"\n')
    program.chmod(0o755)
    (folder / "wasmtime").symlink_to(native.command)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


@pytest.mark.parametrize("words", PAGES)
def test_examples_work_in_a_checkout(words: str, path: str, tmp_path: Path) -> None:
    shutil.copytree(SAMPLES, tmp_path / "samples")
    root = str(SAMPLES.parent)
    done = subprocess.run(
        ["bash", "-e", "-c", VERDICTS + "\n".join(PAGES[words].examples)],
        cwd=tmp_path, env={**os.environ, "PATH": path, "PYTHONPATH": root},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "error:" not in done.stderr
    assert done.stdout or words == "rewrite"


def test_the_hosts_are_listed_where_one_is_named() -> None:
    for command, option in (("rewrite", "--for"), ("check", "--for"), ("run", "--as")):
        text = " ".join(help_of(command).split())
        described = text.partition(f" {option} HOST[@RELEASE]|PROFILE ")[2]
        assert described
        assert ", ".join(FAMILIES) in described[:300], command


def test_abis_are_listed_once_with_the_releases_that_have_them() -> None:
    lines = nnshim("hosts", "--abis").stdout.decode().splitlines()
    assert [line.split()[0] for line in lines] == [*DIALECTS]
    assert all(len(line.split()) > 3 for line in lines)
    assert lines[0].endswith("wasmtime 15 to 49; nnshim; wasi-nn 0.6.0")
    for command in ("rewrite", "inspect", "check", "run"):
        text = help_of(command)
        assert "`nnshim hosts --abis`" in " ".join(text.split())
        assert "wamr-2.4-legacy" not in text


@pytest.mark.parametrize("words", [["hosts", "--abis", "wamr"], ["hosts", "--abis", "--json"]])
def test_the_list_of_abis_takes_nothing_else(words: list[str]) -> None:
    done = nnshim(*words)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"--abis lists every ABI as text" in done.stderr


def test_help_shows_what_the_option_shows() -> None:
    for words in ([], ["run"], ["cache", "list"]):
        done = nnshim("help", *words)
        assert done.returncode == 0
        assert done.stdout.decode() == help_of(*words)
        assert b"Usage:" in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["chek"], "nnshim has no command 'chek'; did you mean check?"),
        (["cache", "lst"], "nnshim cache has no command 'lst'; did you mean list?"),
        (["run", "x"], "nnshim run has no command 'x'; `nnshim help` lists them"),
    ],
)
def test_help_of_no_command_is_a_usage_error(words: list[str], said: str) -> None:
    done = nnshim("help", *words)
    assert (done.returncode, done.stdout) == (2, b"")
    assert said in done.stderr.decode()


def test_the_usage_names_arguments_as_people_write_them() -> None:
    assert help_of("run").startswith("Usage: nnshim run [OPTIONS] MODULE [ARGS]...\n")
    assert b"usage: nnshim verify [OPTIONS] [ORIGINAL] REWRITTEN; " in nnshim("verify").stderr


def test_the_version_has_a_short_option() -> None:
    assert nnshim("-V").stdout == nnshim("--version").stdout != b""


def test_every_command_is_listed_with_a_whole_sentence() -> None:
    lines = help_of().partition("Commands:\n")[2].partition("\n\n")[0].splitlines()
    assert {line.split()[0] for line in lines} == set(COMMANDS)
    assert all(line.endswith(".") and not line.endswith("...") for line in lines)

"""Colours: where they are wanted, on which words, and that what comes from outside gets none."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from nnshim.colours import styled, wanted
from tests.support.command import nnshim

RED, YELLOW, CYAN, GREEN, BOLD, END = (
    "\x1b[1;31m", "\x1b[1;33m", "\x1b[36m", "\x1b[1;32m", "\x1b[1m", "\x1b[0m",
)  # fmt: skip


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "terminal", "pipe"),
    [
        ({}, True, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": ""}, True, False),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"FORCE_COLOR": ""}, True, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False, False),
        ({"TERM": "dumb"}, False, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True, True),
    ],
)
def test_a_terminal_has_colours_unless_the_environment_says_otherwise(
    environment: Mapping[str, str], terminal: bool, pipe: bool
) -> None:
    assert wanted(Terminal(), environment) is terminal
    assert wanted(io.StringIO(), environment) is pipe


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("nnshim: error[NN101]: x", ["nnshim: ", ("error[NN101]:", "1;31"), " x"]),
        ("  warning[NN201]: x", ["  ", ("warning[NN201]:", "1;33"), " x"]),
        ("  help: nnshim rewrite", ["  ", ("help:", "1;32"), " nnshim rewrite"]),
        ("note: x", [("note:", "36"), " x"]),
        ("Examples:", [("Examples:", "1")]),
        ("Usage: nnshim", [("Usage:", "1"), " nnshim"]),
        ("guest.wasm: error: x", ["guest.wasm: error: x"]),
        ("errors: x", ["errors: x"]),
        ("", []),
    ],
)
def test_labels_and_headings_have_a_style(line: str, parts: list[str | tuple[str, str]]) -> None:
    expected = [part if isinstance(part, tuple) else (part, "") for part in parts]
    assert [part for part in styled(line) if part[0]] == expected


def in_terminal(*arguments: str) -> str:
    """What the command writes to a terminal."""
    master, slave = pty.openpty()
    env = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM")}
    command = [sys.executable, "-m", "nnshim", *arguments]
    done = subprocess.Popen(command, stdout=slave, stderr=slave, env={**env, "TERM": "xterm"})
    os.close(slave)
    text = b""
    try:
        while part := os.read(master, 1 << 16):
            text += part
    except OSError:  # Linux's end of a terminal
        pass
    os.close(master)
    done.wait()
    return text.decode().replace("\r\n", "\n")


def test_an_error_is_red_on_a_terminal_and_plain_in_a_pipe() -> None:
    assert f"nnshim: {RED}error:{END} there is no code NN999" in in_terminal("explain", "NN999")
    assert b"\x1b" not in nnshim("explain", "NN999").stderr


def test_headings_of_a_help_are_bold_on_a_terminal() -> None:
    text = in_terminal("run", "--help")
    assert f"{BOLD}Usage:{END} nnshim run" in text
    assert f"\n{BOLD}Limits:{END}\n" in text


def test_verdicts_have_colours_when_they_are_forced(tmp_path: Path) -> None:
    (tmp_path / "guest.wat").write_text(
        '(module (import "wasi_nn" "load" (func (param i32 i32 i32 i32 i32) (result i32))))'
    )
    words = ("check", "--for", "wasmtime", str(tmp_path / "guest.wat"))
    text = nnshim(*words, env={"FORCE_COLOR": "1", "NO_COLOR": ""}).stdout.decode()
    assert f"  {YELLOW}warning[NN201]:{END} it imports wasi_nn" in text
    assert f"  {GREEN}help:{END} nnshim rewrite" in text
    assert "\x1b" not in nnshim(*words, env={"FORCE_COLOR": "1", "NO_COLOR": "1"}).stdout.decode()


def test_an_escape_sequence_in_a_name_stays_an_escape(tmp_path: Path) -> None:
    name = tmp_path / "\x1b[32mfine.wasm"
    done = nnshim("inspect", name, env={"FORCE_COLOR": "1", "NO_COLOR": ""})
    assert f"{RED}error[NN001]:{END}".encode() in done.stderr
    assert b"\\x1b[32mfine" in done.stderr
    assert b"\x1b[32m" not in done.stderr

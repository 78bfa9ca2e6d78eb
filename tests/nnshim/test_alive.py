"""What takes long shows on a terminal that it lives, and nothing of that stays."""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import pty
import re
import struct
import sys
import termios
from pathlib import Path
from typing import Self

import pytest

from rewriter import terminal
from rewriter.terminal import alive
from tests.support.command import nnshim
from tests.support.processes import wait_for
from tests.support.pseudoterminal import on_terminal, screen
from tests.support.wasm import assemble, import_module

PRINTS = assemble("""(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\10\\00\\00\\00\\06\\00\\00\\00")
  (data (i32.const 16) "hello\\n")
  (func (export "_start")
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))""")


@pytest.mark.parametrize(
    ("arguments", "stdin", "shown"),
    [
        (("check", "-", "--for", "wasmtime"), import_module("wasi_nn"), "reading standard input ("),
        (("rewrite", "-", "OUT"), b"PK", "rewriting standard input ("),
        (("verify", "-", "IN"), import_module("wasi_nn"), "comparing standard input ("),
        (("run", "-"), PRINTS, "reading standard input ("),
    ],
)
def test_what_takes_long_is_shown_until_it_is_done(
    arguments: tuple[str, ...], stdin: bytes, shown: str, tmp_path: Path
) -> None:
    """A pipe without an end is what takes long here."""
    (tmp_path / "in.wasm").write_bytes(import_module("wasi_ephemeral_nn"))
    paths = {"IN": str(tmp_path / "in.wasm"), "OUT": str(tmp_path / "out.wasm")}
    words = [paths.get(word, word) for word in arguments]
    told = on_terminal(*words, stdin=stdin, waits_for=f"\r\x1b[Knnshim: {shown}".encode())
    plain = nnshim(*words, stdin=stdin, redirected="2>&1")
    assert screen(told.sent) == plain.stdout.decode().split("\n")
    assert told.code == plain.returncode
    assert b"\x1b" not in plain.stdout


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "_QUIET", 0)
    monkeypatch.setattr(terminal, "_TICK", 0.01)
    monkeypatch.setenv("TERM", "xterm")


class Terminal:
    """What this process prints is on it. pytest replaces the streams between a fixture and its
    test, so it is no fixture."""

    def __enter__(self) -> Self:
        self._mine, self._theirs = pty.openpty()
        os.set_blocking(self._mine, False)
        with contextlib.ExitStack() as stack:
            out, err = (
                stack.enter_context(kind(io.FileIO(os.dup(self._theirs), "w"), "utf-8"))
                for kind in (terminal._Lines, terminal._Line)
            )
            stack.enter_context(contextlib.redirect_stdout(out))
            stack.enter_context(contextlib.redirect_stderr(err))
            self._stack = stack.pop_all()
        self.sent = b""
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        os.close(self._theirs)
        os.close(self._mine)

    def read(self) -> bytes:
        with contextlib.suppress(BlockingIOError):
            while True:
                self.sent += os.read(self._mine, 1 << 16)
        return self.sent

    def wait_for(self, words: bytes) -> None:
        """Until it was sent words, after what it was sent before."""
        start = len(self.sent)
        wait_for(lambda: words in self.read()[start:])
        assert words in self.sent[start:]

    def comes_to_show(self, *lines: str) -> None:
        """The system hands on what was written when it has time to, also a part of a sequence."""
        wait_for(
            lambda: not self.read().endswith((b"\x1b", b"\x1b[")) and screen(self.sent) == [*lines]
        )

    def resize(self, columns: int) -> None:
        fcntl.ioctl(self._theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))


def test_the_inner_text_is_shown_and_then_the_outer_one_again() -> None:
    with Terminal() as ours:
        with alive("outside") as doing:
            ours.wait_for(b"outside (")
            with alive("inside", "a\x1b\u202eb"):
                ours.wait_for(rb"inside a\x1b\u202eb (")
            doing.text = "something else"
            ours.wait_for(b"something else (")
        ours.comes_to_show("")


def test_what_is_printed_meanwhile_is_on_lines_of_its_own() -> None:
    with Terminal() as ours:
        with alive("working"):
            ours.wait_for(b"working")
            print("an error", file=sys.stderr, flush=True)
            ours.wait_for(b"working")
            print("a result", flush=True)
            ours.wait_for(b"working")
        ours.comes_to_show("an error", "a result", "")


def test_a_line_longer_than_the_terminal_is_cut() -> None:
    """A line that wraps cannot be written again."""
    with Terminal() as ours:
        ours.resize(40)
        with alive("reading", "a" * 100):
            ours.wait_for(b" s)\r")
        line = ours.sent.decode().split("\r")[1].removeprefix("\x1b[K")
    assert re.fullmatch(r"nnshim: reading a{14}\.\.\. \(\d s\)", line)
    assert len(line) < 40


def test_it_goes_when_an_error_ends_it() -> None:
    def interrupted() -> None:
        with alive("working"):
            ours.wait_for(b"working")
            raise KeyboardInterrupt

    with Terminal() as ours:
        with pytest.raises(KeyboardInterrupt):
            interrupted()
        ours.comes_to_show("")


@pytest.mark.parametrize("name", ["", "dumb", "unknown"])
def test_nothing_is_shown_on_a_terminal_that_cannot_erase(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", name)
    with Terminal() as ours:
        with alive("working"):
            assert terminal._line is None
        assert ours.read() == b""


def test_nothing_is_shown_where_there_is_no_terminal() -> None:
    with contextlib.redirect_stderr(terminal._Line(io.BytesIO())), alive("working"):
        assert terminal._line is None


def test_nothing_is_shown_by_a_program_that_uses_the_package() -> None:
    with Terminal() as ours, open(os.ttyname(ours._theirs), "w") as plain:
        with contextlib.redirect_stderr(plain), alive("working"):
            assert terminal._line is None
        assert ours.read() == b""


def test_nothing_is_shown_to_somebody_who_types_a_module(monkeypatch: pytest.MonkeyPatch) -> None:
    with Terminal():
        monkeypatch.setattr(sys, "stdin", sys.stderr)
        with alive("reading", "-"):
            assert terminal._line is None
        with alive("reading", "file"):
            assert terminal._line is not None

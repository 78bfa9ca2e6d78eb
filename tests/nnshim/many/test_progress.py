"""How far the work is, on a terminal, and nowhere else."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nnshim.many.progress import InputProgress, Progress, _count, shown_progress
from nnshim.many.searching import search
from rewriter.errors import InputError
from rewriter.terminal import Doing
from tests.support.command import nnshim
from tests.support.pseudoterminal import on_terminal, screen

DIGITS = Path(__file__).parents[3] / "samples" / "digits.wasm"


def test_it_says_how_many_files_how_fast_and_how_long_it_takes() -> None:
    now = 0.0
    progress = Progress("checking", lambda: now)
    assert str(progress) == "checking: 0 files, 0 bytes"
    for _ in range(30):
        progress.add(1 << 20)
    now = 10.0
    assert str(progress) == "checking: 30 files, 30.0 MiB, 3.0 MiB/s"
    progress.total = 120
    assert str(progress) == "checking: 30 of 120 files, 30.0 MiB, 3.0 MiB/s, 30 s left"


def test_inputs_that_have_their_results_do_not_count_for_how_fast_it_is() -> None:
    now = 0.0
    progress = InputProgress("running", lambda: now)
    progress.total = 130
    for _ in range(100):
        progress.keep()
    now = 4.0
    assert str(progress) == "running: 100 of 130 inputs"
    for _ in range(10):
        progress.add(0)
    assert str(progress) == "running: 110 of 130 inputs, 2.5/s, 8 s left"


def test_what_cannot_be_counted_is_not_said_twice() -> None:
    def everything() -> Iterator[int]:
        yield 1
        raise InputError("a link to a folder")

    progress = Progress("running")
    _count(everything(), progress, threading.Event())
    assert progress.total is None


FILES = 3

MORE_THAN_A_SECOND = 1.5
"""In seconds, a second being after what it is shown."""


@pytest.fixture
def some(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(FILES):
        (folder / f"{number}.wasm").write_bytes(DIGITS.read_bytes() + _custom(number))
    return folder


def _custom(number: int) -> bytes:
    return b"\0\4\1x" + number.to_bytes(2, "big")


def test_a_terminal_shows_it_until_it_is_done(some: Path) -> None:
    """The module on standard input arrives only once the line is there."""
    words = ("check", "--jobs", "1", "--for", "wasmtime", "-", "in")
    told = on_terminal(*words, stdin=DIGITS.read_bytes(), waits_for=b"nnshim: checking: 0 files")
    assert b"nnshim: checking: 0 files" in told.sent
    plain = nnshim(*words, stdin=DIGITS.read_bytes(), redirected="2>&1")
    assert screen(told.sent) == plain.stdout.decode().split("\n")
    assert b"\x1b" not in plain.stdout
    assert told.code == plain.returncode


def test_it_counts_the_files_meanwhile(some: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def on_a_terminal(text: str) -> Iterator[Doing]:
        doing = Doing(text)
        doing.is_shown = True
        yield doing

    monkeypatch.setattr("nnshim.many.progress.alive", on_a_terminal)
    with shown_progress("checking", search([str(some)], None, (), None, 1)) as progress:
        while progress.total is None:
            time.sleep(0.01)
    assert progress.total == FILES


def test_a_terminal_shows_nothing_of_it_if_it_is_quiet(some: Path) -> None:
    words = ("check", "--quiet", "--jobs", "1", "--for", "wasmtime", "-", "in")
    told = on_terminal(*words, stdin=DIGITS.read_bytes(), waits_for=MORE_THAN_A_SECOND)
    assert b"checking" not in told.sent

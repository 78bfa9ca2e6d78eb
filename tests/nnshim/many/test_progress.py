"""How far the work is, on a terminal, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from nnshim.many.progress import Progress
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


FILES = 150
"""Enough for more than the second after which it is shown."""


@pytest.fixture
def many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(FILES):
        (folder / f"{number:03}.wasm").write_bytes(DIGITS.read_bytes() + _custom(number))
    return folder


def _custom(number: int) -> bytes:
    return b"\0\4\1x" + number.to_bytes(2, "big")


def test_a_terminal_shows_it_until_it_is_done(many: Path) -> None:
    words = ("check", "--jobs", "1", "--for", "wasmtime", "--for", "wasmedge", "in")
    told = on_terminal(*words, stdin=b"", waits_for=b" of %d files, " % FILES)
    assert b" of %d files, " % FILES in told.sent
    plain = nnshim(*words, redirected="2>&1")
    assert screen(told.sent) == plain.stdout.decode().split("\n")
    assert b"\x1b" not in plain.stdout
    assert told.code == plain.returncode


def test_a_terminal_shows_nothing_of_it_if_it_is_quiet(many: Path) -> None:
    words = ("check", "--quiet", "--jobs", "1", "--for", "wasmtime", "--for", "wasmedge", "in")
    assert b"checking" not in on_terminal(*words, stdin=b"", waits_for=b"never").sent

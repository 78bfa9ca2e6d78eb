from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from typing import Any

import pytest

from rewriter import terminal
from rewriter.terminal import shown
from tests.support.hostile_text import HOSTILE, NOT_UTF8, READABLE


def test_what_can_be_read_stays() -> None:
    assert shown(f"{READABLE} a\\b 'c' ש") == f"{READABLE} a\\b 'c' ש"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        ("a\nb\r\tc\0", r"a\nb\r\tc\x00"),
        ("\x7f\x85\x9b", r"\x7f\u0085\u009b"),
        ("\u2028\u202e\u2066", r"\u2028\u202e\u2066"),
        ("\U000e0041", r"\U000e0041"),
        ("\udcff\udc9b", r"\xff\x9b"),
        ("\ud800", r"\ud800"),
    ],
)
def test_what_would_do_something_to_a_terminal_is_an_escape(text: str, expected: str) -> None:
    assert shown(text) == expected


def test_every_character_is_shown_on_one_line() -> None:
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    assert shown(everything).isprintable()


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_after_it_has_taken_over_nothing_is_printed_as_it_is(stream: str) -> None:
    code = (
        "import sys\nfrom rewriter.terminal import take_over\ntake_over()\n"
        f"print({HOSTILE + NOT_UTF8!r}, file=sys.{stream})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert all(map(str.isprintable, getattr(done, stream).decode().split("\n")))


def test_an_error_of_several_lines_is_one() -> None:
    code = (
        "import sys\nfrom rewriter.terminal import take_over\ntake_over()\n"
        "sys.stderr.write('one\\ntwo\\n')\nsys.stdout.write('one\\ntwo\\n')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stderr == b"one\\ntwo\n"
    assert done.stdout == b"one\ntwo\n"


class _Slow(io.RawIOBase):
    """Writes to a descriptor after the time in which the progress line is written many times."""

    def __init__(self, fd: int) -> None:
        super().__init__()
        self._fd = fd

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        time.sleep(0.1)
        return os.write(self._fd, data)


def test_the_progress_line_stays_away_while_text_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(terminal, "_QUIET", 0.0)
    monkeypatch.setattr(terminal, "_TICK", 0.001)
    read, write = os.pipe()
    line = terminal._StatusLine(write, terminal.Doing("working"))
    monkeypatch.setattr(terminal, "_line", line)
    stream = terminal._Lines(io.BufferedWriter(_Slow(write)), "utf-8", write_through=True)
    for _ in range(3):
        stream.write("result")
        stream.flush()
    line.end()
    os.close(write)
    with open(read, "rb") as pipe:
        *before, _ = pipe.read().split(b"result")
    assert len(before) == 3
    assert not any(text for text in before if not text.endswith(b"\x1b[K"))

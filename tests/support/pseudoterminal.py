"""A command on a terminal, and what is on its screen."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["Told", "on_terminal", "screen"]


class Told(NamedTuple):
    """The exit code, and all that the terminal was sent."""

    code: int
    sent: bytes


def on_terminal(
    *arguments: str, stdin: bytes, waits_for: bytes | float, env: Mapping[str, str] | None = None
) -> Told:
    """Run the command with its output on a terminal. It gets its standard input, from a pipe, once
    the terminal was sent `waits_for`, or after so many seconds."""
    mine, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "nnshim", *arguments],
        stdin=subprocess.PIPE,
        stdout=terminal,
        stderr=terminal,
        env={**os.environ, "TERM": "xterm", **(env or {})},
    ) as process:
        os.close(terminal)
        pipe = process.stdin
        assert pipe is not None

        def give() -> None:
            pipe.write(stdin)
            pipe.close()

        if not isinstance(waits_for, bytes):
            threading.Timer(waits_for, give).start()
        sent = b""
        while piece := _read(mine):
            sent += piece
            if isinstance(waits_for, bytes) and waits_for in sent and not pipe.closed:
                give()
    os.close(mine)
    return Told(process.returncode, sent)


def _read(fd: int) -> bytes:
    try:
        return os.read(fd, 4096)
    except OSError:  # how Linux says that nobody has the other end
        return b""


_SGR = re.compile(r"\x1b\[[0-9;]*m")
"""Colours."""


def screen(sent: bytes) -> list[str]:
    """The lines that are on the screen in the end, without colours. Knows what this project
    sends."""
    lines, column = [""], 0
    for part in re.findall(r"\r|\n|\x1b\[K|[^\r\n\x1b]+|\x1b", _SGR.sub("", sent.decode())):
        if part == "\r":
            column = 0
        elif part == "\n":
            lines.append("")
        elif part == "\x1b[K":
            lines[-1] = lines[-1][:column]
        else:
            assert part != "\x1b", "another escape sequence"
            lines[-1] = lines[-1][:column] + part + lines[-1][column + len(part) :]
            column += len(part)
    return lines

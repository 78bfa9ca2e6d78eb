"""How work on many files is ended: only whole files are left, and no process."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rewriter.files import wasm_tools
from tests.support.processes import PATIENCE, ends, status, wait_for

DIGITS = Path(__file__).parents[3] / "samples" / "digits.wasm"

COUNT = 200
"""More than are worked on before somebody reads what the command prints of the first ones: a pipe
of 4 KiB and Python's buffer have room for 30 of them, and 8 chunks of up to 16 are taken ahead."""


@pytest.fixture
def many(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(COUNT):
        (folder / f"{number:03}.wasm").write_bytes(DIGITS.read_bytes())
    return folder


@contextmanager
def command(*arguments: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    """The command in a session of its own, as a shell would start it. It does not end before what
    it prints is read."""
    with subprocess.Popen(
        [sys.executable, "-m", "nnshim", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        bufsize=0,  # what is not read yet is for communicate
        pipesize=4096,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def session(leader: int) -> list[int]:
    """The processes in it, except those that have ended."""
    found = []
    for pid in (int(name) for name in os.listdir("/proc") if name.isdigit()):
        try:
            if os.getsid(pid) == leader:
                found.append(pid)
        except ProcessLookupError:
            continue
    return [pid for pid in found if (now := status(pid)) is not None and now.state != "Z"]


def workers(process: subprocess.Popen[bytes]) -> list[int]:
    def is_worker(pid: int) -> bool:
        try:
            return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return False

    return [pid for pid in session(process.pid) if pid != process.pid and is_worker(pid)]


@pytest.mark.parametrize(
    ("number", "to_all", "code"),
    [
        (signal.SIGINT, True, 130),
        (signal.SIGINT, False, 130),
        (signal.SIGTERM, False, 130),
        (signal.SIGHUP, True, 129),
        (signal.SIGHUP, False, 129),
    ],
    ids=["Ctrl-C", "SIGINT", "SIGTERM", "closed terminal", "SIGHUP"],
)
def test_an_interrupted_rewrite_leaves_whole_files_only(
    many: Path, tmp_path: Path, number: signal.Signals, to_all: bool, code: int
) -> None:
    out = tmp_path / "out"
    with command("rewrite", "--for", "wamr", "--jobs", "2", many, out) as process:
        wait_for(lambda: out.exists() and any(out.glob("*.wasm")))
        (os.killpg if to_all else os.kill)(process.pid, number)
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == code, errors
    assert b"Traceback" not in errors
    assert b"resource_tracker" not in errors
    written = list(out.iterdir())
    assert 0 < len(written) < COUNT
    assert len({path.read_bytes() for path in written}) == 1
    wasm_tools.validate(str(written[0]))
    wait_for(lambda: not session(process.pid))


def test_no_process_gets_what_the_terminal_sends_not_even_before_its_first_line(many: Path) -> None:
    with command("check", "--jobs", "2", "--for", "wasmtime", many) as process:
        wait_for(lambda: len(workers(process)) == 2)
        for pid in workers(process):
            blocked = re.search(r"SigBlk:\t(\w+)", Path(f"/proc/{pid}/status").read_text())
            assert blocked is not None
            both = 1 << signal.SIGINT - 1 | 1 << signal.SIGHUP - 1
            assert int(blocked[1], 16) & both == both


def test_a_process_that_is_killed_leaves_no_file_out(many: Path) -> None:
    """Another one does its work."""
    with command("check", "--jobs", "2", "--for", "wasmtime", many) as process:
        wait_for(lambda: len(workers(process)) == 2)
        os.kill(workers(process)[0], signal.SIGKILL)
        output, errors = process.communicate(timeout=PATIENCE)
    lines = output.splitlines()
    assert sum(line.startswith(bytes(many)) for line in lines) == COUNT, errors
    assert f"{COUNT} files: ".encode() in lines[-1]
    assert process.returncode == 5


def test_processes_end_with_the_one_that_was_killed(many: Path) -> None:
    with command("check", "--jobs", "2", "--for", "wasmtime", many) as process:
        wait_for(lambda: len(workers(process)) == 2)
        assert process.stdout is not None
        process.stdout.readline()
        left = session(process.pid)
        assert len(left) > 2
        process.kill()
        assert all(ends(pid) for pid in left)

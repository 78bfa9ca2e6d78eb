"""Jobs of nnshim map that end early, and what is left of them."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import nnshim
from tests.support.fleets import last, results, run
from tests.support.processes import PATIENCE, ends, status, wait_for


def test_a_disk_that_is_full_ends_the_job_which_goes_on_later(guest: Path, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("one\n" * 30 + "+\n" + "two\n" * 30)
    command = [sys.executable, "-m", "nnshim", "map", str(guest), "--workers", "2"]
    command += ["--inputs", str(tmp_path / "in.txt"), "-o", str(tmp_path / "out")]
    limited = ["/bin/sh", "-c", 'ulimit -f 1000; exec "$@"', "sh", *command]
    done = subprocess.run(limited, capture_output=True, check=False)
    assert done.returncode == 1
    assert b"error[NN002]: cannot write" in done.stderr
    assert b"00000031: File too large" in done.stderr
    assert "00000031" not in results(guest)
    there = len(results(guest))
    assert there  # how many depends on which worker comes first
    done = subprocess.run(command, capture_output=True, check=True)
    assert last(done) == b"nnshim: 61 inputs: %d written, %d kept" % (61 - there, there)


@contextlib.contextmanager
def started(guest: Path, inputs: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The command with two workers, in a session of its own."""
    command = [sys.executable, "-m", "nnshim", "map", str(guest), "--workers", "2"]
    command += ["--inputs", str(inputs), "-o", str(guest.parent / "out")]
    with subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def others(leader: int) -> list[int]:
    """The processes of a session besides the first."""
    found = []
    for pid in (int(name) for name in os.listdir("/proc") if name.isdigit()):
        with contextlib.suppress(ProcessLookupError):
            if os.getsid(pid) == leader != pid and status(pid) is not None:
                found.append(pid)
    return found


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGHUP, 129)])
def test_a_terminal_ends_guests_that_run_and_the_job_can_go_on(
    guest: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    (tmp_path / "in.txt").write_text("one\n" + "@\n" * 10)
    with started(guest, tmp_path / "in.txt") as process:
        wait_for(lambda: "00000001" in results(guest))
        pids = others(process.pid)
        os.killpg(process.pid, number)
        _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == code
    assert b"; the same command resumes the job" in said
    assert len(pids) >= 2
    assert all(map(ends, pids))
    (tmp_path / "in.txt").write_text("one\ntwo\n")
    assert last(run(guest, tmp_path / "in.txt")) == b"nnshim: 2 inputs: 1 written, 1 kept"


def test_a_job_whose_terminal_is_closed_keeps_what_is_done(guest: Path, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("one\n" + "@\n" * 10)
    command = [sys.executable, "-m", "nnshim", "map", str(guest), "--workers", "2"]
    command += ["--inputs", str(tmp_path / "in.txt"), "-o", str(tmp_path / "out"), "--json"]
    leader, terminal = pty.openpty()
    process = subprocess.Popen(  # a terminal that is its own, and standard output too
        [sys.executable, "-c", ON_A_TERMINAL, *command],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    try:
        os.close(terminal)
        wait_for(lambda: "00000001" in results(guest))
        pids = others(process.pid)
        os.close(leader)
        assert process.wait(timeout=PATIENCE) == 129
    finally:
        process.kill()
    assert len(pids) >= 2
    assert all(map(ends, pids))
    assert results(guest) == {"00000001": b"one\n"}


ON_A_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_the_json_of_a_job_that_is_interrupted_is_whole(guest: Path, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("!\none\n@\n")
    command = [sys.executable, "-m", "nnshim", "map", str(guest), "--workers", "1", "--json"]
    command += ["--inputs", str(tmp_path / "in.txt"), "-o", str(tmp_path / "out")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        wait_for(lambda: (tmp_path / "out" / "00000002").exists())  # so the failure is told
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    found = json.loads(said)
    assert list(found) == ["failures"]
    assert [failure["input"] for failure in found["failures"]] == ["00000001"]


def test_a_job_that_is_killed_leaves_no_process_and_goes_on(guest: Path, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("one\n" * 500 + "@\n" * 2)
    with started(guest, tmp_path / "in.txt") as process:
        wait_for(lambda: len(results(guest)) > 20)
        pids = others(process.pid)
        process.kill()
        process.wait()
        assert all(map(ends, pids))
    there = len(results(guest))
    (tmp_path / "in.txt").write_text("one\n" * 502)
    done = run(guest, tmp_path / "in.txt")
    assert done.returncode == 0
    kept = int(last(done).split(b" written, ")[1].split()[0])
    assert there - 1 <= kept <= there  # the last may not have been recorded
    assert results(guest) == {f"{number:08}": b"one\n" for number in range(1, 503)}


def test_two_jobs_do_not_write_to_one_folder(guest: Path, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("one\n" + "@\n" * 10)
    out = tmp_path / "out"
    with started(guest, tmp_path / "in.txt"):
        wait_for(lambda: "00000001" in results(guest))
        done = run(guest, tmp_path / "in.txt")
    assert done.returncode == 1
    said = (
        f"nnshim: error[NN014]: another nnshim map, which still runs, writes its results to {out}"
    )
    assert done.stderr.decode().startswith(said)
    assert b"One `nnshim map` at a time" in nnshim("explain", "NN014").stdout
    (tmp_path / "in.txt").write_text("one\n")
    assert run(guest, tmp_path / "in.txt").returncode == 0  # the lock went with its process

"""A host's command in a process: where a module's path goes, and how the process ended."""

from __future__ import annotations

import os
import resource

import pytest

from rewriter.errors import UsageError
from rewriter.probing.command import End, Ran, ended, run


@pytest.mark.parametrize(
    ("command", "printed"),
    [
        (["echo", "--in", "{}", "end"], b"--in m.wasm end\n"),
        (["echo", "--file={}"], b"--file=m.wasm\n"),
        (["echo", "first"], b"first m.wasm\n"),
        (["sh", "-c", "echo $0 >&2", "{}"], b"m.wasm\n"),
    ],
)
def test_the_path_goes_where_its_place_is_or_to_the_end(command: list[str], printed: bytes) -> None:
    ran = run(command, "m.wasm", 60)
    assert (ran.code, ran.output) == (0, printed)


@pytest.mark.parametrize(
    ("script", "code", "end"),
    [
        ("exit 1", 1, End.TRAPS),
        ("exit 134", 134, End.ABORTS),
        ("kill -ABRT $$", -6, End.ABORTS),
        ("kill -SEGV $$", -11, End.ABORTS),
        ("kill -KILL $$", -9, End.ABORTS),
        ("exit 255", 255, End.TRAPS),
    ],
)
def test_a_signal_is_told_from_an_exit_code(script: str, code: int, end: End) -> None:
    ran = run(["sh", "-c", script], "m.wasm", 60)
    assert ran.code == code
    assert ended(ran.code, 1) is end


@pytest.mark.parametrize(
    ("code", "of_trap", "comes_through", "end"),
    [
        (134, 134, True, End.UNCLEAR),  # Wasmtime's where a guest traps, a shell's for an abort
        (-6, 134, True, End.ABORTS),
        (139, 134, True, End.ABORTS),
        (0, 0, True, End.UNCLEAR),
        (0, 1, True, End.UNCLEAR),
        (1, 1, False, End.UNCLEAR),  # a script may make 1 of all codes
        (139, 1, False, End.ABORTS),
    ],
)
def test_a_code_that_can_be_that_of_a_trap_and_of_an_abort_is_not_said_to_be_either(
    code: int, of_trap: int, comes_through: bool, end: End
) -> None:
    assert ended(code, of_trap, comes_through=comes_through) is end


@pytest.mark.parametrize("script", ["sleep 600", "echo before; sleep 600 & wait", "yes"])
def test_what_does_not_end_is_stopped_and_what_it_printed_is_kept(script: str) -> None:
    ran = run(["sh", "-c", script], "m.wasm", 0.5)
    assert ended(ran.code, 1) is End.HANGS
    assert len(ran.output) <= 1 << 20
    assert ran.output.startswith({"y": b"y\n", "e": b"before\n", "s": b""}[script[0]])


def test_lines_of_answers_are_kept_behind_whatever_was_printed_before() -> None:
    """Two mebibytes, an answer, and two more."""
    much = "head -c 2097152 /dev/zero | tr '\\0' x"
    script = f"{much}; echo; echo 'log [nnprobe right 1 622]'; {much}"
    ran = run(["sh", "-c", script], "m.wasm", 60)
    assert ran.output[1 << 20 :] == b"\nlog [nnprobe right 1 622]\n"


def test_a_command_that_is_not_there() -> None:
    with pytest.raises(UsageError, match="/nowhere/host cannot be started"):
        run(["/nowhere/host"], "m.wasm", 60)


def test_a_program_with_many_open_files_can_probe() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 2000
    assert hard == resource.RLIM_INFINITY or hard >= most
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
    taken = [os.dup(0) for _ in range(1100)]
    try:
        assert run(["/bin/echo"], "answer", 10) == Ran(0, b"answer\n")
    finally:
        for fd in taken:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

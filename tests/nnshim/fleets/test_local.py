"""Fleets of processes on this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from multiprocessing import active_children, current_process
from pathlib import Path
from typing import Any

import pytest

import nnshim
from nnshim import GuestInput, RunOptions
from rewriter.errors import UsageError
from tests.support.fleets import GUEST, Fleets
from tests.support.processes import ends, started
from tests.support.wasm import assemble


class TestProcesses(Fleets):
    """What holds for every kind of worker."""

    workers = 2


def test_a_process_that_is_killed_costs_no_input() -> None:
    found = []
    for result in nnshim.map(assemble(GUEST), [b"%d" % n for n in range(200)], workers=2):
        assert result.error is None
        found.append(result.number)
        if len(found) in (20, 100):
            pid = active_children()[0].pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
    assert sorted(found) == list(range(200))


def test_the_processes_end_with_an_iterator_that_is_closed_early() -> None:
    results = nnshim.map(assemble(GUEST), [b"one", *[b"@"] * 10], workers=2)
    assert next(results).number == 0
    pids = [process.pid for process in active_children()]
    assert len(pids) == 2
    results.close()
    assert all(pid is not None and ends(pid) for pid in pids)


def test_no_process_is_started_before_the_first_result_is_wanted() -> None:
    results = nnshim.map(assemble(GUEST), [b"one"], workers=2)
    assert active_children() == []
    results.close()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("text", "input 1 is of type str: expected GuestInput or bytes"),
        ((b"", []), "input 1 is of type tuple: expected GuestInput or bytes"),
        (GuestInput("path"), "stdin of input 1 is of type str: expected bytes"),  # type: ignore[arg-type]  # the test
        (GuestInput(args="ab"), "args of input 1 is of type str: expected a sequence of str"),
        (GuestInput(args=[1]), "an argument of input 1 is of type int: expected str"),  # type: ignore[list-item]  # the test
        (GuestInput(args=iter("ab")), "args of input 1 is of type str"),  # type: ignore[arg-type]  # the test
    ],
)
def test_what_is_not_an_input_is_refused_when_it_is_taken(given: Any, said: str) -> None:
    results = nnshim.map(assemble(GUEST), [b"one", given], workers=2)
    with pytest.raises(UsageError, match=said):
        list(results)
    assert active_children() == []


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ({"limits": 3}, "limits cannot be of type int: expected Limits"),
        ({"limits": None}, "limits cannot be of type NoneType: expected Limits"),
        ({"graphs": 5}, "graphs: expected a sequence of NamedGraph, .* of type int"),
        ({"graphs": ["same"]}, "graphs: expected a sequence of NamedGraph, .* of type str"),
        ({"devices": "cuda"}, "devices cannot be of type str: expected a mapping"),
        ({"devices": {"onnx": 5}}, "devices: expected .* of type int"),
        ({"model_cache": 5}, "model_cache cannot be of type int: expected a folder's path"),
        ({"isolate": "x"}, "isolate cannot be of type str: expected True or False"),
        ({"threads": "x"}, "threads cannot be 'x': expected a whole number"),
    ],
)
def test_what_no_host_can_be_made_from_is_refused_before_a_worker_starts(
    host: Any, said: str
) -> None:
    results = nnshim.map(assemble(GUEST), [b"one"], **host)
    with started() as new, pytest.raises(UsageError, match=said):
        next(results)
    assert new == []


def test_options_of_another_type_are_told_at_the_first_step() -> None:
    with pytest.raises(TypeError, match="options cannot be of type dict: expected RunOptions"):
        next(nnshim.map(assemble(GUEST), [b"one"], options={}))  # type: ignore[arg-type]  # the test


@pytest.mark.parametrize("closes", [False, True])
def test_a_process_that_is_forked_meanwhile_ends_no_worker(tmp_path: Path, closes: bool) -> None:
    """Neither when it closes the iterator, nor when it ends as Python does."""
    (tmp_path / "program.py").write_text(FORKS.replace("CLOSE", "results.close()" * closes or "0"))
    done = program(tmp_path, sys.executable, "program.py", "guest.wasm")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "[None]\n" * 20


FORKS = """import os, sys, nnshim
if __name__ == "__main__":
    guest = open(sys.argv[1], "rb").read()
    results = nnshim.map(guest, [b"one"] * 20, workers=2, chunksize=1)
    for result in results:
        print([result.error], flush=True)
        child = os.fork()
        if child == 0:
            CLOSE
            sys.exit(0)
        assert os.waitpid(child, 0)[1] == 0
"""


def test_arguments_are_those_that_an_input_had_when_it_was_taken() -> None:
    def inputs() -> Iterator[GuestInput]:
        args = [""]
        for number in range(40):
            args[0] = f"fiv{number:02}"
            yield GuestInput(b"$", args)

    options = RunOptions(argv=["guest"])
    found = {
        result.number: result.outcome and result.outcome.stdout
        for result in nnshim.map(assemble(GUEST), inputs(), workers=1, options=options)
    }
    assert found == {number: b"fiv%02d" % number for number in range(40)}


UNGUARDED = """import sys, nnshim
for result in nnshim.map(open(sys.argv[1], "rb").read(), [b"one"], workers=2):
    print(result.outcome.stdout)
"""


LARGE = b"\0\x85\x80\x40\4rest" + bytes(1 << 20)
"""A custom section, with which a module does not fit into a pipe."""


@pytest.mark.parametrize(
    ("is_file", "said"),
    [
        (True, 'put the code that starts it under `if __name__ == "__main__":`'),
        (False, "<stdin> is not a file: save the program as a file"),
    ],
)
def test_a_program_that_processes_cannot_import_is_told_what_to_do(
    tmp_path: Path, is_file: bool, said: str
) -> None:
    (tmp_path / "guest.wasm").write_bytes(assemble(GUEST) + LARGE)
    (tmp_path / "program.py").write_text(UNGUARDED)
    done = subprocess.run(
        [sys.executable, "program.py" if is_file else "-", "guest.wasm"],
        cwd=tmp_path,
        input=None if is_file else UNGUARDED,
        text=True,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    last = done.stderr.splitlines()[-1]
    assert last.startswith("rewriter.errors.UsageError: ")
    assert said in last
    assert done.stderr.count("Traceback") == 1


def program(folder: Path, *command: str, source: str = "") -> subprocess.CompletedProcess[str]:
    (folder / "guest.wasm").write_bytes(assemble(GUEST))
    return subprocess.run(
        command, cwd=folder, input=source, text=True, capture_output=True, check=False
    )


def test_a_program_on_the_command_line_needs_no_guard(tmp_path: Path) -> None:
    done = program(tmp_path, sys.executable, "-c", UNGUARDED, "guest.wasm")
    assert (done.returncode, done.stdout) == (0, "b'one'\n"), done.stderr


def test_a_session_that_is_interactive_needs_no_guard(tmp_path: Path) -> None:
    source = f"{UNGUARDED}\n"
    done = program(tmp_path, sys.executable, "-i", "-", "guest.wasm", source=source)
    assert "b'one'\n" in done.stdout, done.stderr


def test_a_module_that_is_run_needs_the_guard(tmp_path: Path) -> None:
    (tmp_path / "without.py").write_text(UNGUARDED)
    guarded = UNGUARDED.replace("for result", 'if __name__ == "__main__":\n  for result')
    (tmp_path / "guarded.py").write_text(guarded.replace("    print", "      print"))
    done = program(tmp_path, sys.executable, "-m", "guarded", "guest.wasm")
    assert (done.returncode, done.stdout) == (0, "b'one'\n"), done.stderr
    done = program(tmp_path, sys.executable, "-m", "without", "guest.wasm")
    assert done.returncode == 1
    assert 'put the code that starts it under `if __name__ == "__main__":`' in done.stderr


def test_a_program_from_a_pipe_is_told_to_be_saved(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(UNGUARDED)
    command = f'"{sys.executable}" <(cat program.py) guest.wasm'
    done = program(tmp_path, "bash", "-c", command)
    assert done.returncode == 1
    assert "is not a file: save the program as a file" in done.stderr.splitlines()[-1]


def test_an_argument_that_nobody_has_is_refused_before_a_worker_starts() -> None:
    with pytest.raises(TypeError, match=r"map\(\) has no argument 'devcies'"):
        next(nnshim.map(assemble(GUEST), [b""], devcies={}))  # type: ignore[call-arg]  # the test


def test_where_processes_cannot_start_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    with monkeypatch.context() as changed:
        changed.chdir(gone)
        gone.rmdir()
        with pytest.raises(UsageError, match="the current folder was removed"):
            next(nnshim.map(assemble(GUEST), [b"one"], workers=1))
    config: dict[str, Any] = vars(current_process())["_config"]
    monkeypatch.setitem(config, "daemon", True)
    with pytest.raises(UsageError, match="may not start others, because it is a daemonic one"):
        next(nnshim.map(assemble(GUEST), [b"one"], workers=1))

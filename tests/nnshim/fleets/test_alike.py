"""Many inputs of nnshim map that fail in the same way: a few are told, and all are in JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from nnshim.fleets.files.alike import Ways
from nnshim.render.values import Done
from rewriter.errors import InputError, NNShimError
from tests.support.command import nnshim
from tests.support.fleets import GUEST
from tests.support.wasm import assemble

SAYS = """(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\08\\00\\00\\00\\08\\00\\00\\00no image")
  (func (export "_start")
    (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 32))) unreachable))"""


def run(folder: Path, guest: str, inputs: str, *options: str) -> subprocess.CompletedProcess[bytes]:
    (folder / "guest.wasm").write_bytes(assemble(guest))
    (folder / "in.txt").write_text(inputs)
    command = ("map", folder / "guest.wasm", "--inputs", folder / "in.txt", "-o", folder / "out")
    return nnshim(*command, "--workers", "2", *options)


def test_many_that_fail_in_the_same_way_are_counted(tmp_path: Path) -> None:
    done = run(tmp_path, SAYS, "line\n" * 1000)
    assert done.returncode == 1
    told = done.stderr.decode().splitlines()
    assert sum(line.endswith(": no image") for line in told) == 3
    assert sum(": error: " in line for line in told) == 3
    (counted,) = (line for line in told if line.startswith("nnshim: ... and "))
    assert "... and 997 more inputs failed in the same way as 0" in counted
    assert counted.endswith(": wasm trap: wasm `unreachable` instruction executed")
    assert told[-2:] == [
        "nnshim: to list all of them, run the command again with --json, which retries them",
        "nnshim: 1000 inputs: 1000 failed",
    ]


def test_json_has_all_of_them(tmp_path: Path) -> None:
    done = run(tmp_path, SAYS, "line\n" * 50, "--json")
    failures = json.loads(done.stdout)["failures"]
    assert {each["input"] for each in failures} == {f"{number:08}" for number in range(1, 51)}
    assert {each["stderr"] for each in failures} == {"no image"}
    assert all("unreachable" in each["message"] for each in failures)
    assert b"... and 47 more inputs failed" in done.stderr
    assert b"with --json" not in done.stderr


def test_each_way_to_fail_is_counted_by_itself(tmp_path: Path) -> None:
    done = run(tmp_path, GUEST, "one\n" + "#\n" * 5 + "!\n" * 4 + "#!\n" * 3)
    told = done.stderr.decode()
    assert told.count("the guest exited with code 3\n") == 4  # three inputs, and the count
    assert "... and 5 more inputs failed in the same way" in told
    assert "... and 1 more input failed in the same way" in told
    assert told.endswith("nnshim: 13 inputs: 1 written, 12 failed\n")


def test_what_was_counted_is_said_when_the_job_ends_early(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    inputs = "#\n" * 50 + "+\n"
    (tmp_path / "guest.wasm").write_bytes(assemble(GUEST))
    (tmp_path / "in.txt").write_text(inputs)
    command = 'ulimit -f 1000; exec "$0" -m nnshim map guest.wasm --inputs in.txt -o out'
    done = subprocess.run(
        ["/bin/sh", "-c", f"{command} --workers 1", sys.executable],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert b"... and 47 more inputs failed" in done.stderr
    assert b"error[NN002]" in done.stderr


def told(*failures: tuple[str, bytes, NNShimError]) -> list[bool]:
    ways = Ways()
    return [ways.is_told(Done(name, stderr=said), error) for name, said, error in failures]


def test_a_guest_may_name_its_input() -> None:
    error = NNShimError("the guest exited with code 2")
    names = [f"{number}.pgm" for number in range(5)]
    said = [(name, f"in/{name}: too small".encode(), error) for name in names]
    assert told(*said) == [True, True, True, False, False]


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (b"too small", NNShimError("the guest exited with code 3")),
        (b"too large", NNShimError("the guest exited with code 2")),
        (b"too small", InputError("the guest exited with code 2")),
    ],
    ids=["error", "stderr", "code"],
)
def test_another_reason_is_another_way(said: bytes, error: NNShimError) -> None:
    same = NNShimError("the guest exited with code 2")
    four = [(str(number), b"too small", same) for number in range(4)]
    assert told(*four, ("4", said, error)) == [True, True, True, False, True]


def test_an_exit_code_is_not_taken_for_the_name_of_an_input() -> None:
    inputs = [(str(code), b"", NNShimError(f"the guest exited with code {code}")) for code in "123"]
    assert told(*inputs, *inputs) == [True] * 6
    ways = Ways()
    assert [ways.is_told(Done(name), error) for name, _, error in inputs * 2] == [True] * 6
    assert list(ways.counted()) == []


def test_lines_that_are_no_inputs_are_alike_but_for_their_numbers() -> None:
    lines = [
        (f"{number:08}", b"", InputError(f"line {number}: it is not a JSON object"))
        for number in range(1, 6)
    ]
    assert told(*lines) == [True, True, True, False, False]


def test_memory_is_bounded_where_each_fails_in_another_way() -> None:
    ways = Ways()
    for number in range(3000):
        assert ways.is_told(Done(f"{number}"), NNShimError(f"reason {number}"))
    assert [ways.is_told(Done("one"), NNShimError("reason 7")) for _ in range(3)][-1] is False
    assert [ways.is_told(Done("one"), NNShimError("reason 2999")) for _ in range(9)] == [True] * 9

"""A guest for fleets, and what every kind of worker does with it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import nnshim
from nnshim import GuestInput, Limits, RunOptions
from rewriter.errors import ToolError
from tests.support.command import nnshim as command
from tests.support.models import identity
from tests.support.time_limits import with_enough_time
from tests.support.wasm import assemble

__all__ = ["GUEST", "NAMED", "Fleets", "last", "lines", "results", "run"]

GUEST = """(module
  (import "wasi_snapshot_preview1" "fd_read"
    (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 17)
  (data (i32.const 0) "\\00\\01\\00\\00\\00\\00\\10\\00")           ;; a megabyte from 256 on
  (data (i32.const 32) "pipe")
  (func (export "_start")
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 4)))
    (if (i32.eq (i32.load8_u (i32.const 256)) (i32.const 33)) (then unreachable))   ;; !
    (if (i32.eq (i32.load8_u (i32.const 256)) (i32.const 64)) (then (loop (br 0)))) ;; @
    (if (i32.eq (i32.load8_u (i32.const 256)) (i32.const 35))                       ;; #
      (then (call $exit (i32.const 3))))
    (if (i32.eq (i32.load8_u (i32.const 256)) (i32.const 43))                       ;; +
      (then (i32.store (i32.const 4) (i32.const 1048576))))
    (if (i32.eq (i32.load8_u (i32.const 256)) (i32.const 94))                       ;; ^
      (then (i32.store (i32.const 4) (memory.grow (i32.const 1000)))))
    (if (i32.eq (i32.load8_u (i32.const 256)) (i32.const 36))                       ;; $
      (then (drop (call $args (i32.const 64) (i32.const 256)))
        (i32.store (i32.const 0) (i32.load (i32.const 68)))
        (i32.store (i32.const 4) (i32.const 5))))
    (if (i32.eq (i32.load8_u (i32.const 256)) (i32.const 124))                      ;; |
      (then (drop (call $open (i32.const 3) (i32.const 0) (i32.const 32) (i32.const 4)
        (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 64)))))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"""
"""Writes what it reads. Of an input that begins with `!` it traps, with `@` it goes on for ever,
and with `#` it exits with 3. Of `+` it writes a megabyte, of `$` five bytes of its second argument,
and of `^` as many bytes as it had pages before it wanted a thousand more. Of `|` it opens a pipe
that nobody writes to, where it cannot be interrupted."""

NAMED = """(module
  (import "wasi_ephemeral_nn" "load_by_name" (func $load (param i32 i32 i32) (result i32)))
  (import "wasi_ephemeral_nn" "init_execution_context" (func $init (param i32 i32) (result i32)))
  (import "wasi_ephemeral_nn" "set_input" (func $set (param i32 i32 i32) (result i32)))
  (import "wasi_ephemeral_nn" "compute" (func $compute (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "same\\00\\00\\00\\00\\01\\00\\00\\00\\02\\00\\00\\00")  ;; the shape at 8
  (data (i32.const 16) "\\08\\00\\00\\00\\02\\00\\00\\00\\01\\00\\00\\00")
  (data (i32.const 28) "\\30\\00\\00\\00\\08\\00\\00\\00")
  (func (export "_start")
    (if (i32.or (i32.or (call $load (i32.const 0) (i32.const 4) (i32.const 64))
          (call $init (i32.load (i32.const 64)) (i32.const 68)))
        (i32.or (call $set (i32.load (i32.const 68)) (i32.const 0) (i32.const 16))
          (call $compute (i32.load (i32.const 68)))))
      (then (call $exit (i32.const 9))))))"""
"""Runs the graph `same`, whose input is two floats, once."""


def lines(folder: Path, count: int) -> Path:
    path = folder / "lines.txt"
    path.write_text("".join(f"line {number}\n" for number in range(count)))
    return path


class Fleets:
    """Subclasses say which `workers` there are."""

    workers: int | str = 2

    def test_each_input_has_one_result_and_its_own(self) -> None:
        inputs = [b"input %d" % number for number in range(150)]
        found = {}
        for result in nnshim.map(assemble(GUEST), inputs, workers=self.workers):
            assert result.error is None
            assert result.number not in found
            assert result.outcome is not None
            found[result.number] = result.outcome.stdout
            assert result.input == GuestInput(inputs[result.number])
        assert [found[number] for number in range(150)] == inputs

    def test_arguments_of_an_input_follow_those_of_all(self) -> None:
        inputs = [GuestInput(b"$", [f"five{number}"]) for number in range(3)]
        results = nnshim.map(
            assemble(GUEST), inputs, workers=self.workers, options=RunOptions(argv=["guest"])
        )
        written = {result.number: result.outcome and result.outcome.stdout for result in results}
        assert written == {0: b"five0", 1: b"five1", 2: b"five2"}

    def test_a_guest_that_fails_fails_alone(self) -> None:
        def check(timeout: float) -> None:
            limits = Limits(timeout=timeout, output=1000)
            inputs = [b"one", b"!", b"#", b"@", b"+", b"two"]
            results = nnshim.map(assemble(GUEST), inputs, workers=self.workers, limits=limits)
            errors = {result.number: result.error for result in results}
            assert [type(errors[number]) for number in range(6)] == [
                *(type(None), nnshim.GuestTrap, nnshim.GuestExit),
                *(nnshim.GuestTimeout, nnshim.GuestTrap, type(None)),
            ]
            assert "unreachable" in str(errors[1])
            assert "exited with code 3" in str(errors[2])
            assert f"ran for longer than {timeout:g} s" in str(errors[3])
            assert "exceeds the limit output of 1000 bytes" in str(errors[4])

        with_enough_time(check)

    def test_fuel_is_for_each_run(self) -> None:
        limits = Limits(fuel=10_000)
        results = nnshim.map(
            assemble(GUEST), [b"@", b"@", b"one"], workers=self.workers, limits=limits
        )
        errors = {result.number: result.error for result in results}
        assert errors.pop(2) is None
        assert all("all fuel consumed" in str(error) for error in errors.values())

    @pytest.mark.parametrize(("memory", "written"), [(4 << 30, 17), (2 << 20, 0)])
    def test_a_guest_has_no_more_memory_than_in_a_run(self, memory: int, written: int) -> None:
        limits = Limits(memory=memory)
        (result,) = nnshim.map(assemble(GUEST), [b"^"], workers=self.workers, limits=limits)
        assert result.outcome is not None
        assert len(result.outcome.stdout or b"") == written

    def test_what_is_about_all_inputs_is_raised(self) -> None:
        module = assemble('(module (import "env" "lacking" (func)) (func (export "_start")))')
        with pytest.raises(nnshim.LinkError, match="lacking"):
            next(iter(nnshim.map(module, [b"one", b"two"], workers=self.workers)))

    def test_no_input_is_taken_long_before_a_worker_is_free(self) -> None:
        taken = 0

        def inputs() -> Iterator[bytes]:
            nonlocal taken
            for taken in range(1_000_000):  # noqa: B007 - seen outside
                yield b"one"

        results = nnshim.map(assemble(GUEST), inputs(), workers=self.workers)
        for count, _ in zip(range(300), results, strict=False):
            assert taken <= count + 3 * 64 * 2
        results.close()

    def test_an_input_that_ends_each_worker_is_given_up(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")

        def check(timeout: float) -> None:
            results = nnshim.map(
                assemble(GUEST),
                [b"one", b"|", b"three"],
                workers=self.workers,
                options=RunOptions(dirs={"/": tmp_path}),
                limits=Limits(timeout=timeout),
            )
            errors = {result.number: result.error for result in results}
            assert errors[0] is errors[2] is None
            assert isinstance(errors[1], ToolError | nnshim.GuestTimeout)

        with_enough_time(check)

    def test_a_graph_is_loaded_once_a_worker(self, tmp_path: Path) -> None:
        (tmp_path / "named.wasm").write_bytes(assemble(NAMED))
        (tmp_path / "same.onnx").write_bytes(identity(dims=(1, 2)))
        done = command(
            *("map", tmp_path / "named.wasm", "--inputs", lines(tmp_path, 40)),
            *("-o", tmp_path / "out", "--workers", str(self.workers)),
            *("--nn-preload", f"same:onnx:cpu:{tmp_path / 'same.onnx'}"),
            *("--stats-json", tmp_path / "stats.json"),
        )
        assert done.returncode == 0, done.stderr
        (row,) = json.loads((tmp_path / "stats.json").read_text())
        assert (row["name"], row["inferences"]) == ("same", 40)
        assert 1 <= row["loads"] <= 2


def run(guest: Path, inputs: Path, *options: str | Path) -> subprocess.CompletedProcess[bytes]:
    """nnshim map with one worker; results go to `out` beside the guest."""
    return command(
        "map", guest, "--inputs", inputs, "-o", guest.parent / "out", "--workers", "1", *options
    )


def results(guest: Path) -> dict[str, bytes]:
    """What is in `out` beside a guest, by its path there."""
    out = guest.parent / "out"
    files = (path for path in out.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {str(path.relative_to(out)): path.read_bytes() for path in files}


def last(done: subprocess.CompletedProcess[bytes]) -> bytes:
    """The last line on standard error."""
    return done.stderr.splitlines()[-1]

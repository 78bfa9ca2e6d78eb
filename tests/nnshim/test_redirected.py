"""The command where its standard streams are closed, or full."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import nnshim
from tests.support.models import identity
from tests.support.wasm import assemble, import_module

USES_STREAMS = assemble("""(module
  (import "wasi_nn" "load_by_name" (func $load (param i32 i32 i32) (result i32)))
  (import "wasi_nn" "init_execution_context" (func $init (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "x.onnx") (data (i32.const 32) "\\40\\00\\00\\00\\05\\00\\00\\00")
  (func (export "_start")
    (if (call $load (i32.const 16) (i32.const 6) (i32.const 0)) (then (call $exit (i32.const 50))))
    (drop (call $read (i32.const 0) (i32.const 32) (i32.const 1) (i32.const 8)))
    (drop (call $write (i32.const 1) (i32.const 32) (i32.const 1) (i32.const 8)))
    (drop (call $write (i32.const 2) (i32.const 32) (i32.const 1) (i32.const 8)))
    (call $exit (i32.add (i32.const 70)
      (call $init (i32.load (i32.const 0)) (i32.const 4))))))""")
"""Exits with 70 where the model can be used after the guest has used its standard streams."""

CLOSED = ("<&-", ">&-", "2>&-", "<&- >&-", "<&- 2>&-", ">&- 2>&-", "<&- >&- 2>&-")


@pytest.mark.parametrize("closed", CLOSED)
def test_a_closed_stream_of_the_guest_is_not_a_connection_to_its_models(
    tmp_path: Path, closed: str
) -> None:
    (tmp_path / "x.onnx").write_bytes(identity())
    (tmp_path / "guest.wasm").write_bytes(USES_STREAMS)
    options = "--isolate", "--graph-files", tmp_path
    done = nnshim("run", *options, tmp_path / "guest.wasm", redirected=closed)
    assert done.returncode == 70, done.stderr


EMBEDS = """
import os, sys
from pathlib import Path
from rewriter.abi.dialects import Encoding, Target
from runtime_shim import NNHost, run
host, model = NNHost(isolate=True), Path(sys.argv[2]).read_bytes()
os.closerange(0, 3)
if sys.argv[1] == "run":
    run(b"\\0asm\\1\\0\\0\\0", host)
else:
    host.load([model], Encoding.ONNX, Target.CPU)
null = os.stat(os.devnull)
os._exit(70 if all(os.path.samestat(os.fstat(fd), null) for fd in range(3)) else 1)
"""


@pytest.mark.parametrize("used", ["load", "run"])
def test_nothing_that_a_program_opens_gets_the_number_of_a_stream_that_it_has_closed(
    tmp_path: Path, used: str
) -> None:
    (tmp_path / "x.onnx").write_bytes(identity())
    command = [sys.executable, "-c", EMBEDS, used, str(tmp_path / "x.onnx")]
    assert subprocess.run(command, check=False).returncode == 70


@pytest.fixture
def guest(tmp_path: Path) -> Path:
    """A guest that exits with 7, and has a function `five`."""
    path = tmp_path / "guest.wasm"
    path.write_bytes(
        assemble("""(module
          (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          (memory (export "memory") 1)
          (func (export "_start") (call $exit (i32.const 7)))
          (func (export "trap") unreachable)
          (func (export "forever") (loop $again (br $again)))
          (func (export "five") (result i32) (i32.const 5)))""")
    )
    return path


@pytest.mark.parametrize("stream", [">&-", ">/dev/full"])
@pytest.mark.parametrize(
    "command",
    [
        *("--help", "--version", "explain", "inspect M", "inspect --json M", "verify M M"),
        *("check --for wasmtime M", "rewrite M -", "run --invoke five M"),
    ],
)
def test_a_result_that_cannot_be_written_is_an_error_and_of_check_no_verdict(
    guest: Path, command: str, stream: str
) -> None:
    words = [str(guest) if word == "M" else word for word in command.split()]
    done = nnshim(*words, redirected=stream)
    assert done.returncode == (6 if words[0] == "check" else 1)
    why = {">&-": "Bad file descriptor", ">/dev/full": "No space left on device"}[stream]
    assert done.stderr.decode().splitlines()[-1].endswith(f"standard output: {why}")
    assert done.stderr.count(b"\n") == 1


def test_a_path_to_a_closed_output_is_not_written_to_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "in.wasm"
    path.write_bytes(import_module("wasi_nn"))
    for number, output in enumerate(("/dev/stdout", "/dev/stderr"), 1):
        assert nnshim("rewrite", path, output, redirected=f"{number}>&-").returncode == 1


@pytest.mark.parametrize("stream", [">&-", "2>&-", ">/dev/full", "2>/dev/full", ">&- 2>&-"])
def test_a_guests_own_end_counts_where_remarks_cannot_be_written(guest: Path, stream: str) -> None:
    assert nnshim("run", "--stats", guest, redirected=stream).returncode == 7
    assert nnshim("run", "--invoke", "trap", guest, redirected=stream).returncode == 134
    late = "run", "--timeout", "0.1", "--invoke", "forever", guest
    assert nnshim(*late, redirected=stream).returncode == 124

"""How a guest that does not end is stopped: by Ctrl-C, and by --timeout."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import nnshim
from tests.support.processes import PATIENCE
from tests.support.tensorflow_models import frozen, node, placeholder
from tests.support.wasm import assemble


def test_ctrl_c_stops_a_guest_that_loops(tmp_path: Path) -> None:
    path = tmp_path / "loop.wat"
    path.write_text(
        """(module
          (import "wasi_snapshot_preview1" "fd_write"
            (func $write (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 1) (data (i32.const 0) "\\08\\00\\00\\00\\03\\00\\00\\00go\\n")
          (func (export "_start")
            (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))
            (loop (br 0))))"""
    )
    with subprocess.Popen(
        [sys.executable, "-m", "nnshim", "run", str(path)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == b"go\n"
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=PATIENCE) == -signal.SIGINT
        finally:
            process.kill()


WAITS = """(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")  ;; a subscription to the clock, of an hour
    (i32.store (i32.const 16) (i32.const 1))
    (i64.store (i32.const 24) (i64.const 3600000000000))
    (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))))"""


@pytest.mark.parametrize("text", ['(module (func (export "_start") (loop (br 0))))', WAITS])
def test_a_guest_whose_time_is_over_is_stopped_with_124(tmp_path: Path, text: str) -> None:
    guest = tmp_path / "guest.wasm"
    guest.write_bytes(assemble(text))
    done = nnshim("run", "--timeout", "0.2", guest)
    assert done.returncode == 124
    assert b"longer than 0.2 s" in done.stderr


def test_time_is_over_while_the_module_is_read_too() -> None:
    command = [sys.executable, "-m", "nnshim", "run", "--timeout", "0.2", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.wait(timeout=PATIENCE) == 124
        assert b"longer than 0.2 s" in (process.stderr or io.BytesIO()).read()


@pytest.mark.parametrize("isolate", [[], ["--isolate"]], ids=["here", "isolated"])
def test_a_load_that_does_not_return_is_stopped_with_124(
    tmp_path: Path, isolate: list[str]
) -> None:
    names = [f"n{number}" for number in range(10_000)]
    chain = [node(*each) for each in zip(names[1:], ["Relu"] * 9_999, zip(names), strict=False)]
    model = frozen(placeholder("n0", (1,)), *chain)
    text = "".join(f"\\{byte:02x}" for byte in model)
    guest = tmp_path / "guest.wasm"
    guest.write_bytes(
        assemble(f"""(module
  (import "wasi_ephemeral_nn" "load" (func $load (param i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 16) (data (i32.const 1024) "{text}")
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 1024))
    (i32.store (i32.const 4) (i32.const {len(model)}))
    (drop (call $load (i32.const 0) (i32.const 1) (i32.const 2) (i32.const 0) (i32.const 8)))))""")
    )
    done = nnshim("run", "--timeout", "1", *isolate, guest)
    assert done.returncode == 124
    assert b"longer than 1 s" in done.stderr


def test_an_nn_runtime_that_lets_nothing_else_run_is_stopped_by_a_signal() -> None:
    code = """
import ctypes
from nnshim.commands.run import _stop_after
_stop_after(0.1)
ctypes.PyDLL(None).sleep(3600)  # which keeps the interpreter's lock
"""
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == -signal.SIGALRM

"""Where a guest begins, judged by the native Wasmtime."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.native import NativeWasmtime
from tests.support.wasm import assemble

HEAD = """
  (import "wasi_ephemeral_nn" "compute" (func $compute (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func $say (param i32)
    (i32.store8 (i32.const 64) (local.get 0))
    (i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 1))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
  (func $begin (drop (call $compute (i32.const 7))) (call $say (i32.const 98)))
"""
"""$say prints a character; $begin prints b."""

START = '(func (export "_start") (call $say (i32.const 115)))'
EMPTY = '(func (export "") (call $say (i32.const 101)))'
INITIALIZE = '(func (export "_initialize") (call $say (i32.const 105)))'

GUESTS = {
    "works in its start section": "(start $begin)",
    "does nothing": "",
    "has an empty name": EMPTY,
    "has _start": START,
    "has both": START + EMPTY,
    "has both, and a start section": f"(start $begin) {START} {EMPTY}",
    "has _initialize only": INITIALIZE,
    "has _initialize and _start": INITIALIZE + START,
    "has _initialize, an empty name and a start section": f"{INITIALIZE} {EMPTY} (start $begin)",
    "has an empty name that is no function": '(global (export "") i32 (i32.const 1))' + START,
    "has a _start that is no function": '(global (export "_start") i32 (i32.const 1))',
    "has an _initialize that is no function": f"""(global (export "_initialize") i32 (i32.const 1))
        {START}""",
    "exits in its start section": f"(func $e (call $exit (i32.const 3))) (start $e) {START}",
    "exits from the empty name": '(func (export "") (call $exit (i32.const 5)))',
    "exits from _initialize": f'(func (export "_initialize") (call $exit (i32.const 6))) {START}',
    "traps in its start section": f"(func $t unreachable) (start $t) {START}",
    "traps in _initialize": f'(func (export "_initialize") unreachable) {START}',
}


@pytest.mark.parametrize("name", GUESTS)
def test_a_guest_begins_where_wasmtime_begins(
    native: NativeWasmtime, tmp_path: Path, name: str
) -> None:
    guest = tmp_path / "guest.wasm"
    guest.write_bytes(assemble(f"(module {HEAD} {GUESTS[name]})"))
    theirs = native.run(guest)
    ours = subprocess.run(
        [sys.executable, "-m", "nnshim", "run", guest], capture_output=True, text=True
    )
    assert (ours.returncode, ours.stdout) == (theirs.returncode, theirs.stdout)

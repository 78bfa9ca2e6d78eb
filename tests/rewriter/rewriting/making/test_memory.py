"""The memory that a component's adapters get from the core module."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from rewriter import RewriteOptions, rewrite
from rewriter.analysis.components.described import describe_component
from rewriter.codes import Severity
from rewriter.components.component import Component
from rewriter.hosts.table import find_hosts
from rewriter.rewriting.flattening.on_host import assess_component
from rewriter.rewriting.making.differences import conditions_of
from rewriter.rewriting.pipeline import rewrite_file
from tests.rewriter.rewriting.making.guests import COMPUTE, MEMORY, START
from tests.support.native import NativeWasmtime
from tests.support.wasm import assemble, custom

CONTIGUOUS = """
  (import "wasi_ephemeral_nn" "load_by_name" (func $load (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\\20\\00\\00\\00\\05\\00\\00\\00")
  (data (i32.const 32) "right")
  (func (export "_start")
    (drop (call $args (i32.const 64) (i32.const 68)))
    (drop (call $load (i32.const 32) (i32.const 5) (i32.const 64)))
    (drop (memory.grow (i32.const 64)))
    (memory.fill (i32.const 65536) (i32.const 0xee) (i32.const 0x400000))
    (if (call $load (i32.const 32) (i32.const 5) (i32.const 64)) (then
      (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 64))))))
"""
"""A guest that takes the 64 pages after its own for those that it has got, as Go does."""


GO = custom("go:buildid", b"x")


@pytest.mark.parametrize("limits", ["1", "1 200"])
@pytest.mark.parametrize("about", [b"", GO, custom("producers", b"Go cmd/compile")])
def test_a_guest_does_not_get_the_pages_of_adapters(
    limits: str, about: bytes, native: NativeWasmtime, tmp_path: Path
) -> None:
    core = assemble(f"(module {CONTIGUOUS})".replace('"memory") 1', f'"memory") {limits}')) + about
    source, out = tmp_path / "in.wasm", tmp_path / "out.wasm"
    source.write_bytes(core)
    options = RewriteOptions(to="wasi:nn", validate=False)
    result = rewrite_file(str(source), str(out), options)
    assert native.run(out).stdout == "right"
    assert ("NN360" in [note.code for note in result.notes]) is bool(about)
    assert core_of_file(out) == core


@pytest.mark.parametrize(("about", "runs"), [(b"", True), (GO, False)])
def test_a_host_that_limits_memory_stops_go_only(
    about: bytes, runs: bool, native: NativeWasmtime, tmp_path: Path
) -> None:
    source, out = tmp_path / "in.wasm", tmp_path / "out.wasm"
    source.write_bytes(assemble(f"(module {COMPUTE} {MEMORY} {START})") + about)
    rewrite_file(str(source), str(out), RewriteOptions(to="wasi:nn", validate=False))
    command = [*native.prefix(), "-W", f"max-memory-size={1 << 26}", out.name]
    ran = subprocess.run(command, cwd=tmp_path, env=native.env, capture_output=True, check=False)
    assert (ran.returncode == 0) is runs


def core_of_file(path: Path) -> bytes:
    return rewrite(path.read_bytes(), RewriteOptions(to="wasi_ephemeral_nn", validate=False))


@pytest.mark.parametrize(
    ("producer", "is_known"),
    [
        ("clang", True),
        ("rustc", True),
        ("TinyGo clang", False),
        ("", False),
    ],
)
def test_a_guest_of_an_unknown_compiler_gets_a_word_about_its_allocator(
    producer: str, is_known: bool, tmp_path: Path
) -> None:
    source, out = tmp_path / "in.wasm", tmp_path / "out.wasm"
    about = custom("producers", producer.encode()) if producer else b""
    source.write_bytes(assemble(f"(module {MEMORY} {START})") + about)
    result = rewrite_file(str(source), str(out), RewriteOptions(to="wasi:nn", validate=False))
    assert ("NN359" in [note.code for note in result.notes]) is not is_known


STREAMING = """
  (import "wasi_ephemeral_nn" "compute_single" (func (param i32) (result i32)))
  (import "wasi_ephemeral_nn" "load_by_name_with_config"
    (func (param i32 i32 i32 i32 i32) (result i32)))"""


@pytest.mark.parametrize("about", [b"", GO, custom("producers", b"clang")])
@pytest.mark.parametrize("imports", ["", STREAMING])
def test_a_check_of_the_component_counts_the_conditions_of_making_it(
    imports: str, about: bytes, tmp_path: Path
) -> None:
    source, out = tmp_path / "in.wasm", tmp_path / "out.wasm"
    source.write_bytes(assemble(f"(module {imports} {COMPUTE} {MEMORY} {START})") + about)
    result = rewrite_file(str(source), str(out), RewriteOptions(to="wasi:nn", validate=False))
    printed = {note.code for note in result.notes if note.severity is Severity.CONDITION}
    assert ("NN359" in printed, "NN356" in printed) == (about == b"", bool(imports))
    (host,) = find_hosts("wasmtime").rows
    verdict = assess_component(describe_component(out.read_bytes()), host)
    codes = {found.code for found in verdict.conditions}
    assert codes & {"NN301", "NN356", "NN359"} == printed


def test_a_component_of_which_the_program_imports_components_has_no_such_condition() -> None:
    component = assemble("""(component
      (core module (import "wasi:nn/graph@0.2.0-rc-2024-10-28" "load" (func))))""")
    assert conditions_of(Component(component)) == ()

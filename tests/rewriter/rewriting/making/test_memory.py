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
    assert "NN360" in [note.code for note in result.notes]
    assert core_of_file(out) == core


READS = """
  (import "wasi_ephemeral_nn" "compute" (func (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 32) "file")
  (func (export "_start") (local $heap i32)
    (if (call $open (i32.const 3) (i32.const 0) (i32.const 32) (i32.const 4) (i32.const 0)
        (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 8)) (then (unreachable)))
    (local.set $heap (i32.const 65536))
    (loop $more
      (i32.store (i32.const 16) (local.get $heap))
      (i32.store (i32.const 20) (i32.sub
        (i32.mul (memory.size) (i32.const 65536)) (local.get $heap)))
      (if (call $read (i32.load (i32.const 8)) (i32.const 16) (i32.const 1) (i32.const 24))
        (then (unreachable)))
      (local.set $heap (i32.add (local.get $heap) (i32.load (i32.const 24))))
      (br_if $more (i32.load (i32.const 24))))
    (i32.store (i32.const 16) (i32.const 65536))
    (i32.store (i32.const 20) (i32.sub (local.get $heap) (i32.const 65536)))
    (loop $more
      (if (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 24))
        (then (unreachable)))
      (i32.store (i32.const 16) (i32.add (i32.load (i32.const 16)) (i32.load (i32.const 24))))
      (i32.store (i32.const 20) (i32.sub (i32.load (i32.const 20)) (i32.load (i32.const 24))))
      (br_if $more (i32.load (i32.const 20)))))
"""
"""A guest that prints a file, which it reads into all memory that is there after its own, as C does
with wasi-libc from before 2023."""


def test_a_guest_whose_heap_is_all_memory_that_is_there_reads_a_file_whole(
    native: NativeWasmtime, tmp_path: Path
) -> None:
    data = "".join(f"{number:06d}\n" for number in range(200_000))
    (tmp_path / "file").write_text(data)
    source, out = tmp_path / "in.wasm", tmp_path / "out.wasm"
    source.write_bytes(assemble(f"(module {READS})"))
    rewrite_file(str(source), str(out), RewriteOptions(to="wasi:nn", validate=False))
    assert native.run(out).stdout == data


SIZE = """
  (import "wasi_ephemeral_nn" "compute" (func (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (call $exit (i32.ge_u (memory.size) (i32.const 32768))))
"""
"""A guest that exits with 0 if all memory that is there is below 2 GiB."""


@pytest.mark.parametrize(("about", "code"), [(b"", 0), (GO, 1)])
def test_the_pages_of_adapters_are_below_2_gib_unless_go_may_grow_into_them(
    about: bytes, code: int, native: NativeWasmtime, tmp_path: Path
) -> None:
    """jco takes addresses above for negative numbers."""
    source, out = tmp_path / "in.wasm", tmp_path / "out.wasm"
    source.write_bytes(assemble(f"(module {SIZE})") + about)
    rewrite_file(str(source), str(out), RewriteOptions(to="wasi:nn", validate=False))
    assert native.run(out).returncode == code


@pytest.mark.parametrize("about", [b"", GO, custom("producers", b"clang")])
def test_a_host_that_gives_less_memory_stops_the_component_at_the_start(
    about: bytes, native: NativeWasmtime, tmp_path: Path
) -> None:
    source, out = tmp_path / "in.wasm", tmp_path / "out.wasm"
    source.write_bytes(assemble(f"(module {COMPUTE} {MEMORY} {START})") + about)
    rewrite_file(str(source), str(out), RewriteOptions(to="wasi:nn", validate=False))
    command = [*native.prefix(), "-W", f"max-memory-size={1 << 26}", out.name]
    ran = subprocess.run(command, cwd=tmp_path, env=native.env, capture_output=True, check=False)
    assert ran.returncode != 0
    assert b"NN360: the host gives the component too little memory" in ran.stderr


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


def test_a_guest_that_limits_its_memory_gets_a_word_about_its_allocator(tmp_path: Path) -> None:
    source, out = tmp_path / "in.wasm", tmp_path / "out.wasm"
    limited = MEMORY.replace("1)", "1 200)")
    source.write_bytes(assemble(f"(module {limited} {START})") + custom("producers", b"clang"))
    result = rewrite_file(str(source), str(out), RewriteOptions(to="wasi:nn", validate=False))
    assert "NN359" in [note.code for note in result.notes]


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

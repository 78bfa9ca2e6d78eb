"""A component with other programs in it than one is not taken for a core module."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from rewriter import RewriteOptions, check, compare, rewrite
from rewriter.analysis.compatibility import Answer
from rewriter.errors import UnsupportedModule
from rewriter.files import wasm_tools
from rewriter.wasm.leb128 import encode_u32
from tests.support.wasm import assemble

CORE = """(module
    (import "wasi_ephemeral_nn" "compute" (func (param i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
    (memory (export "memory") 1)
    (func (export "_start")))"""


def made_with(*modules: str) -> bytes:
    """A component of CORE, with other core modules at its end."""
    made = rewrite(assemble(CORE), RewriteOptions(to="wasi:nn"))
    for text in modules:
        module = assemble(text)
        made += b"\x01" + encode_u32(len(module)) + module
    return made


def taken_out(component: bytes) -> bytes:
    return rewrite(component, RewriteOptions(to="wasi_ephemeral_nn"))


@pytest.mark.parametrize(
    "module",
    [
        '(module (import "a" "load" (func $f)) (start $f))',
        '(module (import "a" "load" (func $f)) (func (export "x") (call $f)))',
        '(module (import "env" "memory" (memory 0)) (data (i32.const 0) "x"))',
        '(module (import "wasi_snapshot_preview1" "fd_write" (func $f)) (func (export "x")))',
    ],
    ids=["start", "function", "data", "imports of WASI"],
)
def test_a_core_module_besides_the_program_is_refused(module: str) -> None:
    with pytest.raises(UnsupportedModule) as refused:
        taken_out(made_with(module))
    assert refused.value.code == "NN342"
    assert made_with(module)[refused.value.offset or 0 :].startswith(b"\0asm")


@pytest.mark.parametrize(
    "module",
    [
        '(module (import "a" "0" (func $f)) (table 1 funcref) (elem (i32.const 0) func $f))',
        """(module (type $t (func (param i32) (result i32))) (table 1 funcref)
            (func (export "0") (type $t) local.get 0 i32.const 0 call_indirect (type $t)))""",
        '(module (func (export "compute") (param i32) (result i32) unreachable))',
    ],
    ids=["table", "functions that pass on", "adapter"],
)
def test_what_is_between_the_program_and_the_host_is_left_out(module: str) -> None:
    assert taken_out(made_with(module)) == assemble(CORE)


LIBRARY = """(module
    (@dylink.0 (mem-info (memory 64 4)))
    (import "env" "memory" (memory 1))
    (import "env" "__memory_base" (global $base i32))
    (func (export "f") (result i32) (i32.load (global.get $base))))"""


def test_a_program_in_libraries_that_share_a_memory_is_refused(tmp_path: Path) -> None:
    """`wasm-tools component link` puts the memory into a core module of its own."""
    (tmp_path / "text.wat").write_text(LIBRARY)
    (tmp_path / "world.wit").write_text("package a:b; world w { export f: func() -> u32; }")
    for arguments in (
        ("embed", "world.wit", "text.wat", "-o", "library.so"),
        ("link", "library.so", "-o", "linked.wasm"),
    ):
        subprocess.run([wasm_tools.find(), "component", *arguments], cwd=tmp_path, check=True)
    linked = (tmp_path / "linked.wasm").read_bytes()
    with pytest.raises(UnsupportedModule, match="besides the program"):
        taken_out(linked)
    [verdict] = check(linked, ["wasmedge"])
    assert verdict.answer is Answer.CANNOT
    with pytest.raises(UnsupportedModule, match="besides the program"):
        compare(linked, assemble('(module (memory (export "memory") 17))'))

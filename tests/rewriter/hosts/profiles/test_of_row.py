"""Each row of the table as a profile: verdicts and rewrites are the same, to the byte."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from rewriter.abi.dialects import DIALECTS, MODULE_NAMES, Encoding, TensorType
from rewriter.analysis.compatibility import assess
from rewriter.analysis.inspect import ModuleInfo, inspect_module
from rewriter.errors import HostMismatch
from rewriter.hosts.host import Backend, Host
from rewriter.hosts.profiles.file import write
from rewriter.hosts.profiles.of_row import from_row
from rewriter.hosts.table import FAMILIES, find_host
from rewriter.models.model import Model, Port
from rewriter.options import RewriteOptions
from rewriter.rewriting.pipeline import rewrite
from tests.support.wasm import assemble

ROOT = Path(__file__).resolve().parents[4]

ROWS = {row.label: row for family in FAMILIES.values() for row in family.rows}


def of_wasi_nn(module: str, abi: str, functions: tuple[str, ...] | None = None) -> bytes:
    """A guest that imports functions of an ABI, all of them if none are named."""
    dialect = DIALECTS[abi]
    imports = " ".join(
        f'(import "{module}" "{name}" (func {dialect.signature(name)}))'
        for name in functions or dialect.functions
    )
    return assemble(f'(module {imports} (memory (export "memory") 1))')


LOAD = f'(import "wasi_ephemeral_nn" "load" (func {DIALECTS["witx"].signature("load")}))'

BESIDE = {
    "WASI": '(import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))',
    "sockets": '(import "wasi_snapshot_preview1" "sock_open" (func (param i32 i32) (result i32)))',
    "what nobody defines": '(import "wasi_snapshot_preview1" "proc_fork" (func))',
    "another type": '(import "wasi_snapshot_preview1" "fd_close" (func (param i64)))',
    "a C library": '(import "env" "abort" (func (param i32)))',
    "a plugin": '(import "wasmedge_tensorflow" "f" (func))',
    "an imported memory": '(import "env" "other" (memory 1))',
    "an imported table": '(import "x" "table" (table 1 funcref))',
    "_initialize": '(func (export "_initialize") (param i32))',
    "_start": '(func (export "_start") (param i32))',
    "_start with a result": '(func (export "_start") (result i32) unreachable)',
    "main": '(func (export "main") (param i32 i32) (result i32) unreachable)',
    "two beginnings": '(func (export "_start")) (func (export "_initialize"))',
    "an imported beginning": '(import "env" "f" (func $f)) (export "_start" (func $f))',
    "vectors": "(func (param v128))",
    "a memory of all pages": '(memory (export "memory") 65536)',
    "a 64-bit memory": "(memory i64 1)",
    "a shared memory": "(memory 1 1 shared)",
    "garbage collection types": "(type (struct (field i32)))",
}


class Guest(NamedTuple):
    """`told` is the ABI that is said to be the guest's; None where nobody says."""

    module: bytes
    info: ModuleInfo
    told: str | None


def guest(module: bytes, told: str | None = None) -> Guest:
    return Guest(module, inspect_module(module, told), told)


@functools.cache
def guests() -> Mapping[str, Guest]:
    found = {
        "sample": guest((ROOT / "samples/digits.wasm").read_bytes()),
        "named": guest(assemble((ROOT / "samples/digits_by_name.wat").read_text())),
        "no wasi-nn": guest(assemble("(module)")),
        "no memory": guest(assemble(f"(module {LOAD})")),
    }
    for abi, dialect in DIALECTS.items():
        names = MODULE_NAMES if abi in ("witx", "wamr", "wasmedge") else (dialect.layout.module,)
        found |= {f"{abi} as {name}": guest(of_wasi_nn(name, abi), abi) for name in names}
    common = ("load", "set_input", "get_output", "compute")
    for abi in ("witx", "wamr"):
        found[f"untold {abi}"] = guest(of_wasi_nn("wasi_nn", abi, common))
    for what, text in BESIDE.items():
        end = "" if "memory" in text else '(memory (export "memory") 1)'
        imports, rest = (f"{LOAD} {text}", end) if "import" in text else (LOAD, f"{text} {end}")
        found[what] = guest(assemble(f"(module {imports} {rest})"))
    return found


F32, U8, FREE = (
    Port("x", "f32", (1, 3, 2, 2)),
    Port("x", "u8", (1, 4), quantised=True),
    Port("x", "f32", (None, 4), (1, 4)),
)

MODELS = {
    "an image": Model("m", Encoding.OPENVINO, "OpenVINO", 1, (F32,), (F32,)),
    "two inputs": Model("m", Encoding.OPENVINO, "OpenVINO", 1, (F32, F32), (F32,)),
    "no dimensions": Model("m", Encoding.OPENVINO, "OpenVINO", 1, (F32,), (Port("x", "f32", ()),)),
    "whole numbers": Model("m", Encoding.OPENVINO, "OpenVINO", 1, (Port("x", "i32", (1, 4)),), ()),
    "no type": Model("m", Encoding.OPENVINO, "OpenVINO", 1, (Port("x", "i8", (1, 4)),), ()),
    "quantised": Model("m", Encoding.TENSORFLOWLITE, "TensorFlow Lite", 1, (U8,), (U8,)),
    "free": Model("m", Encoding.TENSORFLOWLITE, "TensorFlow Lite", 1, (FREE,), (F32,)),
    "ONNX": Model("m", Encoding.ONNX, "ONNX", 1, (F32,), (F32,)),
    "a language model": Model("m", Encoding.GGML, "GGUF", 1, None, None),
}


def shown(backend: Backend, without: Collection[str]) -> dict[str, object]:
    """None is as good as all types."""
    fields = backend._replace(gives=backend.gives or frozenset(TensorType))._asdict()
    return {name: value for name, value in fields.items() if name not in without}


def rewritten(guest: Guest, host: str) -> bytes | tuple[str, ...]:
    """The module for a host, or why it cannot be made to fit."""
    options = RewriteOptions(host=host, guest_abi=guest.told, validate=False)
    try:
        return rewrite(guest.module, options)
    except HostMismatch as error:
        return tuple(map(str, error.diagnostics))


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_profile_of_all_that_a_row_says_does_what_the_row_does(row: Host, tmp_path: Path) -> None:
    path = tmp_path / "profile.toml"
    path.write_text(write(from_row(row)))
    measured = find_host(str(path))
    assert measured.dialects == row.dialects
    of_sources = (
        "built",
        "devices",
        "extra",
        "parts",
        "targets",
        "unseen",
    )  # which profiles or rows do not have
    assert [shown(each, of_sources) for each in measured.backends] == [
        shown(each, of_sources) for each in row.backends
    ]
    released = tuple(each._replace(extra=False) for each in row.backends)
    for title, each in guests().items():
        expected = replace(assess(each.info, row._replace(backends=released)), host=str(path))
        if expected.rewrite_for is not None:
            expected = replace(expected, rewrite_for=str(path))
        assert assess(each.info, measured) == expected, title
        assert rewritten(each, str(path)) == rewritten(each, row.label), title


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_profile_of_a_row_says_of_models_what_the_row_says(row: Host, tmp_path: Path) -> None:
    """But for what a backend is built with, of which a profile says nothing. What a row does not
    know of a type counts where nobody has measured it."""
    path = tmp_path / "profile.toml"
    path.write_text(write(from_row(row)))
    measured = find_host(str(path))
    built = row._replace(
        backends=tuple(each._replace(built="", extra=False) for each in row.backends)
    )
    info = inspect_module(of_wasi_nn("wasi_ephemeral_nn", "witx"), "witx")
    for title, model in MODELS.items():
        expected, given = (assess(info, host, models=[model]) for host in (built, measured))
        assert given.reasons == expected.reasons, title
        assert given.notes == expected.notes, title
        if any(found.code == "NN746" and "whether" in found.message for found in expected.unseen):
            assert "NN271" in {found.code for found in given.conditions}, title
        else:
            assert given.conditions == expected.conditions, title
            assert given.unseen == expected.unseen, title

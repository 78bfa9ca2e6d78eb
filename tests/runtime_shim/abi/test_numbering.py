"""The numbers of before August 2023, all that has to follow them in the one list of ABIs."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from onnx import TensorProto

from rewriter import RewriteOptions, UnsupportedModule, UsageError, compare, inspect_module, rewrite
from rewriter.abi.dialects import WITX, WITX_2022, Errno
from rewriter.analysis.compatibility import Runs, assess
from rewriter.hosts.table import HOSTS
from runtime_shim import NNHost, RunOptions, run
from tests.support.models import identity
from tests.support.wasm import assemble
from tests.tools.host_table import tables

NAME = WITX_2022.name
MODEL = identity(TensorProto.UINT8, dims=(4,))

FUNCTIONS = ("load", "init_execution_context", "set_input", "compute", "get_output")
IMPORTS = "".join(
    f'(import "wasi_ephemeral_nn" "{name}" (func ${name} {WITX.signature(name)}))'
    for name in FUNCTIONS
)


def data(address: int, content: bytes) -> str:
    return f'(data (i32.const {address}) "{"".join(map(ESCAPE.format, content))}")'


ESCAPE = "\\{:02x}"
BUILDERS = data(0, struct.pack("<2I", 4096, len(MODEL)))
SHAPE = data(128, struct.pack("<I", 4))
TENSOR = data(192, struct.pack("<5I", 128, 1, 2, 256, 4))

GUEST = f"""(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  {IMPORTS}
  (memory (export "memory") 2)
  {BUILDERS} {SHAPE} {TENSOR} {data(256, bytes([42, 0, 0, 0]))} {data(4096, MODEL)}
  (func $check (param $errno i32)
    (if (local.get $errno) (then (call $exit (i32.add (i32.const 100) (local.get $errno))))))
  (func (export "_start")
    (call $check (call $load
      (i32.const 0) (i32.const 1) (i32.const 1) (i32.const 0) (i32.const 64)))
    (call $check (call $init_execution_context (i32.load (i32.const 64)) (i32.const 64)))
    (call $check (call $set_input (i32.load (i32.const 64)) (i32.const 0) (i32.const 192)))
    (call $check (call $compute (i32.load (i32.const 64))))
    (call $check (call $get_output
      (i32.load (i32.const 64)) (i32.const 0) (i32.const 512) (i32.const 16) (i32.const 68)))
    (call $exit (i32.load8_u (i32.const 512)))))"""
"""Passes four bytes, 42 the first, through a model as a tensor of type 2, and exits with the first
that comes out; or with 100 and an errno."""


@pytest.fixture
def module() -> bytes:
    return assemble(GUEST)


def exit_code(module: bytes, guest_abi: str | None = None) -> int:
    return run(module, NNHost(), RunOptions(guest_abi=guest_abi, cache=False)).exit_code


def test_it_is_run_in_its_own_numbers(module: bytes) -> None:
    assert exit_code(module, NAME) == 42
    assert exit_code(module) == 42  # type 2 is f64 in witx, and the data are too short for that


@pytest.mark.parametrize("goal", [{"abi": "witx"}, {"host": "wasmtime"}, {"abi": "wamr"}], ids=str)
def test_it_is_adapted_once_and_back_and_runs(module: bytes, goal: dict[str, Any]) -> None:
    there = rewrite(module, RewriteOptions(guest_abi=NAME, **goal))
    adapters = [found.adapter for found in inspect_module(there).adapters.values()]
    assert {adapter.source.name for adapter in adapters} == {NAME}
    functions = [item.name for item in inspect_module(module).wasi_nn.values()]
    assert sorted(adapter.function for adapter in adapters) == sorted(functions)  # for the errnos
    for again in (None, NAME):
        assert rewrite(there, RewriteOptions(guest_abi=again, **goal)) == there
    assert compare(module, there).only_rewritten
    assert exit_code(there) == 42
    back = rewrite(there, RewriteOptions(abi=NAME))
    assert inspect_module(back).adapters == {}
    assert compare(module, back, guest_abi=NAME).only_rewritten
    assert exit_code(back, NAME) == 42


def test_what_was_adapted_to_it_runs_and_so_it_does_adapted_back(module: bytes) -> None:
    other = module.replace(b"\x01\0\0\0\2\0\0\0", b"\x01\0\0\0\3\0\0\0")  # u8 of witx
    assert exit_code(other) == 42
    there = rewrite(other, RewriteOptions(abi=NAME))
    assert assess(inspect_module(there), HOSTS["nnshim"]).runs is Runs.AS_IT_IS
    assert exit_code(there) == 42
    assert exit_code(rewrite(there, RewriteOptions(host="nnshim"))) == 42


def test_what_is_said_goes_before_what_tensors_show(module: bytes) -> None:
    for abi in ("witx", "wasmedge", "wamr-2.1"):
        assert exit_code(module, abi) == 100 + Errno.INVALID_ARGUMENT


def test_what_is_said_of_an_adapted_guest_has_to_be_what_its_adapters_say(module: bytes) -> None:
    there = rewrite(module, RewriteOptions(abi="witx", guest_abi=NAME))
    assert exit_code(there, NAME) == 42
    for abi in ("witx", "wamr-2.1"):
        with pytest.raises(UnsupportedModule, match=f"ABI was given as {abi}, but its adapter"):
            exit_code(there, abi)
        with pytest.raises(UnsupportedModule, match="is for a guest with the witx-2022 ABI"):
            rewrite(there, RewriteOptions(abi="wamr", guest_abi=abi))


def test_it_is_named_where_abis_are_listed(module: bytes) -> None:
    assert f"| `{NAME}` | witx |" in tables()
    with pytest.raises(UsageError, match=f"did you mean {NAME}"):
        inspect_module(module, NAME.upper())

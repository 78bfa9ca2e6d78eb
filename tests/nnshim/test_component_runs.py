"""nnshim run, given a component."""

from __future__ import annotations

from pathlib import Path

import pytest

from rewriter.wasm.leb128 import encode_u32
from tests.runtime_shim.components.guest import core, guest
from tests.support.command import nnshim
from tests.support.components import component
from tests.support.wasm import name
from tests.support.wit import OCTOBER, command

INFERS = """
  (call $named (i32.const 64) (i32.const 1) (call $tensor))
  (call $compute (call $context) (i32.const 144) (i32.const 1) (i32.const 160))
  (return (i32.load8_u (i32.const 160)))
"""


def exported(component: bytes) -> bytes:
    """With wasi:nn's first interface exported, which the functions of nnshim cannot stand for."""
    export = b"\x01\0" + name("again") + b"\x05\0\0"
    return component + b"\x0b" + encode_u32(len(export)) + export


def test_a_component_runs_with_the_options_of_a_core_module(tmp_path: Path) -> None:
    path = tmp_path / "guest.wasm"
    path.write_bytes(guest(INFERS))
    ended = nnshim("run", "--stats", "--isolate", "--timeout", "60s", "--max-memory", "1M", path)
    assert ended.returncode == 0
    assert b"loaded 1 time" in ended.stderr
    assert b"1 inference" in ended.stderr


def test_a_component_that_fails_ends_with_1_and_what_was_refused(tmp_path: Path) -> None:
    path = tmp_path / "guest.wasm"
    path.write_bytes(guest(INFERS.replace("(i32.const 64)", "(i32.const 72)")))
    ended = nnshim("run", path)
    assert ended.returncode == 1
    assert b"the last call that the host refused was compute: invalid_argument" in ended.stderr
    assert b"'x'" in ended.stderr


def test_a_component_runs_as_a_core_module_on_another_host(tmp_path: Path) -> None:
    """Its core module has another beginning than the component."""
    begins = (
        '(func (export "_start") (call $drop_tensor (i32.const 5))) (func (export "wasi:cli/run'
    )
    path = tmp_path / "guest.wasm"
    text = core("").replace('(func (export "wasi:cli/run', begins)
    path.write_bytes(command(text, OCTOBER))
    assert nnshim("run", path).returncode == 0
    assert nnshim("run", "--as", "wasmedge", path).returncode == 134
    path.write_bytes(exported(command(text, OCTOBER)))
    assert nnshim("run", path).returncode == 134


def test_a_component_that_cannot_run_in_either_way_is_refused_with_the_first_reason(
    tmp_path: Path,
) -> None:
    path = tmp_path / "guest.wasm"
    path.write_bytes(exported(guest("")))
    ended = nnshim("run", path)
    assert ended.returncode == 1
    assert b"error[NN363]" in ended.stderr


@pytest.mark.parametrize("options", [("--invoke", "run"), ("--as", "wasmedge")])
def test_options_of_core_modules_need_a_core_module_in_the_component(
    options: tuple[str, ...], tmp_path: Path
) -> None:
    path = tmp_path / "guest.wasm"
    path.write_bytes(guest(""))
    assert nnshim("run", *options, path).returncode != 0


def test_a_refusal_of_an_option_says_that_the_component_runs_without_it(tmp_path: Path) -> None:
    path = tmp_path / "guest.wasm"
    path.write_bytes(component())
    ended = nnshim("run", "--as", "wasmedge", path)
    assert ended.returncode == 1
    assert b"without them, the component itself runs" in ended.stderr
    assert b"error[NN342]" in ended.stderr
    assert nnshim("run", path).returncode == 0

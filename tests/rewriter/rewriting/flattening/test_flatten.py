"""A component that was made from a core module becomes one, which runs on hosts of core modules."""

from __future__ import annotations

from pathlib import Path

import pytest

import nnshim
from rewriter.components.component import Component
from rewriter.errors import UnsupportedModule
from rewriter.rewriting.flattening.flatten import flatten
from tests.support.components import OCTOBER
from tests.support.wasm import assemble

MODEL = Path("samples/digits/model.onnx")

RESULT = 64
"""Where the guest has the result area of each call."""

GUEST = f"""
  (import "wasi:nn/tensor@{OCTOBER}" "[constructor]tensor"
    (func $tensor (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi:nn/tensor@{OCTOBER}" "[method]tensor.data" (func $data (param i32 i32)))
  (import "wasi:nn/tensor@{OCTOBER}" "[resource-drop]tensor" (func $drop (param i32)))
  (import "wasi:nn/graph@{OCTOBER}" "load-by-name" (func $load (param i32 i32 i32)))
  (import "wasi:nn/graph@{OCTOBER}" "[method]graph.init-execution-context"
    (func $init (param i32 i32)))
  (import "wasi:nn/inference@{OCTOBER}" "[method]graph-execution-context.compute"
    (func $compute (param i32 i32 i32 i32)))
  (import "wasi:nn/errors@{OCTOBER}" "[method]error.code" (func $code (param i32) (result i32)))
  (memory (export "memory") 2)
  (global $top (mut i32) (i32.const 4096))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (global.get $top))
    (global.set $top (i32.and (i32.add (i32.add (local.get $at) (local.get 3)) (i32.const 7))
                              (i32.const -8)))
    (local.get $at))
  (data (i32.const 0) "digits")
  (data (i32.const 16) "\\01\\00\\00\\00\\40\\00\\00\\00")
  (data (i32.const 32) "pixels")
  (func $context (result i32)
    (call $load (i32.const 0) (i32.const 6) (i32.const {RESULT}))
    (if (i32.load8_u (i32.const {RESULT})) (then unreachable))
    (call $init (i32.load (i32.const {RESULT + 4})) (i32.const {RESULT}))
    (if (i32.load8_u (i32.const {RESULT})) (then unreachable))
    (i32.load (i32.const {RESULT + 4})))
  (func $input (param $at i32) (param $name i32) (param $length i32) (param $type i32)
    (i32.store (local.get $at) (local.get $name))
    (i32.store offset=4 (local.get $at) (local.get $length))
    (i32.store offset=8 (local.get $at)
      (call $tensor (i32.const 16) (i32.const 2) (local.get $type)
                    (i32.const 1024) (i32.const 256))))
"""
"""The imports and what all guests of this file have. Tensors are [1, 64], of zeros."""


def made(body: str, imports: str = "") -> bytes:
    """A component around a core module: only the module is instantiated by the tests, as flattening
    does not look at the rest."""
    return assemble(f"(component (core module {imports} {GUEST} {body}))")


def run(component: bytes) -> nnshim.Outcome:
    graph = nnshim.NamedGraph("digits", nnshim.Encoding.ONNX, nnshim.Target.CPU, (MODEL,))
    with nnshim.NNHost(graphs=[graph]) as host:
        module = nnshim.rewrite(component, nnshim.RewriteOptions(to="wasi_ephemeral_nn"))
        return nnshim.run(module, host, nnshim.RunOptions(invoke="main"))


SUM = f"""
  (func (export "main") (result i32)
    (call $input (i32.const 128) (i32.const 32) (i32.const 6) (i32.const 1))
    (call $compute (call $context) (i32.const 128) (i32.const 1) (i32.const {RESULT}))
    (if (i32.load8_u (i32.const {RESULT})) (then unreachable))
    (call $data (i32.load offset=8 (i32.load (i32.const {RESULT + 4}))) (i32.const {RESULT}))
    (i32.load (i32.const {RESULT + 4})))
"""


def test_an_output_has_its_length() -> None:
    outcome = run(made(SUM))
    assert outcome.results == (40,)


def code_of(inputs: str, count: int) -> int:
    """The error code of compute with these inputs, -1 for none."""
    body = f"""
      (func (export "main") (result i32)
        {inputs}
        (call $compute (call $context) (i32.const 128) (i32.const {count}) (i32.const {RESULT}))
        (if (i32.eqz (i32.load8_u (i32.const {RESULT}))) (then (return (i32.const -1))))
        (call $code (i32.load (i32.const {RESULT + 4}))))
    """
    (code,) = run(made(body)).results
    return int(code)


NAMED = "(call $input (i32.const {}) (i32.const {}) (i32.const {}) (i32.const {}))"


def test_a_name_of_the_only_input_is_input_0() -> None:
    assert code_of(NAMED.format(128, 32, 6, 1), 1) == -1


def test_names_of_several_inputs_are_not_guessed() -> None:
    inputs = NAMED.format(128, 32, 6, 1) + NAMED.format(140, 0, 6, 1)
    assert code_of(inputs, 2) == 0, "invalid-argument"


def test_bf16_is_an_unsupported_operation() -> None:
    assert code_of(NAMED.format(128, 32, 6, 3), 1) == 4, "unsupported-operation"


def test_a_dropped_tensor_stops_the_guest() -> None:
    body = """
      (func (export "main") (result i32)
        (call $input (i32.const 128) (i32.const 32) (i32.const 6) (i32.const 1))
        (call $drop (i32.load (i32.const 136)))
        (call $drop (i32.load (i32.const 136)))
        (i32.const 0))
    """
    assert run(made(body)).exit_code == 134


def test_dropped_tensors_leave_nothing() -> None:
    body = """
      (func (export "main") (result i32) (local $i i32)
        (loop $again
          (call $input (i32.const 128) (i32.const 32) (i32.const 6) (i32.const 1))
          (call $drop (i32.load (i32.const 136)))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br_if $again (i32.lt_u (local.get $i) (i32.const 100000))))
        (memory.size))
    """
    assert run(made(body)).results == (4,), "two of its own, the lists, and a page of blocks"


def test_the_core_module_of_a_component_with_its_own_adapter_is_taken_out_as_it_is() -> None:
    text = """(core module
      (import "wasi_ephemeral_nn" "compute" (func (param i32) (result i32)))
      (memory (export "memory") 1))"""
    module = assemble(text.replace("core module", "module"))
    assert flatten(Component(assemble(f"(component {text})"))) == (module, ())


@pytest.mark.parametrize(
    ("imports", "code"),
    [
        ('(import "wasi:cli/exit@0.2.0" "exit" (func (param i32)))', "NN341"),
        ('(import "wasi:nn/graph@0.2.0" "load" (func (param i32)))', "NN344"),
        (f'(import "wasi:nn/graph@{OCTOBER}" "save" (func (param i32)))', "NN344"),
        (f'(import "wasi:nn/graph@{OCTOBER}" "load" (func (param i64)))', "NN344"),
        ('(import "wasi_nn" "compute" (func (param i32) (result i32)))', "NN344"),
    ],
)
def test_what_a_core_module_cannot_do_is_refused(imports: str, code: str) -> None:
    with pytest.raises(UnsupportedModule) as refused:
        flatten(Component(made("", imports)))
    assert refused.value.code == code


def test_an_aim_that_is_not_a_core_module_is_refused() -> None:
    for options in (nnshim.RewriteOptions(), nnshim.RewriteOptions(host="wasmtime")):
        with pytest.raises(UnsupportedModule) as refused:
            nnshim.rewrite(made(SUM), options)
        assert refused.value.code == "NN353"

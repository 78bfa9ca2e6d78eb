"""A component that was made from a core module becomes one, which runs on hosts of core modules."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

import nnshim
from rewriter.components.component import Component
from rewriter.errors import UnsupportedModule
from rewriter.files.input import open_source
from rewriter.rewriting.flattening.flatten import flatten
from rewriter.verifying.components import core_of
from tests.support.components import OCTOBER
from tests.support.native import NativeWasmtime, openvino_model
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


def made(body: str, imports: str = "", guest: str = GUEST) -> bytes:
    """A component around a core module: only the module is instantiated by the tests, as flattening
    does not look at the rest."""
    return assemble(f"(component (core module {imports} {guest} {body}))")


AUGUST = "0.2.0-rc-2024-08-19"

OLD_COMPUTE = """
  (import "wasi:nn/inference@0.2.0-rc-2024-08-19"
    "[method]graph-execution-context.set-input" (func $set (param i32 i32 i32 i32 i32)))
  (import "wasi:nn/inference@0.2.0-rc-2024-08-19"
    "[method]graph-execution-context.compute" (func $compute (param i32 i32)))
  (import "wasi:nn/inference@0.2.0-rc-2024-08-19"
    "[method]graph-execution-context.get-output" (func $get (param i32 i32 i32 i32)))
"""


def made_before(body: str) -> bytes:
    """As `made`, of August's interfaces."""
    before, rest = GUEST.split('  (import "wasi:nn/inference@')
    guest = before + OLD_COMPUTE + rest[rest.index('  (import "wasi:nn/errors@') :]
    guest = guest.replace(OCTOBER, AUGUST)
    return assemble(f"(component (core module {guest} {body}))")


def run(component: bytes) -> nnshim.Outcome:
    graph = nnshim.NamedGraph("digits", nnshim.Encoding.ONNX, nnshim.Target.CPU, (str(MODEL),))
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


def test_august_sets_inputs_and_gets_outputs_by_name() -> None:
    failed = f"(if (i32.load8_u (i32.const {RESULT})) (then (return (i32.const -1))))"
    body = f"""
      (func (export "main") (result i32) (local $context i32)
        (local.set $context (call $context))
        (call $input (i32.const 128) (i32.const 0) (i32.const 0) (i32.const 1))
        (call $set (local.get $context) (i32.const 32) (i32.const 6)
                   (i32.load (i32.const 136)) (i32.const {RESULT})) {failed}
        (call $compute (local.get $context) (i32.const {RESULT})) {failed}
        (call $get (local.get $context) (i32.const 32) (i32.const 6) (i32.const {RESULT})) {failed}
        (call $data (i32.load (i32.const {RESULT + 4})) (i32.const {RESULT}))
        (if (i32.ne (i32.load (i32.const {RESULT + 4})) (i32.const 40)) (then unreachable))
        (call $get (local.get $context) (i32.const 0) (i32.const 6) (i32.const {RESULT}))
        (if (i32.eqz (i32.load8_u (i32.const {RESULT}))) (then (return (i32.const -2))))
        (call $code (i32.load (i32.const {RESULT + 4}))))
    """
    assert run(made_before(body)).results == (0,), "invalid-argument for another output's name"


def loads_itself(body: str) -> bytes:
    """As `made`, with `load` of a TensorFlow Lite model that the guest has in its memory."""
    model = MODEL.with_suffix(".tflite").read_bytes()
    builder = struct.pack("<II", 16384, len(model))
    guest = GUEST.replace('"load-by-name" (func $load (param', '"load" (func $load (param i32 i32')
    guest = guest.replace(
        f"$load (i32.const 0) (i32.const 6) (i32.const {RESULT})",
        f"$load (i32.const 200) (i32.const 1) (i32.const 4) (i32.const 0) (i32.const {RESULT})",
    )
    guest = guest.replace("(i32.const 4096)", "(i32.const 122880)")
    data = "".join(
        f'(data (i32.const {at}) "{"".join(f"{chr(92)}{byte:02x}" for byte in content)}")'
        for at, content in ((200, builder), (16384, model))
    )
    return assemble(f"(component (core module {guest} {data} {body}))")


def test_adapted_it_runs_as_on_a_host_of_the_older_abi() -> None:
    component = loads_itself(SUM)
    adapted = nnshim.rewrite(component, nnshim.RewriteOptions(host="wamr-legacy@2.3.1"))
    with nnshim.NNHost() as host:
        options = nnshim.RunOptions(invoke="main", as_host="wamr-legacy@2.3.1")
        assert nnshim.run(adapted, host, options).results == (40,)


def test_the_result_is_compared_by_flattening_again(tmp_path: Path) -> None:
    source, result = tmp_path / "component.wasm", tmp_path / "core.wasm"
    source.write_bytes(loads_itself(SUM))
    options = nnshim.RewriteOptions(host="wamr-legacy@2.3.1")
    nnshim.rewrite_file(str(source), str(result), options)
    with open_source(str(source)) as one:
        before = core_of(one)
    assert nnshim.verify(before, result.read_bytes()).only_rewritten
    changed = result.read_bytes().replace(b"pixels", b"pixelz")
    assert not nnshim.verify(before, changed).only_rewritten


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
    assert isinstance(code, int)
    return code


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


def test_without_an_aim_a_component_is_refused() -> None:
    with pytest.raises(UnsupportedModule) as refused:
        nnshim.rewrite(made(SUM), nnshim.RewriteOptions())
    assert refused.value.code == "NN105"


def test_native_wasmtime_runs_the_core_module(native: NativeWasmtime, tmp_path: Path) -> None:
    start = """
      (func (export "_start")
        (if (i32.ne (call $main) (i32.const 40)) (then unreachable)))
    """
    component = made(SUM.replace('(func (export "main")', '(func $main (export "main")') + start)
    folder = tmp_path / "digits"
    folder.mkdir()
    openvino_model(MODEL.read_bytes(), folder)
    guest = tmp_path / "guest.wasm"
    guest.write_bytes(nnshim.rewrite(component, nnshim.RewriteOptions(to="wasi_ephemeral_nn")))
    ran = native.run(guest, graph=f"openvino::{folder}")
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("limits", ["i64 2", "2 3 shared"])
def test_a_memory_that_the_added_functions_cannot_use_is_refused(limits: str) -> None:
    guest = GUEST.replace('(memory (export "memory") 2)', f'(memory (export "memory") {limits})')
    guest = guest.partition("(data ")[0]  # whose code and data are for a memory of 32 bits
    with pytest.raises(UnsupportedModule) as refused:
        flatten(Component(made("", guest=guest)))
    assert refused.value.code == "NN346"


JUNE = "0.2.0-rc-2024-06-25"
_ERRORS = f"""
  (import "wasi:nn/errors@{JUNE}" "[constructor]error"
    (func $error (param i32 i32 i32) (result i32)))
  (import "wasi:nn/errors@{JUNE}" "[method]error.data" (func $text (param i32 i32)))
  (import "wasi:nn/errors@{JUNE}" "[resource-drop]error" (func $forget (param i32)))
"""


def made_in_june(body: str) -> bytes:
    return made(body, _ERRORS, GUEST.replace(OCTOBER, JUNE).replace(*_SET))


_SET = (
    '"[method]graph-execution-context.compute"\n    (func $compute (param i32 i32 i32 i32))',
    '"[method]graph-execution-context.compute" (func $compute (param i32 i32))',
)


def test_june_makes_errors_that_keep_their_code_and_text() -> None:
    body = f"""
      (func (export "main") (result i32) (local $error i32)
        (local.set $error (call $error (i32.const 5) (i32.const 32) (i32.const 6)))
        (call $text (local.get $error) (i32.const {RESULT}))
        (if (i32.ne (i32.load (i32.const {RESULT + 4})) (i32.const 6)) (then unreachable))
        (if (i32.ne (i32.load (i32.load (i32.const {RESULT}))) (i32.load (i32.const 32)))
          (then unreachable))
        (call $code (local.get $error))
        (call $forget (local.get $error)))
    """
    assert run(made_in_june(body)).results == (5,)


def test_june_has_the_errors_of_the_host_too() -> None:
    body = f"""
      (func (export "main") (result i32)
        (call $load (i32.const 32) (i32.const 6) (i32.const {RESULT}))
        (call $text (i32.load (i32.const {RESULT + 4})) (i32.const {RESULT + 8}))
        (if (i32.load (i32.const {RESULT + 12})) (then unreachable))
        (call $code (i32.load (i32.const {RESULT + 4})))
        (call $forget (i32.load (i32.const {RESULT + 4}))))
    """
    assert run(made_in_june(body)).results == (6,), "not-found"


@pytest.mark.parametrize(
    "wrong",
    [
        "(call $error (i32.const 9) (i32.const 32) (i32.const 6))",
        "(call $error (i32.const 0) (i32.const 0x7fffffff) (i32.const 2))",
        "(call $forget (i32.load (i32.const 136))) (i32.const 0)",
        "(call $forget (local.get $made)) (call $code (local.get $made))",
    ],
    ids=["code", "text", "a tensor", "dropped"],
)
def test_a_wrong_error_stops_the_guest(wrong: str) -> None:
    body = f"""
      (func (export "main") (result i32) (local $made i32)
        (local.set $made (call $error (i32.const 0) (i32.const 32) (i32.const 6)))
        (call $input (i32.const 128) (i32.const 32) (i32.const 6) (i32.const 1))
        {wrong})
    """
    assert run(made_in_june(body)).exit_code == 134

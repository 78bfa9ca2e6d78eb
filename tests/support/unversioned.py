"""Programs for each form that wasi:nn had without a version, and for October: they do the same."""

from __future__ import annotations

import functools

from rewriter.abi.wasi import WASI
from rewriter.files import wasi_adapter, wasm_tools
from tests.support.forms import FIVE_TYPES, Form, interfaces

__all__ = ["RESULT", "guest"]

_RECORD_IMPORTS = """
  (import "wasi:nn/inference" "init-execution-context" (func $init (param i32 i32)))
  (import "wasi:nn/inference" "set-input"
    (func $set (param i32 {key} i32 i32 i32 i32 i32 i32)))
  (import "wasi:nn/inference" "compute" (func $compute (param i32 i32)))
  (import "wasi:nn/inference" "get-output" (func $get (param i32 {key} i32)))
"""
_RESOURCE_IMPORTS = """
  (import "wasi:nn/tensor{version}" "[constructor]tensor"
    (func $new (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi:nn/tensor{version}" "[method]tensor.data" (func $data (param i32 i32)))
  (import "wasi:nn/tensor{version}" "[resource-drop]tensor" (func $drop (param i32)))
  (import "wasi:nn/graph{version}" "[method]graph.init-execution-context"
    (func $init (param i32 i32)))
"""
_STEP_IMPORTS = """
  (import "wasi:nn/inference" "[method]graph-execution-context.set-input"
    (func $set (param i32 i32 i32 i32 i32)))
  (import "wasi:nn/inference" "[method]graph-execution-context.compute"
    (func $compute (param i32 i32)))
  (import "wasi:nn/inference" "[method]graph-execution-context.get-output"
    (func $get (param i32 i32 i32 i32)))
"""
_AT_ONCE_IMPORTS = """
  (import "wasi:nn/inference{version}" "[method]graph-execution-context.compute"
    (func $compute (param i32 i32 i32 i32)))
"""
_ERROR_IMPORTS = """
  (import "wasi:nn/errors{version}" "[method]error.code" (func $code (param i32) (result i32)))
"""
_NUMBERED = """
  ;; The error of the result at 64, with or without a value.
  (func $error (result i32) (i32.load8_u (i32.const 68)))
  (func $nothing (result i32) (i32.load8_u (i32.const 65)))
"""
_RESOURCED = """
  (func $error (result i32) (call $code (i32.load (i32.const 68))))
  (func $nothing (result i32) (call $error))
"""
_RECORD_BODY = """
  (func $do-set (param $context i32) (param $index i32) (param $value i32)
    (i32.store8 (i32.const 36) (local.get $value))
    (call $set (local.get $context) {key}
      (i32.const 32) (i32.const 1) (i32.const {u8}) (i32.const 36) (i32.const 1) (i32.const 64)))
  (func $do-get (param $context i32) (param $index i32)
    (call $get (local.get $context) {out} (i32.const 64))
    (if (i32.eqz (i32.load8_u (i32.const 64)))
      (then (call $say (i32.load8_u (i32.load (i32.const 68)))))))
  (func $do-compute (param $context i32) (call $compute (local.get $context) (i32.const 64)))
"""
_TENSOR = """
  (func $tensor (param $value i32) (result i32)
    (i32.store8 (i32.const 36) (local.get $value))
    (call $new (i32.const 32) (i32.const 1) (i32.const 4) (i32.const 36) (i32.const 1)))
  (func $say-tensor (param $tensor i32)
    (call $data (local.get $tensor) (i32.const 80))
    (call $drop (local.get $tensor))
    (call $say (i32.load8_u (i32.load (i32.const 80)))))
"""
_STEP_BODY = """
  (func $do-set (param $context i32) (param $index i32) (param $value i32)
    (call $set (local.get $context) (i32.add (i32.const 40) (local.get $index)) (i32.const 1)
      (call $tensor (local.get $value)) (i32.const 64)))
  (func $do-get (param $context i32) (param $index i32)
    (call $get (local.get $context) (i32.add (i32.const 48) (local.get $index)) (i32.const 1)
      (i32.const 64))
    (if (i32.eqz (i32.load8_u (i32.const 64)))
      (then (call $say-tensor (i32.load (i32.const 68))))))
  (func $do-compute (param $context i32) (call $compute (local.get $context) (i32.const 64)))
"""
_AT_ONCE_BODY = """
  (global $count (mut i32) (i32.const 0))
  (func $do-set (param $context i32) (param $index i32) (param $value i32)
    (local $at i32)
    (local.set $at (i32.add (i32.const 256) (i32.mul (global.get $count) (i32.const 12))))
    (i32.store (local.get $at) (i32.add (i32.const 40) (local.get $index)))
    (i32.store offset=4 (local.get $at) (i32.const 1))
    (i32.store offset=8 (local.get $at) (call $tensor (local.get $value)))
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (i32.store8 (i32.const 64) (i32.const 0)))
  (func $do-compute (param $context i32)
    (call $compute (local.get $context) (i32.const 256) (global.get $count) (i32.const 64))
    (global.set $count (i32.const 0)))
  (func $do-get (param $context i32) (param $index i32)
    (call $say-tensor (i32.load offset=8
      (i32.add (i32.load (i32.const 68)) (i32.mul (local.get $index) (i32.const 12))))))
"""

_PROGRAM = """(module
  {imports}
  (import "wasi:nn/graph{version}" "load" (func $load (param i32 i32 i32 i32 i32)))
  (import "wasi:nn/graph{version}" "load-by-name" (func $by-name (param i32 i32 i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 64)
  (data (i32.const 32) "\\01\\00\\00\\00")
  (data (i32.const 40) "ab")
  (data (i32.const 48) "{outputs}")
  (data (i32.const 60) "mx")
  (data (i32.const 128) "{builder}")
  (data (i32.const 4096) "{model}")
  (global $top (mut i32) (i32.const 131072))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (global.set $top (i32.and (i32.add (global.get $top) (i32.const 15)) (i32.const -16)))
    (global.set $top (i32.add (global.get $top) (local.get 3)))
    (i32.sub (global.get $top) (local.get 3)))
  (func $say (param $number i32)
    (i32.store8 (i32.const 512)
      (i32.add (i32.const 48) (i32.div_u (local.get $number) (i32.const 10))))
    (i32.store8 (i32.const 513)
      (i32.add (i32.const 48) (i32.rem_u (local.get $number) (i32.const 10))))
    (i32.store8 (i32.const 514) (i32.const 10))
    (i32.store (i32.const 520) (i32.const 512))
    (i32.store (i32.const 524) (i32.const 3))
    (drop (call $write (i32.const 1) (i32.const 520) (i32.const 1) (i32.const 528))))
  (func $is (param $a i32) (param $b i32)
    (if (i32.ne (local.get $a) (local.get $b)) (then unreachable)))
  (func $fine (call $is (i32.load8_u (i32.const 64)) (i32.const 0)))
  {body}
  (func (export "_start") (local $context i32) (local $graph i32)
    {start}))
"""

_START = """
    (call $by-name (i32.const 61) (i32.const 1) (i32.const 64))  ;; x, which is not there
    (call $is (i32.load8_u (i32.const 64)) (i32.const 1))
    (call $say (call $error))
    (call $by-name (i32.const 60) (i32.const 1) (i32.const 64))
    (call $fine)
    (local.set $graph (i32.load (i32.const 68)))
    (call $init (local.get $graph) (i32.const 64))
    (call $fine)
    (local.set $context (i32.load (i32.const 68)))
    (call $do-compute (local.get $context))  ;; without inputs
    (if (i32.load8_u (i32.const 64))
      (then (call $say (call $nothing))) (else (call $say (i32.const 99))))
    (call $do-set (local.get $context) (i32.const 0) (i32.const 3))
    (call $fine)
    (call $do-set (local.get $context) (i32.const 1) (i32.const 4))
    (call $fine)
    (call $do-compute (local.get $context))
    (call $fine)
    (call $do-get (local.get $context) (i32.const {first}))
    (call $do-get (local.get $context) (i32.const {second}))
"""
_BEGUN = """
    (call $by-name (i32.const 60) (i32.const 1) (i32.const 64))
    (call $fine)
    (local.set $graph (i32.load (i32.const 68)))
    (call $init (local.get $graph) (i32.const 64))
    (call $fine)
    (local.set $context (i32.load (i32.const 68)))
"""
_LOADED = """
    (call $load (i32.const 128) (i32.const 1) (i32.const {autodetect}) (i32.const 0) (i32.const 64))
    (call $fine)
    (call $init (i32.load (i32.const 68)) (i32.const 64))
    (call $fine)
    (local.set $context (i32.load (i32.const 68)))
    (call $do-set (local.get $context) (i32.const 0) (i32.const 20))
    (call $do-set (local.get $context) (i32.const 1) (i32.const 30))
    (call $do-compute (local.get $context))
    (call $fine)
    (call $do-get (local.get $context) (i32.const 0))
"""

RESULT = "06\n03\n07\n03\n"
"""What the program prints with a model `m` that adds a and b, and returns the sum and a: errors of
load-by-name and of compute without inputs, which is `99` where that is none, and the outputs."""


@functools.cache
def guest(
    form: Form,
    *,
    model: bytes = b"",
    outputs: str = "sf",
    get: tuple[int, int] = (0, 1),
    run: str = "",
) -> bytes:
    """A component of a program that prints RESULT, by `wasm-tools component new`; with a `model`,
    also `50`, which it computes by that. `outputs` are the names by which it asks for outputs, and
    `get` the indices. `run` are other instructions instead, which call functions of wasi:nn: 64 has
    room for results, 128 a list of one builder, and $graph and $context are handles."""
    key = "i32" if not form.is_named else "i32 i32"
    names = {
        "key": "(local.get $index)",
        "out": "(local.get $index)",
        "u8": 3 if form.types == FIVE_TYPES else 4,
    }
    if form.is_named:
        names["key"] = "(i32.add (i32.const 40) (local.get $index)) (i32.const 1)"
        names["out"] = "(i32.add (i32.const 48) (local.get $index)) (i32.const 1)"
    if form.has_records:
        imports, body = _RECORD_IMPORTS.format(key=key), _RECORD_BODY.format(**names)
    else:
        steps = _AT_ONCE_IMPORTS if form.version else _STEP_IMPORTS
        imports = (_RESOURCE_IMPORTS + steps).format(version=form.version)
        body = _TENSOR + (_AT_ONCE_BODY if form.version else _STEP_BODY)
    if not form.has_numbers:
        imports += _ERROR_IMPORTS.format(version=form.version)
    body += _NUMBERED if form.has_numbers else _RESOURCED
    start = _BEGUN + run if run else _START.format(first=get[0], second=get[1])
    if model:
        start += _LOADED.format(autodetect=6 if "ggml" in form.last else 5)
    text = _PROGRAM.format(
        imports=imports,
        version=form.version,
        outputs=outputs,
        builder=_escaped((4096).to_bytes(4, "little") + len(model).to_bytes(4, "little")),
        model=_escaped(model),
        body=body,
        start=start,
    )
    core = wasm_tools.embed(text, interfaces(form), "guest")
    return wasm_tools.new_component(core, {WASI: wasi_adapter.find(wasi_adapter.COMMAND)})


def _escaped(data: bytes) -> str:
    return "".join(f"\\{byte:02x}" for byte in data)

"""Components from text that use wasi:nn's tensors, and core modules to put into them."""

from __future__ import annotations

from tests.support.wasm import assemble

OCTOBER = "0.2.0-rc-2024-10-28"

TENSOR = f"""
  (import "wasi:nn/tensor@{OCTOBER}" (instance $nn
    (export "tensor" (type $tensor (sub resource)))
    (type $type (enum "FP16" "FP32" "FP64" "BF16" "U8" "I32" "I64"))
    (export "tensor-type" (type $tensor-type (eq $type)))
    (export "[constructor]tensor" (func (param "dimensions" (list u32))
      (param "ty" $tensor-type) (param "data" (list u8)) (result (own $tensor))))
    (export "[method]tensor.ty" (func (param "self" (borrow $tensor)) (result $tensor-type)))
    (export "[method]tensor.data"
      (func (param "self" (borrow $tensor)) (result (list u8))))))
"""
"""The interface that all of these import."""

MEMORY = """
  (core module $store
    (memory (export "memory") 1)
    (global $top (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (global.get $top)
      (global.set $top (i32.add (global.get $top) (local.get 3)))))
  (core instance $store (instantiate $store))
  (alias core export $store "memory" (core memory $memory))
  (alias core export $store "realloc" (core func $realloc))
"""

LOWERED = """
  (alias export $nn "tensor" (type $handle))
  (core func $drop (canon resource.drop $handle))
  (core func $ty (canon lower (func $nn "[method]tensor.ty")))
  (core func $new (canon lower (func $nn "[constructor]tensor") (memory $memory)))
  (core func $data
    (canon lower (func $nn "[method]tensor.data") (memory $memory) (realloc $realloc)))
"""

MAIN = """
  (core module $main
    (import "store" "memory" (memory 1))
    (import "nn" "drop" (func $drop (param i32)))
    (import "nn" "ty" (func $ty (param i32) (result i32)))
    (import "nn" "new" (func $new (param i32 i32 i32 i32 i32) (result i32)))
    (import "nn" "data" (func $data (param i32 i32)))
    (data (i32.const 0) "abc")
    (func (export "run") (result i32)
      (local $tensor i32)
      (local.set $tensor
        (call $new (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 3)))
      (call $data (local.get $tensor) (i32.const 64))
      (call $drop (local.get $tensor))
      ;; the length of the data, its last byte, and what the type is after that
      (i32.add
        (i32.mul (i32.load (i32.const 68)) (i32.const 10000))
        (i32.add
          (i32.mul (i32.load8_u (i32.add (i32.load (i32.const 64)) (i32.const 2)))
                   (i32.const 10))
          (call $ty (local.get $tensor))))))
  (core instance $lowered
    (export "drop" (func $drop)) (export "ty" (func $ty))
    (export "new" (func $new)) (export "data" (func $data)))
  (core instance $main
    (instantiate $main (with "nn" (instance $lowered)) (with "store" (instance $store))))
  (func (export "run") (result u32) (canon lift (core func $main "run")))
"""
"""Makes a tensor of three bytes, reads it, and drops it."""

GUEST = f"(component {TENSOR} {MEMORY} {LOWERED} {MAIN})"

EARLY = """(module
  (import "host" "handle" (func $handle (param i32) (result i64)))
  (memory (export "memory") 1)
  (global $dropped (mut i32) (i32.const 0))
  (func (export "guest-realloc") (param i32 i32 i32 i32) (result i32) unreachable)
  (func (export "tensor#[resource-drop]tensor") (param i32)
    (global.set $dropped (i32.add (global.get $dropped) (i32.const 1))))
  (func (export "tensor#[method]tensor.ty") (param i32) (result i32) (global.get $dropped)))"""
"""A tensor's type is the number of tensors that were dropped."""

LATE = """(module
  (import "early" "memory" (memory $kept 1))
  (import "guest" "memory" (memory $guest 1))
  (import "guest" "realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
  (import "host" "handle" (func $handle (param i32) (result i64)))
  (func (export "tensor#[constructor]tensor") (param i32 i32 i32 i32 i32) (result i32)
    (memory.copy $kept $guest (i32.const 0) (local.get 3) (local.get 4))
    (i32.wrap_i64 (call $handle (local.get 4))))
  (func (export "tensor#[method]tensor.data") (param $self i32) (param $area i32)
    (local $at i32)
    (local.set $at
      (call $realloc (i32.const 0) (i32.const 0) (i32.const 1) (local.get $self)))
    (memory.copy $guest $kept (local.get $at) (i32.const 0) (local.get $self))
    (i32.store $guest (local.get $area) (local.get $at))
    (i32.store $guest offset=4 (local.get $area) (local.get $self))))"""
"""There is one tensor, and its handle is what the host says of the length of its data."""


def early() -> bytes:
    return assemble(EARLY)


def late() -> bytes:
    return assemble(LATE)

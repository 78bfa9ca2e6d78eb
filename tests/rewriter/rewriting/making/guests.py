"""Core modules from text, and components that are made of them."""

from __future__ import annotations

from typing import Any

from rewriter import RewriteOptions, rewrite
from tests.support.wasm import assemble

__all__ = ["COMPUTE", "LOAD", "MEMORY", "SET", "START", "made"]

LOAD = '(import "wasi_ephemeral_nn" "load" (func $load (param i32 i32 i32 i32 i32) (result i32)))'
SET = '(import "wasi_ephemeral_nn" "set_input" (func $set (param i32 i32 i32) (result i32)))'
COMPUTE = '(import "wasi_ephemeral_nn" "compute" (func $compute (param i32) (result i32)))'
MEMORY = '(memory (export "memory") 1)'
START = '(func (export "_start"))'


def made(text: str, **options: Any) -> bytes:
    return rewrite(assemble(f"(module {text})"), RewriteOptions(to="wasi:nn", **options))

"""The certain results of a call, which depend on the code before the first branch."""

from __future__ import annotations

import pytest

from rewriter.functions.code import defined_functions
from rewriter.functions.trapping import Does, does
from rewriter.wasm.module import Module
from tests.support.wasm import assemble

CASES = {
    "unreachable": Does.TRAPS,
    "nop i32.const 1 i64.extend_i32_u drop unreachable": Does.TRAPS,
    "block loop local.get 0 local.set 0 unreachable end end": Does.TRAPS,
    "call $traps": Does.TRAPS,
    "call $nothing call $traps": Does.TRAPS,
    "": Does.RETURNS,
    "call $nothing return unreachable": Does.RETURNS,
    "block end call $nothing": Does.RETURNS,
    "i32.const 1 if unreachable end": Does.UNKNOWN,
    "block br 0 unreachable end": Does.UNKNOWN,
    "call $imported unreachable": Does.UNKNOWN,
    "i32.const 0 i32.load drop unreachable": Does.UNKNOWN,
    "i32.const 1 i32.const 0 i32.div_u drop": Does.TRAPS,
    "local.get 0 i32.const 0 i32.rem_s drop": Does.TRAPS,
    "nop i64.const 1 i64.const 0 i64.div_s drop": Does.TRAPS,
    "i64.const 1 i64.const 0 i64.rem_u drop": Does.TRAPS,
    "i32.const 1 i32.const 0 i32.add drop": Does.RETURNS,
    "i32.const 1 i32.const 128 i32.div_u drop unreachable": Does.UNKNOWN,
    "i32.const 1 local.get 0 i32.div_u drop unreachable": Does.UNKNOWN,
    "local.get 0 if i32.const 1 i32.const 0 i32.div_u drop end": Does.UNKNOWN,
    "f32.const 1 i32.trunc_f32_s drop unreachable": Does.UNKNOWN,
    "call $itself unreachable": Does.UNKNOWN,
    "i32.const 0 call $exit unreachable": Does.EXITS,
    "i32.const 1 if i32.const 0 call $exit end": Does.UNKNOWN,
}


@pytest.mark.parametrize(("body", "expected"), CASES.items())
def test_what_is_known_of_a_call(body: str, expected: Does) -> None:
    module = Module(
        assemble(
            '(module (import "env" "f" (func $imported))'
            ' (import "env" "exit" (func $exit (param i32))) (memory 1)'
            f" (func (local i32) {body})"
            " (func $traps unreachable) (func $nothing) (func $itself call $itself))"
        )
    )
    _, bodies = defined_functions(module)
    assert does(bodies, 2, 2, {1}) is expected


def test_following_calls_that_multiply_ends() -> None:
    functions = "".join(f"(func $f{i} call $f{i + 1} call $f{i + 1})" for i in range(40))
    module = Module(assemble(f"(module {functions} (func $f40))"))
    _, bodies = defined_functions(module)
    assert does(bodies, 0, 0) is Does.UNKNOWN

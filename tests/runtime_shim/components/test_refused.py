"""Components that do not run, and why."""

from __future__ import annotations

import pytest

from rewriter.errors import UsageError
from runtime_shim import (
    LinkError,
    NNHost,
    RunOptions,
    run,
)
from tests.runtime_shim.components.guest import guest
from tests.support.components import component
from tests.support.wasm import assemble
from tests.support.wit import OCTOBER


@pytest.mark.parametrize(
    "functions",
    [
        "(type $g (own 0)) (type $r (result $g (error u32)))"
        ' (export "load-by-name" (func (param "name" (list u8)) (result $r)))',
        "(type $g (borrow 0))"
        ' (export "[method]graph.init-execution-context" (func (param "self" $g) (result u32)))',
    ],
)
def test_functions_of_wasi_nn_with_another_type_are_refused(functions: str) -> None:
    imported = f'(instance (export "graph" (type (sub resource))) {functions})'
    data = component(f'(import "wasi:nn/graph@{OCTOBER}" {imported})')
    with pytest.raises(LinkError, match="has another type"):
        run(data, NNHost(), RunOptions(cache=False))


LIFTED = """(core module $main (func (export "f") {0} (result i32) i32.const 0))
    (core instance $main (instantiate $main))
    (func $f {1} (canon lift (core func $main "f")))
    (instance $command (export "run" (func $f)))"""


@pytest.mark.parametrize(
    ("parameters", "function"),
    [("", "(result u32)"), ("(param i32)", '(param "x" u32) (result (result))')],
)
def test_a_function_run_of_another_type_is_not_called(parameters: str, function: str) -> None:
    text = LIFTED.format(parameters, function)
    data = assemble(f'(component {text} (export "wasi:cli/run@0.2.0" (instance $command)))')
    with pytest.raises(LinkError, match="is not `func"):
        run(data, NNHost(), RunOptions(cache=False))


def test_the_newest_version_of_run_is_called() -> None:
    text = LIFTED.format("", "(result (result))")
    empty = '(instance $empty) (export "wasi:cli/run@0.2.9" (instance $empty))'
    data = assemble(
        f'(component {text} {empty} (export "wasi:cli/run@0.2.10" (instance $command)))'
    )
    assert run(data, NNHost(), RunOptions(cache=False)).exit_code == 0


def test_imports_that_nobody_defines_are_named() -> None:
    text = """(component
      (import "wasi:http/types@0.2.0" (instance (export "go" (func))))
      (import "my:own/thing" (instance (export "do" (func))))
      (core module $m (func (export "run") (result i32) (i32.const 0)))
      (core instance $i (instantiate $m))
      (func $run (result (result)) (canon lift (core func $i "run")))
      (instance $c (export "run" (func $run))) (export "wasi:cli/run@0.2.0" (instance $c)))"""
    with pytest.raises(LinkError) as raised:
        run(assemble(text), NNHost(), RunOptions())
    assert raised.value.lines[1:] == (
        "  wasi:http/types@0.2.0 (instance)",
        "  my:own/thing (instance)",
    )


@pytest.mark.parametrize(
    "options",
    [
        RunOptions(invoke="run"),
        RunOptions(as_host="wasmedge"),
        RunOptions(guest_abi="witx"),
        RunOptions(trap_unknown_imports=True),
    ],
)
def test_options_of_core_modules_are_refused(options: RunOptions) -> None:
    with pytest.raises(UsageError, match=r"for core modules.*`to` wasi_ephemeral_nn"):
        run(guest(""), NNHost(), options)

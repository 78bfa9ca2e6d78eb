"""What ends a module as it begins, as far as it is sure."""

from __future__ import annotations

import pytest

from rewriter import inspect_module
from rewriter.analysis.compatibility import Answer, Runs, Verdict, assess
from rewriter.hosts.table import find_host
from tests.support.wasm import assemble


def reasons(fields: str, host: str = "wasmtime@49") -> list[tuple[str, str]]:
    """Why a module of these fields, with a memory of a page and an empty _start, does not run."""
    text = f'(module (memory (export "memory") 1) {fields} (func (export "_start")))'
    verdict = assess(inspect_module(assemble(text)), find_host(host))
    return [(found.code or "", found.message) for found in verdict.reasons]


TABLE = "(table 1 funcref) (func $f)"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            '(data (i32.add (i32.const 65535) (i32.const 2)) "x")',
            "its data segment ends at 65538, beyond the end of its memory, at 65536",
        ),
        (
            f"{TABLE} (elem (offset (i32.sub (i32.const 5) (i32.const 1))) func $f)",
            "its element segment ends at 5, beyond the end of its table, at 1",
        ),
        (
            '(global $g i32 (i32.const 256)) (data (i32.mul (global.get $g) (i32.const 256)) "x")',
            "its data segment ends at 65537, beyond the end of its memory, at 65536",
        ),
        (
            "(global $g i32 (i32.const 32768))"
            " (global $h i32 (i32.add (global.get $g) (global.get $g)))"
            ' (data (global.get $h) "x")',
            "its data segment ends at 65537, beyond the end of its memory, at 65536",
        ),
        (
            "(memory $wide i64 1)"
            ' (data (memory $wide) (i64.add (i64.const 65535) (i64.const 1)) "x")',
            "its data segment ends at 65537, beyond the end of its memory, at 65536",
        ),
        (
            '(data (i32.sub (i32.const 0) (i32.const 1)) "x")',
            "its data segment ends at 4294967296, beyond the end of its memory, at 65536",
        ),
    ],
    ids=["add", "sub", "mul", "global-of-globals", "i64", "wraps"],
)
def test_a_segment_at_a_computed_address_that_does_not_fit_ends_the_module(
    fields: str, message: str
) -> None:
    assert reasons(fields) == [("NN230", message)]


@pytest.mark.parametrize(
    "fields",
    [
        '(data (i32.add (i32.const 65535) (i32.const 0)) "x")',
        '(data (i32.add (i32.const 0xffffffff) (i32.const 1)) "x")',
        '(data (i32.sub (i32.mul (i32.const 256) (i32.const 256)) (i32.const 1)) "x")',
        f"{TABLE} (elem (offset (i32.sub (i32.const 1) (i32.const 1))) func $f)",
    ],
    ids=["add", "wraps", "nested", "elements"],
)
def test_a_segment_at_a_computed_address_that_fits_is_fine(fields: str) -> None:
    assert reasons(fields) == []


NN = '(import "wasi_ephemeral_nn" "compute" (func (param i32) (result i32)))'
WASI = '(import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))'


@pytest.mark.parametrize(
    ("imported", "name"), [(NN, "wasi_ephemeral_nn"), (WASI, "fd_write"), (NN + WASI, "wasi_eph")]
)
def test_functions_that_work_in_another_memory_fail_where_they_are_called(
    imported: str, name: str
) -> None:
    def judged(memories: str) -> Verdict:
        text = f'(module {imported} {memories} (func (export "_start")))'
        return assess(inspect_module(assemble(text)), find_host("wasmedge@0.17.1"))

    second = judged('(memory 1) (memory (export "memory") 1)')
    assert (second.runs, second.answer) == (Runs.AS_IT_IS, Answer.ONLY_IF)
    assert [found.code for found in second.conditions] == ["NN246"]
    assert f"it imports {name}" in second.conditions[0].message
    assert judged('(memory (export "memory") 1) (memory 1)').answer is Answer.RUNS

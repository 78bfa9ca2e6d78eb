"""What an adaptation changes, and what it does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewriter import (
    ModuleError,
    RewriteOptions,
    compare,
    inspect_module,
    rewrite,
)
from rewriter.files import wasm_tools
from rewriter.wasm.leb128 import encode_u32
from tests.support.wasm import (
    assemble,
)

ADAPTABLE_TEXT = """(module
      (import "wasi_ephemeral_nn" "compute" (func $compute (param i32) (result i32)))
      (import "wasi_ephemeral_nn" "load" (func $load (param i32 i32 i32 i32 i32) (result i32)))
      (import "env" "log" (func $log (param i32)))
      (import "wasi_ephemeral_nn" "get_output"
        (func $get_output (param i32 i32 i32 i32 i32) (result i32)))
      (table 4 funcref)
      (memory (export "memory") 1)
      (global $g funcref (ref.func $load))
      (export "again" (func $get_output))
      (elem (i32.const 0) $load $log $get_output)
      (func $first (param i32) (result i32)
        (call $log (local.get 0))
        (call $load (i32.const 8) (i32.const 1) (i32.const 1) (i32.const 0) (local.get 0)))
      (func $second (result i32) (call $compute (call $first (i32.const 12))))
      (data (i32.const 0) "data"))"""


ADAPTABLE = assemble(ADAPTABLE_TEXT)


ADAPTED = rewrite(ADAPTABLE, RewriteOptions(abi="wamr"))


def test_an_adaptation_is_the_only_difference() -> None:
    for before, after in ((ADAPTABLE, ADAPTED), (ADAPTED, ADAPTABLE)):
        comparison = compare(before, after)
        assert comparison.differences == ()
        assert comparison.adapters == (
            "nnshim.get_output.witx-to-wamr",
            "nnshim.load.witx-to-wamr",
        )
        assert sum(rename.imports for rename in comparison.renames) == 3


def test_an_adaptation_there_and_back_is_no_difference() -> None:
    comparison = compare(ADAPTABLE, rewrite(ADAPTED, RewriteOptions(abi="witx")))
    assert comparison.only_rewritten
    assert (comparison.adapters, comparison.renames) == ((), ())


LONG = assemble(f"{ADAPTABLE_TEXT[:-1]} {'(func)' * 200})")
"""Indices of adapters take two bytes here, those of imports one. Adapting back leaves two."""


def test_indices_that_adapting_back_leaves_longer_are_reported() -> None:
    back = rewrite(rewrite(LONG, RewriteOptions(abi="wamr")), RewriteOptions(abi="witx"))
    assert len(back) > len(LONG)
    for before, after in ((LONG, back), (back, LONG)):
        comparison = compare(before, after)
        assert comparison.differences == ()
        assert (comparison.adapters, comparison.renames) == ((), ())
        assert comparison.widened == (
            "global section",
            "export section",
            "element section",
            "code section",
        )


@pytest.mark.parametrize(
    ("before", "after", "title"),
    [
        pytest.param(b"\x10\x81\x00", b"\x10\x80\x00", "code section", id="another import"),
        pytest.param(b"\x41\x08\x41\x01", b"\x41\x09\x41\x01", "code section", id="a constant"),
        pytest.param(b"\x10\x04\x10", b"\x10\x05\x10", "code section", id="another function"),
        pytest.param(b"\xd2\x81\x00", b"\xd2\x80\x00", "global section", id="in a global"),
        pytest.param(b"again\x00\x83", b"again\x00\x81", "export section", id="in an export"),
        pytest.param(b"\x02\x83\x00", b"\x02\x81\x00", "element section", id="in a segment"),
    ],
)
def test_other_differences_beside_longer_indices_are_found(
    before: bytes, after: bytes, title: str
) -> None:
    back = rewrite(rewrite(LONG, RewriteOptions(abi="wamr")), RewriteOptions(abi="witx"))
    assert back.count(before) == 1
    comparison = compare(LONG, back.replace(before, after))
    assert {difference.what.partition(":")[0] for difference in comparison.differences} == {title}
    assert len(comparison.widened) == 3


def test_longer_indices_of_other_functions_are_a_difference() -> None:
    """No rewrite leaves them. This is a call of $log, which is not a wasi-nn function."""
    start, longer = b"\x0a\xf6\x04\xca\x01\x12", b"\x0a\xf7\x04\xca\x01\x13"
    code = b"\x00\x20\x00\x10"
    assert LONG.count(start + code + b"\x02") == 1
    changed = LONG.replace(start + code + b"\x02", longer + code + b"\x82\x00")
    wasm_tools.validate(changed)
    (difference,) = compare(LONG, changed).differences
    assert difference.what.startswith("code section: 630 bytes became 631")


def test_a_call_that_bypasses_its_adapter_is_found() -> None:
    adapter = encode_u32(inspect_module(ADAPTED).imported_functions + 2)  # load's, the first
    found = ADAPTED.index(b"\x10" + adapter)
    past = ADAPTED[: found + 1] + b"\x01" + ADAPTED[found + 2 :]
    (difference,) = compare(ADAPTABLE, past).differences
    assert (difference.what, difference.rewritten_offset) == (
        "code section: a different function",
        found + 1,
    )


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        pytest.param(
            b"\x05first", b"\x05fjrst", "custom section 'name': different names", id="name"
        ),
        pytest.param(b"\5\4\0\3\1\1", b"\5\4\0\0\1\1", "function section", id="type"),
    ],
)
def test_other_changes_beside_an_adaptation_are_found(
    before: bytes, after: bytes, what: str
) -> None:
    assert ADAPTED.count(before) == 1, ADAPTED
    (difference,) = compare(ADAPTABLE, ADAPTED.replace(before, after)).differences
    assert difference.what.startswith(what)


@given(st.integers(8, len(ADAPTED) - 1), st.integers(1, 255))
def test_any_changed_byte_of_an_adapted_module_is_found(position: int, flip: int) -> None:
    changed = bytearray(ADAPTED)
    changed[position] ^= flip
    try:
        wasm_tools.validate(bytes(changed))
        comparison = compare(ADAPTABLE, bytes(changed))
    except ModuleError:
        return
    assert not comparison.only_rewritten

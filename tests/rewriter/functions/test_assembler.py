"""The assembler rejects what it does not know. It never writes a different function."""

from __future__ import annotations

import pytest

from rewriter.functions.assembler import assemble, read_function

HEAD = "(func (param $a i32) (result i32) (local $b i64) (local $c i32)"


def bytes_of(instructions: str) -> bytes:
    return assemble(read_function(f"{HEAD}\n  {instructions})"), functions={}, memory=0)


def test_names_and_numbers() -> None:
    assert bytes_of("local.get $c ;; 1\n i64.const 0x1_00 local.set $b") == (
        b"\x02\x01\x7e\x01\x7f\x20\x02\x42\x80\x02\x21\x01\x0b"
    )


@pytest.mark.parametrize(
    "instructions",
    [
        pytest.param("i32.popcnt", id="an instruction"),
        pytest.param("local.get $d", id="a variable"),
        pytest.param("call $f", id="a function"),
        pytest.param("block $l  br $m  end", id="a label"),
        pytest.param("i32.load local.get $a", id="a load without an offset"),
        pytest.param("i32.const $TENSOR_TYPE", id="a name that was not filled in"),
        pytest.param("(local.get $a)", id="folded instructions"),
        pytest.param("local.get $a) (func", id="a second function"),
    ],
)
def test_an_unknown_word_is_an_error(instructions: str) -> None:
    with pytest.raises((KeyError, ValueError)):
        bytes_of(instructions)

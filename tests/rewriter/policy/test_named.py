"""Whether a policy allows the graphs that a module asks for by name."""

from __future__ import annotations

import pytest

from rewriter import Answer, check
from rewriter.policy.policy import Policy
from tests.support.wasm import assemble

BY_NAME = (
    '(import "wasi_ephemeral_nn" "load_by_name" (func $named (param i32 i32 i32) (result i32)))'
)
MEMORY = '(memory (export "memory") 1)'
DIGITS = Policy(named_graphs=["digits"])
LENIENT = Policy(named_graphs=["digits"], unknown="allow")


def asking(body: str, data: str) -> bytes:
    return assemble(f'(module {BY_NAME} {MEMORY} {data} (func (export "_start") {body}))')


def asks(address: int, length: int) -> str:
    return f"(drop (call $named (i32.const {address}) (i32.const {length}) (i32.const 8)))"


def codes(module: bytes, policy: Policy) -> list[str]:
    (found,) = check(module, ["nnshim"], policy=policy, validate=False)
    said = [one.code for one in (*found.reasons, *found.notes) if one.code.startswith("NN8")]
    failed = [code for code in said if code != "NN807"]
    assert (found.answer is Answer.CANNOT) == bool(failed)
    return said


def test_a_name_in_the_data_is_not_certain() -> None:
    module = asking(asks(64, 6), '(data (i32.const 64) "digits")')
    assert codes(module, DIGITS) == ["NN806"]
    assert codes(module, LENIENT) == ["NN807"]


def test_a_name_in_the_data_that_is_not_allowed_fails_whatever_is_unknown() -> None:
    module = asking(asks(64, 5), '(data (i32.const 64) "other")')
    assert codes(module, DIGITS) == ["NN805"]
    assert codes(module, LENIENT) == ["NN805"]


def test_a_name_that_is_overwritten_before_the_call_does_not_pass() -> None:
    store = "(i32.store (i32.const 64) (i32.const 0x6c697665))"
    module = asking(store + asks(64, 6), '(data (i32.const 64) "digits")')
    assert codes(module, DIGITS) == ["NN806"]


def test_a_later_segment_counts() -> None:
    data = '(data (i32.const 64) "digits") (data (i32.const 60) "0123othertext")'
    assert codes(asking(asks(64, 5), data), LENIENT) == ["NN805"]


@pytest.mark.parametrize(
    ("body", "data"),
    [
        pytest.param(asks(64, 6), '(data "digits")', id="in a passive segment"),
        pytest.param(asks(64, 6), "", id="nowhere"),
        pytest.param(asks(64, 6), '(data (i32.const 64) "dig")', id="half of it"),
        pytest.param(
            asks(64, 6),
            '(data (i32.const 64) "digits") (data (i32.const 66) "ma")',
            id="partly overwritten by another segment",
        ),
        pytest.param(asks(64, 0xFFFFFFF), '(data (i32.const 64) "digits")', id="too long"),
        pytest.param(asks(64, 0), '(data (i32.const 64) "digits")', id="empty"),
        pytest.param(asks(64, 2), '(data (i32.const 64) "\\ff\\fe")', id="not UTF-8"),
        pytest.param(
            "(drop (call $named (i32.load (i32.const 0)) (i32.const 6) (i32.const 8)))",
            '(data (i32.const 64) "digits")',
            id="at an address from memory",
        ),
        pytest.param(
            asks(64, 6),
            '(data (i32.const 64) "digits") (export "named" (func $named))',
            id="exported again",
        ),
    ],
)
def test_what_is_not_in_the_data_is_not_known(body: str, data: str) -> None:
    assert set(codes(asking(body, data), DIGITS)) == {"NN806"}


def test_a_segment_that_may_be_anywhere_may_hold_the_name() -> None:
    module = assemble(
        f'(module {BY_NAME} (import "env" "at" (global $at i32)) {MEMORY}'
        ' (data (i32.const 64) "other.") (data (global.get $at) "digits")'
        f' (func (export "_start") {asks(64, 6)}))'
    )
    (found,) = check(module, ["nnshim"], policy=LENIENT, validate=False)
    assert "NN805" not in [reason.code for reason in found.reasons]
    assert "NN807" in [note.code for note in found.notes]


def test_an_empty_list_allows_no_graph_by_name() -> None:
    module = asking("", "")
    assert codes(module, Policy(named_graphs=[])) == ["NN805"]
    assert codes(module, Policy(named_graphs=[], unknown="allow")) == ["NN805"]


def test_the_encodings_of_named_graphs_are_the_hosts() -> None:
    module = asking(asks(64, 6), '(data (i32.const 64) "digits")')
    assert codes(module, Policy(encodings=["onnx"])) == ["NN806"]
    assert codes(module, Policy(targets=["cpu"])) == ["NN806"]
    assert codes(module, Policy(encodings=["onnx"], named_graphs=["digits"], unknown="allow")) == [
        "NN807"
    ]


def test_a_configuration_may_name_devices() -> None:
    module = assemble(
        '(module (import "wasi_ephemeral_nn" "load_by_name_with_config"'
        f" (func (param i32 i32 i32 i32 i32) (result i32))) {MEMORY})"
    )
    policy = Policy(targets=["cpu"], named_graphs=["digits"])
    assert codes(module, policy) == ["NN806"]


def test_a_function_that_is_never_called_asks_for_nothing() -> None:
    assert codes(asking("", ""), DIGITS) == []

from __future__ import annotations

import pytest

from rewriter.abi.dialects import WAMR, WITX
from rewriter.constants.constant import Constants, Subject
from rewriter.constants.guest import Function, follow_constants
from rewriter.wasm.module import Module
from tests.support.wasm import assemble
from tests.tools.constants import disagreements, guest

SET_INPUT = '(import "wasi_ephemeral_nn" "set_input" (func $set (param i32 i32 i32) (result i32)))'
LOAD = '(import "wasi_ephemeral_nn" "load" (func $load (param i32 i32 i32 i32 i32) (result i32)))'
OTHER = '(import "env" "other" (func $other (param i32) (result i32)))'
MEMORY = '(memory (export "memory") 1) (memory $second 1) (global $sp (mut i32) (i32.const 4096))'
HEAD = f"{SET_INPUT} {LOAD} {OTHER} {MEMORY}"

PUSH = "(global.set $sp (local.tee $frame (i32.sub (global.get $sp) (i32.const 32))))"
POP = "(global.set $sp (i32.add (local.get $frame) (i32.const 32)))"
CALL = "(drop (call $set (i32.const 0) (i32.const 0) (local.get $frame)))"
TYPE_3 = "(i32.store8 offset=8 (local.get $frame) (i32.const 3))"


def constants(functions: str, dialect: str = "witx") -> Constants:
    layout = WAMR.layout if dialect == "wamr" else WITX.layout
    module = Module(assemble(f"(module {HEAD} {functions})"))
    return follow_constants(
        module, {0: Function("set_input", layout), 1: Function("load", layout)}, 0
    )


def types(functions: str) -> list[tuple[int, ...] | None]:
    found = constants(functions).found
    return [one.numbers for one in found if one.subject is Subject.TYPE]


def in_frame(body: str) -> str:
    """A function with two parameters and a frame of 32 bytes on the stack in memory."""
    variables = "(param $p i32) (param $q i32) (local $frame i32) (local $i i32)"
    return f"(func {variables} {PUSH} {body} {POP})"


SEEN = {
    "a byte": TYPE_3,
    "a word": "(i32.store offset=8 (local.get $frame) (i32.const 3))",
    "half of eight bytes": ("(i64.store offset=4 (local.get $frame) (i64.const 0x300000004))"),
    "a word that is put together": (
        "(i64.store offset=4 (local.get $frame) (i64.or (i64.shl (i64.extend_i32_u (i32.const 3))"
        " (i64.const 32)) (i64.extend_i32_u (local.get $p))))"
    ),
    "copied": (
        "(i32.store offset=20 (local.get $frame) (i32.const 3)) (i64.store offset=8"
        " (local.get $frame) (i64.load offset=20 (local.get $frame)))"
    ),
    "copied in bulk": (
        "(i32.store offset=24 (local.get $frame) (i32.const 3)) (memory.copy (i32.add"
        " (local.get $frame) (i32.const 8)) (i32.add (local.get $frame) (i32.const 24))"
        " (i32.const 4))"
    ),
    "through a local": (
        "(local.set $i (i32.const 3)) (i32.store8 offset=8 (local.get $frame) (local.get $i))"
    ),
    "before a loop that does something else": (
        f"{TYPE_3} (loop $l (local.set $i (i32.add (local.get $i) (i32.const 1)))"
        " (br_if $l (i32.lt_u (local.get $i) (local.get $p))))"
    ),
    "in the arm that a comparison chooses": (
        "(local.set $i (i32.const 4)) (if (i32.ge_u (local.get $i) (i32.const 5)) (then"
        f" (i32.store8 offset=8 (local.get $frame) (i32.const 4))) (else {TYPE_3}))"
    ),
    "in both arms": f"(if (local.get $p) (then {TYPE_3}) (else {TYPE_3}))",
    "behind a call and a store elsewhere": (
        "(drop (call $other (local.get $frame))) (i32.store8 offset=8 (local.get $p)"
        f" (i32.const 4)) {TYPE_3}"
    ),
    "beside an arm that ends": f"{TYPE_3} (if (local.get $p) (then {TYPE_3} (unreachable)))",
}


@pytest.mark.parametrize("body", SEEN.values(), ids=SEEN)
def test_a_type_in_the_frame_is_seen(body: str) -> None:
    assert types(in_frame(f"{body} {CALL}")) == [(3,)]


HIDDEN = {
    "loaded": "(i32.store8 offset=8 (local.get $frame) (i32.load (local.get $p)))",
    "given back by a call": "(i32.store8 offset=8 (local.get $frame) (call $other (i32.const 0)))",
    "counted in a loop": (
        "(loop $l (i32.store8 offset=8 (local.get $frame) (local.get $i)) (local.set $i"
        " (i32.add (local.get $i) (i32.const 1))) (br_if $l (local.get $p)))"
    ),
    "stored over in one arm": (
        f"{TYPE_3} (if (local.get $p) (then (i32.store8 offset=8 (local.get $frame)"
        " (local.get $q))))"
    ),
    "stored over by part": f"{TYPE_3} (i32.store16 offset=7 (local.get $frame) (local.get $p))",
    "stored over behind a call": f"{TYPE_3} (drop (call $other (local.get $frame)))",
    "stored over at an unknown place": (
        f"{TYPE_3} (i32.store8 (i32.add (local.get $frame) (local.get $p)) (i32.const 1))"
    ),
    "stored over by what may know the stack": f"{TYPE_3} (drop (call $other (i32.const 5)))",
    "stored over at the address of a number": (
        f"{TYPE_3} (i32.store8 offset=8 (i32.const 4064) (i32.const 1))"
    ),
    "stored over at the address of a parameter": (
        f"{TYPE_3} (i32.store8 offset=8 (local.get $p) (i32.const 1))"
    ),
    "stored over through another memory": (
        f"{TYPE_3} (i32.store8 $second offset=8 (local.get $frame) (i32.const 1))"
    ),
    "on a stack that a call has moved": (
        "(drop (call $other (i32.const 5))) (i32.store8 offset=8 (global.get $sp) (i32.const 3))"
    ),
    "stored over by one that was passed before": (
        f"(drop (call $other (local.get $frame))) {TYPE_3} (drop (call $other (i32.const 0)))"
    ),
    "stored over through a pointer that has leaked": (
        "(i32.store (local.get $q) (i32.add (local.get $frame) (i32.const 8)))"
        f" {TYPE_3} (i32.store8 (i32.load (local.get $p)) (i32.const 1))"
    ),
    "filled": (f"{TYPE_3} (memory.fill (local.get $frame) (i32.const 1) (local.get $p))"),
    "in a frame that is moved": f"{TYPE_3} (local.set $frame (local.get $p))",
}


@pytest.mark.parametrize("body", HIDDEN.values(), ids=HIDDEN)
def test_a_type_that_may_come_from_elsewhere_is_hidden(body: str) -> None:
    (found,) = types(in_frame(f"{body} {CALL}"))
    assert found is None


def test_a_value_with_a_few_possible_numbers_has_all_of_them() -> None:
    body = (
        "(local.set $i (i32.const 1)) (if (local.get $p) (then (local.set $i (i32.const 3))))"
        " (i32.store8 offset=8 (local.get $frame) (local.get $i))"
    )
    assert types(in_frame(f"{body} {CALL}")) == [(1, 3)]


def test_the_stack_of_a_callee_may_be_the_callers() -> None:
    callee = "(func $callee (i32.store8 offset=8 (global.get $sp) (i32.const 1)))"
    assert types(f"{callee} {in_frame(f'{TYPE_3} (call $callee) {CALL}')}") == [None]


def test_what_a_callee_leaves_on_the_stack_is_unknown() -> None:
    callee = f"(func $callee (local $frame i32) {PUSH} {TYPE_3} {POP})"
    body = f"(call $callee) {CALL}"
    assert types(f"{callee} {in_frame(TYPE_3.replace('3)', '4)') + body)}") == [None]


GUARD = "(if (i32.lt_s (global.get $sp) (i32.const {})) (then (unreachable)))"
STATIC = (
    "(i32.store8 offset=8 (i32.const 1024) (i32.const 3)) (i32.store (local.get $frame)"
    " (i32.const 1)) (drop (call $set (i32.const 0) (i32.const 0) (i32.const 1024)))"
)


@pytest.mark.parametrize(
    ("guard", "seen"),
    [
        (GUARD.format(2048), (3,)),
        (GUARD.format(1033), (3,)),
        (GUARD.format(1032), None),
        (GUARD.format(-1), None),
        (GUARD.format(2048).replace("lt_s", "lt_u"), None),
        (GUARD.format(2048).replace("(unreachable)", ""), None),
        (GUARD.format(2048).replace("global.get $sp", "local.get $p"), None),
        ("", None),
    ],
)
def test_a_stack_that_was_checked_to_be_above_static_memory_does_not_overlap_it(
    guard: str, seen: tuple[int, ...] | None
) -> None:
    assert types(in_frame(guard + STATIC)) == [seen]


KEEPING = (
    "(func $keeping (param $tensor i32) (local $frame i32) {} (i32.store offset={}"
    " (local.get $frame) (i32.const 1)) (drop (call $set (i32.const 0) (i32.const 0)"
    " (local.get $tensor))) {})"
)


@pytest.mark.parametrize(
    ("passed", "at", "seen"),
    [
        ("(local.get $frame)", 12, (3,)),
        ("(i32.const 4064)", 12, None),  # it may be in the frame of the callee
        ("(i32.sub (local.get $frame) (i32.const 24))", 12, None),  # and this is
        ("(local.get $frame)", 40, None),  # above the frame of the callee: in that of the caller
    ],
)
def test_a_function_with_a_frame_does_not_change_tensors_above_it(
    passed: str, at: int, seen: tuple[int, ...] | None
) -> None:
    callee = KEEPING.format(PUSH, at, POP)
    store = f"(i32.store8 offset=8 {passed} (i32.const 3))"
    assert types(f"{callee} {in_frame(f'{store} (call $keeping {passed})')}") == [seen]


@pytest.mark.parametrize(
    ("number", "seen"),
    [("0x100000000", 0), ("0x200000003", 3), ("-1", 0xFFFFFFFF)],
)
@pytest.mark.parametrize("through", ["parameter", "global", "memory"])
def test_the_low_half_of_a_wide_number_is_all_that_is_passed(
    number: str, seen: int, through: str
) -> None:
    value = {
        "parameter": "local.get 0",
        "global": "global.get $w",
        "memory": "i64.load (local.get 1)",
    }
    store = "(i64.store (global.get $sp) (i64.const {0})) (global.set $w (i64.const {0}))"
    text = (
        "(global $w (mut i64) (i64.const 7)) (func $passing (param i64 i32) (drop (call $load"
        f" (i32.const 0) (i32.const 1) (i32.wrap_i64 ({value[through]})) (i32.const 0)"
        f" (i32.const 64)))) (func {store.format(number)} (call $passing (i64.const {number})"
        " (global.get $sp)))"
    )
    assert constants(text).of(Subject.ENCODING)[0].numbers == (seen,)


WRAPPER = (
    "(func $wrapper (param $context i32) (param $tensor i32) (result i32)"
    " (call $set (local.get $context) (i32.const 0) (local.get $tensor)))"
)
PASSED = "(drop (call $wrapper (i32.const 0) (local.get $frame)))"


def test_a_tensor_is_followed_through_functions_that_pass_it_on() -> None:
    outer = (
        "(func $outer (param $tensor i32) (drop (call $wrapper (i32.const 0) (local.get $tensor))))"
    )
    callers = (
        in_frame(f"{TYPE_3} (call $outer (local.get $frame))"),
        in_frame(f"{TYPE_3} {PASSED}"),
        in_frame(f"(i32.store8 offset=8 (local.get $frame) (local.get $p)) {PASSED}"),
    )
    assert sorted(types(f"{WRAPPER} {outer} {' '.join(callers)}"), key=str) == [(3,), (3,), None]


def test_a_type_is_followed_through_a_function_that_makes_the_tensor_of_it() -> None:
    make = (
        f"(func $make (param $type i32) (local $frame i32) {PUSH}"
        f" (i32.store8 offset=8 (local.get $frame) (local.get $type)) {CALL} {POP})"
    )
    calls = "(func (call $make (i32.const 3)) (call $make (i32.const 0x104)))"
    assert set(types(f"{make} {calls}")) == {(3,), (4,)}


@pytest.mark.parametrize(
    "more",
    [
        "(table funcref (elem $wrapper))",
        '(export "called by anybody" (func $wrapper))',
        "(func (result funcref) (ref.func $wrapper)) (elem declare func $wrapper)",
    ],
)
def test_the_arguments_of_a_function_that_can_be_called_unseen_are_unknown(more: str) -> None:
    found = types(f"{WRAPPER} {in_frame(f'{TYPE_3} {PASSED}')} {more}")
    assert sorted(found, key=str) == [(3,), None]


def test_calls_between_functions_that_call_each_other_end() -> None:
    one = "(func $one (param i32) (call $two (local.get 0)))"
    two = (
        "(func $two (param i32) (drop (call $set (i32.const 0) (i32.const 0) (local.get 0)))"
        " (call $one (i32.add (local.get 0) (i32.const 4))))"
    )
    assert set(types(one + two)) == {None}


def test_encoding_target_and_builders_are_found_with_their_positions() -> None:
    text = (
        "(func (param i32) (drop (call $load (local.get 0) (i32.const 1) (i32.const 4)"
        " (i32.const 2) (i32.const 64))))"
    )
    encoding, target, parts = constants(text).found
    assert (encoding.subject, encoding.numbers) == (Subject.ENCODING, (4,))
    assert (target.subject, target.numbers) == (Subject.TARGET, (2,))
    assert (parts.subject, parts.numbers) == (Subject.PARTS, (1,))
    assert encoding.place is not None
    data = assemble(f"(module {HEAD} {text})")
    assert (encoding.place.function, data[encoding.place.offset]) == (3, 0x10)


def test_bytes_per_element_are_known_if_length_and_dimensions_are() -> None:
    stored = {0: 4096 - 32 + 24, 4: 2, 16: 128, 24: 4, 28: 8}
    body = " ".join(
        f"(i32.store offset={offset} (local.get $frame) (i32.const {value}))"
        for offset, value in stored.items()
        if offset
    )
    dimensions = "(i32.store (local.get $frame) (i32.add (local.get $frame) (i32.const 24)))"
    (one,) = constants(in_frame(f"{body} {dimensions} {TYPE_3} {CALL}")).found
    assert (one.numbers, one.element) == ((3,), 128 // (4 * 8))


def test_the_older_layout_has_the_type_at_another_place() -> None:
    body = "(i32.store offset=4 (local.get $frame) (i32.const 2))"
    found = constants(in_frame(f"{body} {CALL}"), "wamr").found
    assert [one.numbers for one in found] == [(2,)]


@pytest.mark.parametrize(
    "body",
    [
        b"\x00\x0b\x0b",  # the end of a block without its start
        b"\x00\x41\x00\x10\x00\x0b",  # a call without its operands
        b"\x00\x02\x40\x10\x00",  # no end
        b"\x00\x10\x00\x06\x40\x0b\x0b",  # try
        b"\x00\x02\x84\x7f\x10\x00\x0b\x0b",  # a block type that does not exist
        b"\x01\xff\xff\xff\x0f\x7f\x10\x00\x0b",  # too many variables
        b"\x00\x20\x09\x10\x00\x0b",  # a variable that does not exist
        b"\x00\x0c\x09\x10\x00\x0b",  # a branch to nowhere
    ],
)
def test_constants_in_invalid_code_are_unknown(body: bytes) -> None:
    text = f"(module {HEAD} (func (drop (call $set (i32.const 1) (i32.const 1) (i32.const 1)))))"
    whole = assemble(text)
    at = whole.rindex(b"\x10\x00\x1a\x0b") - 7
    assert whole[at] == 0
    size = len(body) - len(whole[at : whole.rindex(b"\x10\x00\x1a\x0b") + 4])
    code = bytearray(whole[:at] + body)
    code[at - 1] += size
    code[at - 3] += size
    found = follow_constants(Module(bytes(code)), {0: Function("set_input", WITX.layout)}, 0).found
    assert all(one.numbers is None for one in found)


@pytest.mark.parametrize("first", range(0, 120, 40))
def test_hosts_receive_the_constants_that_are_found(first: int) -> None:
    for seed in range(first, first + 40):
        assert disagreements(guest(seed))[0] == [], seed

"""What is said of guests that were rewritten: their constants are followed through adapters."""

from __future__ import annotations

import subprocess

import pytest

from rewriter import RewriteOptions, rewrite
from rewriter.analysis.compatibility import Answer, Verdict, assess
from rewriter.analysis.inspect import inspect_module
from rewriter.analysis.seen.numbering import constants_of, shown_abi
from rewriter.checking.check import check
from rewriter.constants.constant import Subject
from rewriter.files.wasm_tools import find
from rewriter.hosts.table import FAMILIES
from tests.rewriter.analysis.test_seen import HIDDEN, OPENVINO, guest, loads, passes
from tests.support.wasm import assemble

ROWS = [row for name, family in FAMILIES.items() if name != "nnshim" for row in family.rows]

ONNX, TFLITE, GGML = (loads(f"(i32.const {number})") for number in (1, 4, 6))

CONFIGURED = (
    "(drop (call $load_by_name_with_config (i32.const 64) (i32.const 7) (i32.const 80)"
    " (i32.const {}) (i32.const 72)))"
)

WRAPPED = (
    '(module (import "wasi_ephemeral_nn" "load"'
    " (func $load (param i32 i32 i32 i32 i32) (result i32)))"
    ' (memory (export "memory") 1)'
    " (func $wrapper (param $encoding i32) (result i32)"
    " (call $load (i32.const 64) (i32.const 1) (local.get $encoding) (i32.const 0) (i32.const 72)))"
    ' (func (export "_start") (drop (call $wrapper (i32.const 1)))))'
)

OF_WAMR = (
    "(drop (call $load (i32.const 64) (i32.const {}) (i32.const 0) (i32.const 72)))"
    " (i32.store8 offset=4 (local.get $frame) (i32.const 2))"
    " (drop (call $set_input (i32.const 0) (i32.const 0) (local.get $frame)))"
)

GUESTS = {
    "onnx": guest(ONNX + passes(1)),
    "tflite": guest(TFLITE + passes(1)),
    "ggml": guest(GGML + passes(1)),
    "openvino, and a type that means two things": guest(OPENVINO + passes(2)),
    "openvino, and u8 today": guest(OPENVINO + passes(3, data=16)),
    "tflite, and i32 of before August 2023": guest(TFLITE + passes(3, data=64)),
    "onnx, and i64": guest(ONNX + passes(5)),
    "onnx, and a type that is hidden": guest(ONNX + HIDDEN),
    "two encodings": guest(ONNX + TFLITE + passes(1)),
    "an encoding that is hidden": guest(loads("(i32.load (i32.const 68))") + passes(1)),
    "no configuration": guest(CONFIGURED.format(0), "load_by_name_with_config"),
    "a configuration": guest(CONFIGURED.format(2), "load_by_name_with_config"),
    "a wrapper": assemble(WRAPPED),
    "wamr, tflite": guest(OF_WAMR.format(4), module="wasi_nn", load=4),
    "wamr, ggml": guest(OF_WAMR.format(5), module="wasi_nn", load=4),
}


def left_open(found: Verdict) -> set[tuple[str, str]]:
    return {(one.code, one.message) for one in found.counted}


@pytest.mark.parametrize("module", GUESTS.values(), ids=GUESTS)
def test_a_rewrite_leaves_open_what_it_was_said_to_leave_open(module: bytes) -> None:
    """On every release of every host, conditions, needs and what is not seen stay the same."""
    info = inspect_module(module)
    rewritten = 0
    for row in ROWS:
        before = assess(info, row).weighed(strict=True)
        if before.answer is Answer.REWRITE:
            options = RewriteOptions(host=row.label, guest_abi=shown_abi(info), validate=False)
            after = assess(inspect_module(rewrite(module, options)), row).weighed(strict=True)
            assert not after.reasons, row.label
            assert left_open(after) == left_open(before), row.label
            rewritten += 1
    assert rewritten


def test_a_model_for_which_the_host_has_no_backend_is_a_condition_after_the_rewrite() -> None:
    adapted = rewrite(guest(ONNX + passes(1)), RewriteOptions(host="wamr@2.3.1"))
    (found,) = check(adapted, ["wamr@2.3.1"])
    assert [one.code for one in found.conditions] == ["NN262"]
    assert "encoding 1" in found.conditions[0].message


def test_a_guest_of_wamrs_older_abi_is_followed_by_its_own_numbers() -> None:
    """Encoding 5 is ggml there, and would be autodetect in the numbers of the adapted import."""
    adapted = rewrite(GUESTS["wamr, ggml"], RewriteOptions(host="wasmtime"))
    found = constants_of(inspect_module(adapted))
    assert [one.numbers for one in found.of(Subject.ENCODING)] == [(5,)]
    assert [one.numbers for one in found.of(Subject.TYPE)] == [(2,)]


def changed(module: bytes, old: str, new: str) -> bytes:
    """A module whose text was changed in one place."""
    done = subprocess.run([find(), "print", "-"], input=module, capture_output=True, check=True)
    text = done.stdout.decode()
    assert old in text
    return assemble(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('(export "_start"', '(export "past" (func 0)) (export "_start"'),
        ("call $nnshim.load.witx-to-wamr-2.1\n", "call 0\n"),
    ],
    ids=["an export", "a call"],
)
def test_a_load_that_goes_past_its_adapter_is_not_seen(old: str, new: str) -> None:
    adapted = rewrite(guest(ONNX + TFLITE), RewriteOptions(abi="wamr-2.1"))
    assert not constants_of(inspect_module(adapted)).hidden(Subject.ENCODING)
    info = inspect_module(changed(adapted, old, new))
    assert info.adapters
    assert constants_of(info).hidden(Subject.ENCODING)


def test_behind_adapters_that_another_tool_has_changed_nothing_is_seen_and_that_is_said() -> None:
    adapted = rewrite(guest(ONNX), RewriteOptions(host="wamr@2.3.1"))
    mark = "i32.const 1752395374\n    drop\n    i32.const 0\n    drop\n"
    (found,) = check(changed(adapted, mark, ""), ["wamr@2.3.1"], strict=True)
    assert found.answer is Answer.ONLY_IF
    assert "NN147" in [one.code for one in found.unseen]
    (before,) = check(adapted, ["wamr@2.3.1"], strict=True)
    assert "NN147" not in [one.code for one in before.caveats]


def test_adapters_are_no_functions_for_the_hosts_command_to_call() -> None:
    library = assemble(WRAPPED.replace('(func (export "_start")', "(func"))
    for module in (library, rewrite(library, RewriteOptions(host="wamr@2.3.1"))):
        (found,) = check(module, ["wamr@2.3.1"])
        assert "it exports no function for" in " ".join(d.message for d in found.conditions)

"""Whether a policy allows what a core module asks for, and whether a module can mislead it."""

from __future__ import annotations

from typing import Any

import pytest

from rewriter import Answer, RewriteOptions, UsageError, check, rewrite
from rewriter.analysis.compatibility import Verdict
from rewriter.checking.check import acceptable
from rewriter.policy.policy import FUNCTIONS, Policy
from tests.support.wasm import assemble

LOAD = '(import "wasi_ephemeral_nn" "load" (func $load (param i32 i32 i32 i32 i32) (result i32)))'
COMPUTE = '(import "wasi_ephemeral_nn" "compute" (func $compute (param i32) (result i32)))'
EXIT = '(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))'
MEMORY = '(memory (export "memory") 1)'
ONNX_ON_CPU = "(i32.const 0) (i32.const 1) (i32.const 1) (i32.const 0) (i32.const 8)"
ONLY_ONNX = Policy(encodings=["onnx"], targets=["cpu"])


def loading(body: str, more: str = "", imports: str = "") -> bytes:
    """A guest whose `_start` is `body`."""
    return assemble(
        f'(module {LOAD} {imports} {MEMORY} {more} (func (export "_start") (local $i i32) {body}))'
    )


def verdict(module: bytes, policy: Policy, host: str = "nnshim") -> Verdict:
    (found,) = check(module, [host], policy=policy, validate=False)
    return found


def codes(module: bytes, policy: Policy, host: str = "nnshim") -> list[str]:
    """The codes of the policy."""
    found = verdict(module, policy, host)
    said = [reason.code for reason in found.reasons if reason.code.startswith("NN8")]
    assert (found.answer is Answer.CANNOT) == bool(said)
    return said


def test_a_module_that_asks_for_what_is_allowed_runs() -> None:
    module = loading(f"(drop (call $load {ONNX_ON_CPU}))", imports=EXIT)
    policy = Policy(
        encodings=["onnx"],
        targets=["cpu"],
        functions=["load"],
        named_graphs=[],
        imports=["wasi_snapshot_preview1"],
    )
    assert verdict(module, policy).answer is Answer.RUNS


def test_without_a_policy_everything_is_allowed() -> None:
    assert codes(loading(f"(drop (call $load {ONNX_ON_CPU}))", imports=EXIT), Policy()) == []


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        (Policy(functions=["compute"]), "NN801"),
        (Policy(imports=[]), "NN802"),
        (Policy(encodings=["openvino"]), "NN803"),
        (Policy(encodings=[]), "NN803"),
        (Policy(targets=["gpu", "tpu"]), "NN804"),
    ],
)
def test_each_field_refuses_with_a_code_of_its_own(policy: Policy, code: str) -> None:
    module = loading(f"(drop (call $load {ONNX_ON_CPU}))", imports=EXIT)
    assert codes(module, policy) == [code]


def test_no_rewrite_mends_it_and_it_cannot_be_accepted() -> None:
    module = assemble(f"(module {LOAD} {MEMORY})")
    assert verdict(module, Policy(), "wamr-legacy").answer is Answer.REWRITE
    found = verdict(module, Policy(functions=[]), "wamr-legacy")
    assert (found.answer, found.rewrite_for) == (Answer.CANNOT, None)
    assert [reason.code for reason in found.reasons] == ["NN801"]
    with pytest.raises(UsageError, match="cannot be accepted"):
        acceptable(["NN801"])


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("(local.get $i) (i32.const 0)", id="a variable"),
        pytest.param("(i32.load (i32.const 64)) (i32.const 0)", id="from memory"),
        pytest.param("(i32.const 1) (i32.load (i32.const 64))", id="a target from memory"),
        pytest.param("(call $compute (i32.const 0)) (i32.const 0)", id="a result"),
    ],
)
def test_what_is_computed_is_not_known_to_be_allowed(body: str) -> None:
    loop = "(local.set $i (i32.load (i32.const 4)))"
    call = f"(drop (call $load (i32.const 0) (i32.const 1) {body} (i32.const 8)))"
    module = loading(loop + call, imports=COMPUTE)
    assert codes(module, ONLY_ONNX) == ["NN806"]
    allowed = verdict(module, Policy(encodings=["onnx"], targets=["cpu"], unknown="allow"))
    assert allowed.answer is Answer.RUNS
    assert "NN807" in [note.code for note in allowed.notes]


def test_a_constant_in_memory_that_another_call_may_overwrite_is_not_known() -> None:
    other = '(import "env" "touch" (func $touch))'
    module = loading(
        "(i32.store (i32.const 64) (i32.const 1)) (call $touch)"
        "(drop (call $load (i32.const 0) (i32.const 1) (i32.load (i32.const 64)) (i32.const 0)"
        " (i32.const 8)))",
        imports=other,
    )
    assert "NN806" in codes(module, ONLY_ONNX)


@pytest.mark.parametrize(
    "more",
    [
        pytest.param('(export "load" (func $load))', id="exported again"),
        pytest.param("(table 1 funcref) (elem (i32.const 0) $load)", id="in a table"),
        pytest.param("(global funcref (ref.func $load))", id="in a global"),
        pytest.param(
            "(type $t (func (param i32 i32 i32 i32 i32) (result i32))) (elem declare func $load)"
            f"(func (drop (call_ref $t {ONNX_ON_CPU.replace('1)', '0)')} (ref.func $load))))",
            id="by reference",
        ),
    ],
)
def test_calls_that_are_not_seen_are_not_known_to_be_allowed(more: str) -> None:
    module = loading(f"(drop (call $load {ONNX_ON_CPU}))", more)
    assert codes(module, ONLY_ONNX) == ["NN806", "NN806"]


def test_a_wrapper_is_judged_by_all_its_calls() -> None:
    wrapper = (
        "(func $wrapped (param i32) (drop (call $load (i32.const 0) (i32.const 1) (local.get 0)"
        " (i32.const 0) (i32.const 8))))"
    )
    one = loading("(call $wrapped (i32.const 1))", wrapper)
    two = loading("(call $wrapped (i32.const 1)) (call $wrapped (i32.const 0))", wrapper)
    open_ = loading("(call $wrapped (i32.const 1))", f'{wrapper} (export "w" (func $wrapped))')
    assert codes(one, ONLY_ONNX) == []
    assert codes(two, ONLY_ONNX) == ["NN803"]
    assert codes(open_, ONLY_ONNX) == ["NN806"]


def test_both_names_of_wasi_nn_count() -> None:
    legacy = '(import "wasi_nn" "load" (func $other (param i32 i32 i32 i32) (result i32)))'
    module = loading(
        f"(drop (call $load {ONNX_ON_CPU}))"
        "(drop (call $other (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 8)))",
        imports=legacy,
    )
    assert codes(module, ONLY_ONNX, "nnshim") == ["NN803"]


def test_a_type_that_no_abi_has_is_not_read_by_its_places() -> None:
    """`load` of five parameters under wasi_nn's name, beside another of four: which of the
    arguments is the encoding depends on the host."""
    module = assemble(
        '(module (import "wasi_nn" "load" (func $a (param i32 i32 i32 i32) (result i32)))'
        '(import "wasi_nn" "load" (func $b (param i32 i32 i32 i32 i32) (result i32)))'
        f'{MEMORY} (func (export "_start")'
        "(drop (call $a (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 8)))"
        f"(drop (call $b {ONNX_ON_CPU}))))"
    )
    assert "NN806" in codes(module, ONLY_ONNX, "nnshim")


@pytest.mark.parametrize(
    "memory",
    ["", '(memory (export "memory") 1 1 shared)', '(memory (export "memory") i64 1)'],
)
def test_without_a_memory_that_is_followed_nothing_is_known(memory: str) -> None:
    module = assemble(
        f'(module {LOAD} {memory} (func (export "_start") (drop (call $load {ONNX_ON_CPU}))))'
    )
    assert codes(module, ONLY_ONNX) == ["NN806", "NN806"]


def test_a_number_counts_as_all_that_it_may_mean() -> None:
    """5 is autodetect in the specification, and GGML to WAMR."""
    load = "(i32.const 0) (i32.const 1) (i32.const 5) (i32.const 0) (i32.const 8)"
    module = loading(f"(drop (call $load {load}))")
    assert codes(module, Policy(encodings=["autodetect"]), "wasmtime") == []
    assert codes(module, Policy(encodings=["autodetect"]), "wamr@2.4") == ["NN803"]
    assert codes(module, Policy(encodings=["ggml"]), "wamr@2.4") == ["NN803"]
    assert codes(module, Policy(encodings=["ggml", "autodetect"]), "wamr@2.4") == []


def test_numbers_that_no_abi_defines_are_not_allowed() -> None:
    load = "(i32.const 0) (i32.const 1) (i32.const 77) (i32.const 9) (i32.const 8)"
    module = loading(f"(drop (call $load {load}))")
    every = Policy(encodings=["onnx", "openvino"], targets=["cpu", "gpu", "tpu"])
    assert codes(module, every) == ["NN803", "NN804", "NN806"]


def test_options_of_language_models_may_name_devices() -> None:
    load = "(i32.const 0) (i32.const 1) (i32.const 6) (i32.const 0) (i32.const 8)"
    module = loading(f"(drop (call $load {load}))")
    assert codes(module, Policy(targets=["cpu"]), "wasmedge") == ["NN806"]
    assert codes(module, Policy(encodings=["ggml"]), "wasmedge") == []


@pytest.mark.parametrize("host", ["wamr-legacy", "wasmtime", "wasmedge"])
def test_the_same_is_said_of_a_module_that_was_adapted(host: str) -> None:
    guest = assemble(
        '(module (import "wasi_nn" "load" (func $load (param i32 i32 i32 i32) (result i32)))'
        f'{MEMORY} (func (export "_start")'
        "(drop (call $load (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 8)))))"
    )
    adapted = rewrite(guest, RewriteOptions(host=host))
    for module in (guest, adapted):
        assert codes(module, ONLY_ONNX, host) == []
        assert codes(module, Policy(encodings=["openvino"]), host) == ["NN803"]


def test_a_call_past_an_adapter_is_not_known_to_be_allowed() -> None:
    """An adapter's import is called by the guest itself, too."""
    guest = assemble(
        '(module (import "wasi_nn" "load" (func $load (param i32 i32 i32 i32) (result i32)))'
        '(import "wasi_nn" "compute" (func (param i32) (result i32)))'
        f'{MEMORY} (func (export "_start")'
        "(drop (call $load (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 8)))"
        + "(drop (i32.const 0))" * 20
        + "))"
    )
    adapted = rewrite(guest, RewriteOptions(host="wasmtime"))
    # Where the guest drops constants, it calls import 0, the host's load, with encoding 0.
    past = b"\x41\0" * 5 + b"\x10\0\x1a"
    nothing = b"\x41\0\x1a" * 20
    assert nothing in adapted
    changed = adapted.replace(nothing, past + b"\1" * (len(nothing) - len(past)))
    assert codes(adapted, ONLY_ONNX) == []
    assert codes(changed, ONLY_ONNX) == ["NN806", "NN806"]


def test_functions_that_stand_in_for_others_count_before_and_after_a_rewrite() -> None:
    module = assemble(
        f'(module (import "wasi_ephemeral_nn" "unload" (func (param i32) (result i32))){MEMORY})'
    )
    policy = Policy(functions=["unload"])
    assert codes(module, policy, "wasmedge") == []
    assert codes(module, policy, "wasmtime") == ["NN801"]
    adapted = rewrite(module, RewriteOptions(host="wasmtime"))
    assert codes(adapted, policy, "wasmtime") == ["NN801"]
    assert codes(adapted, Policy(functions=["unload", "compute"]), "wasmtime") == []


def test_other_kinds_of_imports_from_wasi_nn_are_not_functions() -> None:
    module = assemble('(module (import "wasi_ephemeral_nn" "load" (global i32)))')
    assert codes(module, Policy(functions=FUNCTIONS)) == ["NN801"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"encodings": ["onx"]}, "did you mean onnx"),
        ({"targets": ["cuda"]}, "not one of cpu, gpu, tpu"),
        ({"functions": ["load_by_nam"]}, "did you mean load_by_name"),
        ({"imports": "env"}, "expected a list of names"),
        ({"named_graphs": [1]}, "expected a name, got 1"),
        ({"unknown": "deny"}, "expected fail or allow"),
    ],
)
def test_a_wrong_policy_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Policy(**values)

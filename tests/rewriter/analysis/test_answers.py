"""What a verdict comes to: what counts, what does not, and which of many is the worst."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from rewriter import Answer, RewriteOptions, UsageError, Verdict, check, rewrite
from rewriter.abi.dialects import DIALECTS
from rewriter.codes import Severity, all_codes
from rewriter.diagnostics import Diagnostic
from rewriter.hosts.table import FAMILIES
from rewriter.rewriting.aim import choose
from rewriter.wasm.module import Module
from tests.support.wasm import assemble, custom

START = '(func (export "_start"))'
MEMORY = '(memory (export "memory") 1)'
OF_EACH = {
    severity: next(code.number for code in all_codes() if code.severity is severity)
    for severity in Severity
}
"""A code of each severity."""


def said(*severities: Severity) -> Verdict:
    return Verdict.of("x", [Diagnostic(OF_EACH[severity], "") for severity in severities], "x")


def guest(*names: str, abi: str = "witx", beside: str = "") -> bytes:
    module = DIALECTS[abi].layout.module
    imports = " ".join(
        f'(import "{module}" "{name}" (func {DIALECTS[abi].signature(name)}))' for name in names
    )
    return assemble(f"(module {imports} {beside} {MEMORY} {START})")


def on(host: str, module: bytes, **how: Any) -> Verdict:
    return check(module, [host], **how)[0]


def codes(diagnostics: tuple[Diagnostic, ...]) -> set[str]:
    return {found.code for found in diagnostics}


LOADING = guest("load", "set_input", "get_output")
CALLS_WHAT_TRAPS = guest("load", beside='(import "somewhere" "f" (func))')
CONFIGURED = guest("load_by_name_with_config", abi="wasmedge")


@pytest.mark.parametrize(
    ("severities", "answer", "strictly", "code", "strict_code"),
    [
        ((), "runs", "runs", 0, 0),
        (("note",), "runs", "runs", 0, 0),
        (("need",), "runs", "only_if", 0, 5),
        (("unseen",), "runs", "only_if", 0, 5),
        (("condition",), "only_if", "only_if", 5, 5),
        (("warning",), "rewrite", "rewrite", 1, 1),
        (("warning", "condition", "need"), "rewrite", "rewrite", 1, 1),
        (("error",), "cannot", "cannot", 4, 4),
        (("error", "warning", "condition"), "cannot", "cannot", 4, 4),
    ],
)
def test_the_worst_that_is_said_decides_and_needs_count_only_where_it_is_strict(
    severities: tuple[str, ...], answer: str, strictly: str, code: int, strict_code: int
) -> None:
    found = said(*map(Severity, severities))
    assert (found.answer, found.answer.exit_code) == (answer, code)
    strict = found.weighed(strict=True)
    assert (strict.answer, strict.answer.exit_code) == (strictly, strict_code)
    assert found.passed is (code == 0)
    assert strict.passed is (strict_code == 0)


def test_of_many_answers_the_first_of_6_4_1_5_and_0_counts() -> None:
    order = [6, 4, 1, 5, 0]
    by_code = {answer.exit_code: answer for answer in Answer}
    for one, other in itertools.product(order, repeat=2):
        worse = min(one, other, key=order.index)
        assert Answer.worst([by_code[one], by_code[other]]).exit_code == worse
    assert Answer.worst([]) is Answer.RUNS


def test_what_is_accepted_no_longer_counts_and_is_still_said() -> None:
    found = on("wamr", CALLS_WHAT_TRAPS)
    assert (found.answer, codes(found.conditions)) == ("only_if", {"NN226"})
    accepted = on("wamr", CALLS_WHAT_TRAPS, accept=["nn226"])
    assert accepted.answer == "runs"
    assert (codes(accepted.conditions), codes(accepted.accepted)) == (set(), {"NN226"})
    strict = on("wamr", CALLS_WHAT_TRAPS, accept=["NN226"], strict=True)
    assert strict.answer == "only_if"
    assert codes(strict.counted) == codes((*strict.needs, *strict.unseen)) != set()
    left = [*codes(strict.counted), "NN226"]
    assert on("wamr", CALLS_WHAT_TRAPS, accept=left, strict=True).answer == "runs"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("NN211", "cannot be accepted, because it keeps a module from running"),
        ("NN202", "cannot be accepted, because it needs a rewrite"),
        ("NN99", "there is no code NN99"),
        ("301", "there is no code 301; did you mean NN301?"),
    ],
)
def test_only_what_a_verdict_depends_on_can_be_accepted(code: str, message: str) -> None:
    with pytest.raises(UsageError, match="(?i)" + message.replace("?", r"\?")):
        on("wamr", LOADING, accept=[code])


def test_a_code_that_decides_nothing_can_be_accepted() -> None:
    """One that was a condition in another release breaks no pipeline."""
    assert on("wasmtime", LOADING, accept=["NN302"]).answer == "runs"


def test_one_code_is_not_taken_for_several_letters() -> None:
    with pytest.raises(UsageError, match="accept: expected a list of names"):
        on("wamr", LOADING, accept="NN226")


def test_a_configuration_that_a_host_does_not_take_is_a_condition_before_and_after_a_rewrite() -> (
    None
):
    before = on("wasmtime", CONFIGURED)
    assert (before.answer, codes(before.conditions)) == ("rewrite", {"NN301"})
    adapted = rewrite(CONFIGURED, RewriteOptions(host="wasmtime"))
    after = on("wasmtime", adapted)
    assert (after.answer, codes(after.conditions)) == ("only_if", {"NN301"})
    assert on("wasmtime", adapted, accept=["NN301"]).answer == "runs"


def test_a_configuration_that_some_backends_do_not_take_is_a_condition() -> None:
    found = on("wasmedge", CONFIGURED)
    assert (found.answer, codes(found.conditions)) == ("only_if", {"NN264"})
    streams = guest("load_by_name_with_config", "compute_single", abi="wasmedge")
    assert on("wasmedge", streams).answer == "runs"  # a guest of language models
    assert on("wasmedge@0.13.3", CONFIGURED).answer != "only_if"


def test_a_rewrite_says_what_its_result_depends_on_on_the_host_it_is_for() -> None:
    module = guest("load_by_name_with_config", abi="wasmedge", beside=ABORT)
    options = RewriteOptions(host="wamr-legacy@2.4.5")
    notes = {note.code for note in choose(Module(module), options).notes}
    result = on("wamr-legacy@2.4.5", rewrite(module, options))
    assert codes(result.conditions) == {"NN226", "NN301"}
    assert codes(result.conditions) <= notes


ABORT = '(import "env" "abort" (func (param i32 i32 i32 i32)))'


@pytest.mark.parametrize("host", FAMILIES)
def test_a_guest_of_wasi_nn_needs_a_backend_and_one_that_names_graphs_a_graph(host: str) -> None:
    assert "NN251" in codes(on(host, LOADING).needs)
    assert "NN252" not in codes(on(host, LOADING).needs)
    named = guest("load_by_name", "init_execution_context", "compute")
    assert "NN252" in codes(on(host, named).needs)
    assert not on(host, assemble(f"(module {MEMORY} {START})")).needs


def test_a_verdict_on_no_host_is_a_wrong_call() -> None:
    with pytest.raises(UsageError, match="hosts: name at least one host"):
        check(LOADING, hosts=[])


def test_a_module_without_wasi_nn_is_judged_by_its_other_imports() -> None:
    module = assemble(f'(module (import "somewhere" "f" (func)) {MEMORY} {START})')
    assert on("wasmtime", module).answer == "cannot"
    assert on("wamr", module).answer == "only_if"
    assert on("wasmtime", assemble(f"(module {MEMORY} {START})")).answer == "runs"


@pytest.mark.parametrize("host", FAMILIES)
def test_an_object_file_cannot_run(host: str) -> None:
    text = '(module (import "env" "__linear_memory" (memory 1)) (func (export "_start")))'
    found = on(host, assemble(text) + custom("linking", b"\x02"))
    assert found.answer == "cannot"
    assert "NN106" in codes(found.reasons)


@pytest.mark.parametrize("host", FAMILIES)
def test_what_a_linker_has_left_in_a_module_keeps_it_from_running_nowhere(host: str) -> None:
    left = custom("linking", b"\xff") + custom("reloc.CODE")
    assert on(host, LOADING + left) == on(host, LOADING)


def test_what_is_unseen_is_not_said_where_an_adapter_stands_between() -> None:
    """WasmEdge 0.11 reads a type as 32 bits, and WAMR 2.4's older build wants four times the
    buffer: adapters see to both."""
    old = on("wasmedge@0.11.0", LOADING, guest_abi="witx-2020")
    assert (old.answer, codes(old.unseen) & {"NN237"}) == ("runs", {"NN237"})
    new = on("wasmedge@0.11.0", LOADING)
    assert (new.answer, codes(new.unseen) & {"NN237"}) == ("rewrite", set())
    errors_alone = on("wasmedge@0.11.0", LOADING, guest_abi="witx-2022")
    assert (errors_alone.answer, codes(errors_alone.unseen) & {"NN237"}) == ("rewrite", {"NN237"})
    own = guest("get_output", abi="wamr")
    assert "NN236" in codes(on("wamr-legacy@2.4.5", own).unseen)
    assert "NN236" not in codes(on("wamr-legacy@2.4.5", guest("get_output")).unseen)
    assert "NN236" not in codes(on("wamr-legacy@2.4.5", guest("load")).unseen)


@pytest.mark.parametrize("host", [*FAMILIES, "wamr-legacy@2.3.1", "wamr-ephemeral@2.1.1"])
def test_nothing_stands_in_two_places_and_all_that_is_said_is_as_severe_as_its_place(
    host: str,
) -> None:
    for module in (LOADING, CALLS_WHAT_TRAPS, CONFIGURED):
        found = on(host, module)
        places = {
            Severity.CONDITION: found.conditions,
            Severity.NEED: found.needs,
            Severity.UNSEEN: found.unseen,
            Severity.NOTE: found.notes,
        }
        for severity, diagnostics in places.items():
            assert all(one.severity is severity for one in diagnostics)
        everything = (*found.reasons, *found.caveats)
        assert len(everything) == len({*everything})

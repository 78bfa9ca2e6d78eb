"""What the user says about a guest, or what a rewrite finds out, is kept in the result."""

from __future__ import annotations

from typing import Any

import pytest

from nnshim import HostMismatch, RewriteOptions, UnsupportedModule, check, verify
from rewriter import inspect_module, rewrite
from rewriter.analysis.compatibility import Answer
from rewriter.rewriting.aim import choose
from rewriter.wasm.custom import GUEST
from rewriter.wasm.module import Module
from tests.rewriter.analysis.test_seen import HIDDEN, guest, loads, passes
from tests.support.wasm import assemble, custom

TFLITE = loads("(i32.const 4)")
HIDING = guest(TFLITE + HIDDEN)
OLDER = guest(TFLITE + passes(2, data=16))
OPEN = guest(TFLITE + passes(2))


def for_host(module: bytes, host: str, **told: Any) -> bytes:
    return rewrite(module, RewriteOptions(host=host, **told))


def answer(module: bytes, host: str) -> Answer:
    """The backends of the host do not matter here."""
    return check(module, [host], accept=["NN262"])[0].answer


def marked(module: bytes) -> str | None:
    guest = inspect_module(module).guest
    return guest.name if guest else None


@pytest.mark.parametrize("told", [{"built_for": "wasi-nn@0.5"}, {"guest_abi": "witx-2023"}])
def test_what_the_user_said_is_marked_if_adapters_do_not_show_it(
    told: dict[str, str],
) -> None:
    there = for_host(HIDING, "wasmedge@0.14.1", **told)
    assert answer(there, "wasmedge@0.14.1") is Answer.RUNS
    assert answer(there, "wasmedge") is Answer.REWRITE
    assert for_host(there, "wasmedge") == for_host(HIDING, "wasmedge", **told)
    assert verify(HIDING, there, guest_abi="witx-2023").only_rewritten


def test_adapters_that_show_the_abi_need_no_mark() -> None:
    there = for_host(HIDING, "wasmedge", built_for="wasi-nn@0.5")
    assert Module(there).custom(GUEST) is None


def test_what_adapters_showed_is_known_after_they_are_removed() -> None:
    there = for_host(HIDING, "wasmedge", guest_abi="witx-2023")
    back = for_host(there, "wasmedge@0.14.1")
    assert (inspect_module(back).adapters, marked(back)) == ({}, "witx-2023")
    assert answer(back, "wasmedge@0.14.1") is Answer.RUNS
    assert for_host(back, "wasmedge@0.14.1") == back


def test_a_mark_is_removed_if_adapters_show_the_abi() -> None:
    there = for_host(HIDING, "wasmedge@0.14.1", guest_abi="witx-2023")
    on = for_host(there, "wasmedge")
    assert (Module(there).custom(GUEST) is None, Module(on).custom(GUEST) is None) == (False, True)
    assert on == for_host(HIDING, "wasmedge", guest_abi="witx-2023")
    assert for_host(on, "wasmedge@0.14.1") == there


def test_that_the_numbers_are_todays_is_known_as_well() -> None:
    told = for_host(OPEN, "wasmtime", guest_abi="witx")
    assert answer(OPEN, "wasmtime") is Answer.ONLY_IF
    assert (answer(told, "wasmtime"), marked(told)) == (Answer.RUNS, "witx")


def test_only_what_the_user_said_is_marked() -> None:
    for host in ("wasmedge", "wasmedge@0.14.1", "wamr"):
        assert Module(for_host(HIDING, host)).custom(GUEST) is None
    assert for_host(HIDING, "wasmtime", built_for="unknown") != HIDING
    assert Module(for_host(HIDING, "wasmtime", built_for="unknown")).custom(GUEST) is None


def test_what_the_user_says_later_replaces_a_mark() -> None:
    older = for_host(HIDING, "wasmedge@0.14.1", guest_abi="witx-2023")
    assert marked(for_host(older, "wasmtime", guest_abi="witx")) == "witx"
    assert inspect_module(older, "witx").guest is inspect_module(HIDING, "witx").guest


WITX, OLD = custom(GUEST, b"witx"), custom(GUEST, b"witx-2023")


@pytest.mark.parametrize(
    "marks",
    [
        *(custom(GUEST, text) for text in (b"witx-2031", b"\xff", b"w" * 100_000, b"")),
        WITX + WITX,
        WITX + OLD,
    ],
    ids=["newer", "not UTF-8", "long", "empty", "the same twice", "two"],
)
def test_marks_that_cannot_be_known_are_refused_unless_the_abi_is_given(marks: bytes) -> None:
    (verdict,) = check(HIDING + marks, ["wasmedge"])
    assert "NN124" in [reason.code for reason in verdict.reasons]
    with pytest.raises(HostMismatch, match=r"section.* nnshim\.guest"):
        for_host(HIDING + marks, "wasmedge@0.14.1")
    again = for_host(HIDING + marks, "wasmedge@0.14.1", guest_abi="witx-2023")
    assert again == for_host(HIDING, "wasmedge@0.14.1", guest_abi="witx-2023")


def test_a_verdict_that_goes_by_a_mark_says_so() -> None:
    (verdict,) = check(OPEN + WITX, ["wasmtime"], accept=["NN262"])
    assert verdict.answer is Answer.RUNS
    (note,) = [one for one in verdict.notes if one.code == "NN148"]
    assert "assumes the ABI witx, because the section nnshim.guest says so" in note.text
    (given,) = check(OPEN + WITX, ["wasmtime"], guest_abi="witx")
    assert "NN148" not in [one.code for one in given.notes]


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"", WITX), (WITX, b""), (WITX, OLD), (OLD, OLD + OLD), (b"", custom(GUEST, b"witx-2031"))],
    ids=["added", "gone", "replaced", "twice", "not known"],
)
def test_a_mark_that_differs_is_a_difference(before: bytes, after: bytes) -> None:
    found = verify(HIDING + before, HIDING + after).differences
    assert [one.code for one in found] == ["NN424"]
    assert verify(HIDING + before, HIDING + before).differences == ()


def test_a_mark_that_a_rewrite_was_told_to_leave_is_named() -> None:
    allowed = verify(HIDING, HIDING + WITX, guest_abi="witx")
    assert (allowed.only_rewritten, allowed.marked) == (True, "witx")
    assert not verify(HIDING, HIDING + WITX, guest_abi="witx-2023").only_rewritten


def test_a_mark_may_replace_adapters_that_show_the_same() -> None:
    marked, adapted = (
        for_host(HIDING, host, guest_abi="witx-2023") for host in ("wasmedge@0.14.1", "wasmedge")
    )
    assert verify(marked, adapted).only_rewritten
    assert verify(adapted, marked).only_rewritten


def test_a_mark_that_adapters_contradict_is_an_error() -> None:
    adapted = for_host(HIDING, "wasmedge", guest_abi="witx-2023")
    with pytest.raises(UnsupportedModule, match="its ABI was given as witx"):
        inspect_module(adapted + custom(GUEST, b"witx"))


def test_a_signed_module_that_nothing_else_changes_gets_no_mark() -> None:
    signed = HIDING + custom("signature", b"\1")
    assert for_host(signed, "wasmedge@0.14.1", guest_abi="witx-2023") == signed


def test_a_rewrite_sees_the_older_numbers_that_check_sees() -> None:
    assert answer(OLDER, "wasmtime") is Answer.REWRITE
    assert for_host(OLDER, "wasmtime") == for_host(OLDER, "wasmtime", guest_abi="witx-2022")
    assert answer(for_host(OLDER, "wasmtime"), "wasmtime") is Answer.RUNS
    assert answer(OLDER, "wasmedge@0.14.1") is Answer.RUNS
    assert for_host(OLDER, "wasmedge@0.14.1") == OLDER


@pytest.mark.parametrize("module", [HIDING, OLDER, OPEN, guest(TFLITE + passes(1))])
@pytest.mark.parametrize(
    "host", ["wasmtime", "wasmedge", "wasmedge@0.14.1", "wamr", "wamr-ephemeral@2.3.1"]
)
def test_a_rewrite_says_of_the_guests_numbers_what_check_says(module: bytes, host: str) -> None:
    of_numbers = {"NN137", "NN138", "NN145", "NN146", "NN261", "NN262"}
    (verdict,) = check(module, [host])
    notes = choose(Module(module), RewriteOptions(host=host)).notes
    said = {one.text for one in notes if one.code in of_numbers}
    assert said == {one.text for one in verdict.caveats if one.code in of_numbers}


def test_adapting_to_an_abi_uses_the_numbers_that_are_seen_too() -> None:
    notes = choose(Module(OPEN), RewriteOptions(abi="witx")).notes
    assert "NN146" in {note.code for note in notes}
    notes = choose(Module(guest(TFLITE + passes(1))), RewriteOptions(abi="witx")).notes
    assert "NN137" not in {note.code for note in notes}


def test_what_the_user_said_is_kept_if_removed_adapters_showed_only_the_layout() -> None:
    module = assemble(
        """(module
          (import "wasi_ephemeral_nn" "get_output"
            (func (param i32 i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 1))"""
    )
    there = rewrite(module, RewriteOptions(abi="wamr"))
    back = rewrite(there, RewriteOptions(abi="witx", guest_abi="wasmedge-0.14"))
    assert marked(back) == "wasmedge-0.14"
    assert rewrite(back, RewriteOptions(abi="witx", guest_abi="wasmedge-0.14")) == back

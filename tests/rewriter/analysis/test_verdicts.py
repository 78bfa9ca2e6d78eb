"""Verdicts on names that stand for several releases."""

from __future__ import annotations

import pytest

from rewriter import RewriteOptions, check, inspect_module, rewrite
from rewriter.abi.dialects import DIALECTS
from rewriter.analysis.compatibility import Answer, Runs, Verdict
from rewriter.analysis.verdicts import by_release
from rewriter.hosts.host import Host
from rewriter.hosts.table import FAMILIES, find_hosts
from rewriter.rewriting.aim import choose
from rewriter.wasm.module import Module
from tests.support.wasm import assemble

WORSE = list(Runs)


def guest(module: str, abi: str, *names: str) -> bytes:
    imports = " ".join(
        f'(import "{module}" "{name}" (func {DIALECTS[abi].signature(name)}))' for name in names
    )
    return assemble(f'(module {imports} (memory (export "memory") 1))')


BY_NAME = guest("wasi_nn", "wamr", "load", "load_by_name", "get_output")
LOADING = guest("wasi_nn", "wamr", "load", "get_output")
WITX = guest("wasi_ephemeral_nn", "witx", "load", "set_input", "get_output")
WITX_WITH_VECTORS = assemble(
    f"""(module
    (import "wasi_ephemeral_nn" "load" (func {DIALECTS["witx"].signature("load")}))
    (memory (export "memory") 1) (func (param v128)))"""
)
STREAMING = guest("wasi_ephemeral_nn", "wasmedge", "load", "compute_single")


def on(host: str, module: bytes) -> Verdict:
    return check(module, [host])[0]


def said(found: Verdict, code: str) -> list[str]:
    return [d.text for d in (*found.reasons, *found.caveats) if d.code == code]


def test_the_worst_release_counts_and_those_that_differ_are_named() -> None:
    found = on("wamr-legacy", BY_NAME)
    assert found.answer is Answer.ONLY_IF
    assert said(found, "NN248") == [
        "1.1.1 to 2.3.1: the host lacks load_by_name, and calling it traps"
    ]
    assert not said(on("wamr-legacy@2.4.5", BY_NAME), "NN248")
    assert said(on("wamr-legacy@2.3.1", BY_NAME), "NN248")
    streaming = on("wasmtime", STREAMING)
    assert streaming.runs is Runs.CANNOT
    assert said(streaming, "NN211") == ["the host lacks compute_single"]
    text = '(module (memory (export "memory") 1) (func (export "_start") (drop (ref.null func))))'
    assert said(on("wamr-legacy", assemble(text)), "NN225") == [
        "it runs on 2.3.0 to 2.4.5 as it is; name your release, such as `--for wamr-legacy@2.4.5`"
    ]


def test_what_holds_for_some_releases_says_for_which_and_for_all_stands_alone() -> None:
    found = on("wamr-legacy", LOADING)
    (alone,) = said(found, "NN235")
    assert alone.startswith("2.4.0 to 2.4.5: only the TensorFlow Lite backend can be built")
    old = on("wamr-2.1", WITX)
    (shared,) = said(old, "NN304")
    assert shared.startswith("the host's TensorFlow Lite uses only 32-bit floats")
    (backends,) = {text.split(":")[0] for text in said(old, "NN240") if "ggml" in text}
    assert backends == "2.2.0 to 2.3.1"


def test_that_an_adapter_passes_floats_only_takes_the_place_of_what_the_host_does_without() -> None:
    assert said(on("wamr-legacy@2.3.1", guest("wasi_nn", "wamr", "load", "set_input")), "NN241")
    adapted = on("wamr-legacy@2.3.1", WITX)
    assert said(adapted, "NN304")
    assert not said(adapted, "NN241")


def test_a_module_that_cannot_run_gets_no_notes_about_adapters() -> None:
    unloading = guest("wasi_ephemeral_nn", "wasmedge", "load", "unload")
    assert said(on("wasmtime", unloading), "NN302")
    streaming = guest("wasi_ephemeral_nn", "wasmedge", "load", "unload", "compute_single")
    found = on("wasmtime", streaming)
    assert (found.runs, found.notes) == (Runs.CANNOT, ())


def test_a_named_model_that_is_of_no_use_is_told_to_those_that_load_one() -> None:
    named = guest("wasi_ephemeral_nn", "witx", "load_by_name", "get_output")
    (found,) = said(on("wamr-ephemeral@2.1.1", named), "NN242")
    assert "init_execution_context always fails for the graph" in found
    assert not said(on("wamr-ephemeral@2.1.1", WITX), "NN242")
    assert not said(on("wamr-ephemeral@2.1.2", named), "NN242")
    assert said(on("wamr-ephemeral@2.1.2", WITX), "NN243")


OLDER = guest("wasi_nn", "wamr", "load", "set_input", "get_output", "compute")


@pytest.mark.parametrize("row", find_hosts("wamr-legacy").rows)
def test_a_guest_of_wamrs_older_abi_runs_where_that_is_and_its_release_is_not_known(
    row: Host,
) -> None:
    found = on(row.label, OLDER)
    assert found.runs is Runs.AS_IT_IS
    assert [m for m in said(found, "NN140") if "the numbers of the host are assumed" in m]
    assert rewrite(OLDER, RewriteOptions(host=row.label)) == OLDER


def test_the_release_that_a_guest_was_built_for_is_not_known_unless_a_function_shows_it() -> None:
    assert [
        m for m in said(on("wasmtime", OLDER), "NN140") if "the numbers of 2.4.0 are assumed" in m
    ]
    there = rewrite(OLDER, RewriteOptions(host="wasmtime"))
    assert said(on("wasmtime", there), "NN140")
    assert said(on("wamr-legacy", OLDER), "NN140")
    assert not said(on("wamr-legacy@2.3.1", OLDER), "NN228")
    whole = on("wamr-legacy", OLDER)
    assert whole.answer is Answer.ONLY_IF
    assert said(whole, "NN228") == [
        "1.1.1 to 1.1.2, 1.2.0 to 2.1.0, 2.1.1 to 2.3.1 and 2.4.0 to 2.4.5 number errors"
        " or encodings differently, but it was built for only one of these; name the release:"
        " `--for wamr-legacy@2.4.5`"
    ]
    only_since_2_4 = guest("wasi_nn", "wamr", "load_by_name", "get_output")
    assert not said(on("wamr-legacy@2.4.5", only_since_2_4), "NN140")
    adapted = rewrite(WITX, RewriteOptions(host="wamr-legacy@2.4.5"))
    assert not said(on("wamr-legacy@2.4.5", adapted), "NN140")
    (told,) = check(OLDER, ["wamr-legacy@2.3.1"], guest_abi="wamr-2.1-legacy")
    assert told.runs is Runs.AS_IT_IS
    assert not said(told, "NN140")
    (other,) = check(OLDER, ["wamr-legacy@2.3.1"], guest_abi="wamr-2.4-legacy")
    assert [reason.code for reason in other.reasons] == ["NN207"]


def test_a_release_that_is_not_known_is_judged_as_the_newest_that_is() -> None:
    found = on("wasmtime@99", WITX)
    assert found.runs is Runs.AS_IT_IS
    assert said(found, "NN224") == [
        "wasmtime@99 is newer than any release that nnshim knows; it is treated as 49"
    ]
    assert said(on("wasmtime", WITX), "NN224") == []


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("module", [BY_NAME, LOADING, WITX, STREAMING])
def test_a_name_is_never_judged_better_than_one_of_its_releases_but_for_numbers_that_differ(
    name: str, module: bytes
) -> None:
    whole = on(name, module)
    alone = [on(row.label, module) for row in find_hosts(name).rows]
    shared = set.intersection(*({*found.reasons} for found in alone))
    each = []
    for found in alone:
        several = {reason.code for reason in found.reasons if reason not in shared}
        numbers = several and several <= {"NN203", "NN207"} and not shared & {*found.reasons}
        each.append(Runs.AS_IT_IS if numbers else found.runs)
        if numbers:
            assert said(whole, "NN228")
    assert whole.runs is max(each, key=WORSE.index)
    assert bool(said(whole, "NN225")) is bool({*each} - {whole.runs})


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("module", [BY_NAME, LOADING, WITX])
def test_the_rewrite_that_is_named_makes_the_module_run_on_what_it_is_for(
    name: str, module: bytes
) -> None:
    found = on(name, module)
    assert (found.rewrite_for is None) is (found.runs is not Runs.AFTER_REWRITE)
    if found.rewrite_for is None:
        return
    there = rewrite(module, RewriteOptions(host=found.rewrite_for))
    newest = find_hosts(found.rewrite_for).newest
    assert on(newest.label, there).runs is Runs.AS_IT_IS
    after = on(name, there)
    if after.runs is not Runs.AS_IT_IS:  # it says for which releases it is not so
        assert all(newest.last not in reason.message for reason in after.reasons)
        assert said(after, "NN225")


def test_what_a_rewrite_assumed_of_a_host_is_said() -> None:
    aim = choose(Module(WITX), RewriteOptions(host="wasmtime@99"))
    assert "NN224" in [note.code for note in aim.notes]
    (several,) = (
        note
        for note in choose(Module(LOADING), RewriteOptions(host="wamr-legacy")).notes
        if note.code == "NN225"
    )
    assert "the result is for 2.4.0 to 2.4.5" in several.message
    assert "wamr-legacy@2.3.1" in several.text


def test_what_keeps_a_module_from_running_on_other_releases_is_not_said_of_the_rewrite() -> None:
    assert "NN312" not in [
        note.code for note in choose(Module(BY_NAME), RewriteOptions(host="wamr-legacy")).notes
    ]
    aborting = assemble('(module (import "env" "abort" (func)) (memory (export "memory") 1))')
    (said,) = (
        note.message
        for note in choose(Module(aborting), RewriteOptions(host="wasmtime")).notes
        if note.code == "NN312"
    )
    assert said.startswith("wasmtime@49 cannot run the result: ")


def test_releases_that_do_the_same_are_judged_together() -> None:
    found = by_release(inspect_module(WITX_WITH_VECTORS), find_hosts("wamr-legacy"))
    newer, older = "wamr-legacy 2.3.0 to 2.4.5", "wamr-legacy 1.1.1 to 2.2.0"
    assert [(name, each.runs, each.rewrite_for) for name, each in found.items()] == [
        (newer, Runs.AFTER_REWRITE, "wamr-legacy@2.4.5"),
        (older, Runs.CANNOT, None),
    ]
    assert said(found[older], "NN216")
    assert not said(found[newer], "NN216")
    assert not said(found[older], "NN225")


def test_releases_that_all_do_the_same_are_one() -> None:
    module = assemble('(module (memory (export "memory") 1) (memory 0) (func (export "_start")))')
    assert by_release(inspect_module(module), find_hosts("wamr-legacy")) == {}

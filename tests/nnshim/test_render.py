"""Renderers, where a value has more to it than the golden outputs show."""

from __future__ import annotations

import shlex

import pytest

from nnshim.render import json, text
from nnshim.render.values import rewrite_command
from rewriter.diagnostics import Diagnostic
from rewriter.errors import HostMismatch, UsageError
from rewriter.hosts.profiles.compare import Difference
from rewriter.hosts.starting import Trial, run_words
from rewriter.hosts.table import FAMILIES, find_hosts


@pytest.mark.parametrize("path", ["a.wasm", "a b.wasm", "a';rm -r x.wasm", "$HOME.wasm"])
def test_the_command_that_helps_is_one_for_a_shell(path: str) -> None:
    command = rewrite_command("wamr", ("--guest-abi", "witx"), path)
    expected = ["nnshim", "rewrite", "--for", "wamr", "--guest-abi", "witx", path, "OUT"]
    assert shlex.split(command) == expected


def test_a_file_whose_name_is_like_an_option_is_not_one_in_the_commands_that_help() -> None:
    assert shlex.split(rewrite_command("wamr", (), "-v.wasm", "-o"))[4:] == ["./-v.wasm", "./-o"]
    assert shlex.split(rewrite_command("wamr", (), "-", "-"))[4:] == ["-", "-"]
    for host in FAMILIES:
        words = run_words(find_hosts(host).newest, Trial("-v.wasm", True, False))
        assert words[-1] == "./-v.wasm"


def test_a_line_says_where_an_error_is_and_of_others_only_what_is_so() -> None:
    found = Diagnostic("NN211", "the host does not have unload", 16, "unload")
    assert text.line(found) == ("error[NN211]: the host does not have unload (at byte offset 0x10)")
    assert text.line(found._replace(code="NN205")) == (
        "warning[NN205]: the host does not have unload"
    )


def test_a_mismatch_is_a_line_for_each_reason_and_an_object_for_each() -> None:
    found = Diagnostic("NN219", "no memory"), Diagnostic("NN322", "64-bit", help="use wasm32")
    error = HostMismatch("a.wasm cannot run on x", found)
    assert text.failed(error) == [
        "error: a.wasm cannot run on x",
        "  error[NN219]: no memory",
        "  error[NN322]: 64-bit; use wasm32",
    ]
    assert [item["code"] for item in json.failed(error, "a.wasm")["errors"]] == ["NN219", "NN322"]


def test_an_error_about_no_module_has_no_code() -> None:
    assert text.failed(UsageError("no")) == ["error: no"]


@pytest.mark.parametrize("name", FAMILIES)
def test_lists_of_a_host_are_broken_between_items_and_diagnostics_and_addresses_never(
    name: str,
) -> None:
    chosen = find_hosts(name)
    lines = text.hosts(chosen)
    whole = [line for line in lines if "[NN" in line or line.startswith("  source: ")]
    assert all(len(line) <= 100 for line in lines if line not in whole)
    for row in chosen.rows:
        assert all(f"  {text.line(limit)}" in whole for limit in row.limits)
        for dialect in row.dialects:
            for number, errno in dialect.errno_names.items():
                assert any(f"{number} {errno}" in line for line in lines)


def test_a_function_of_wasi_that_a_host_has_with_another_type_is_not_said_to_be_missing() -> None:
    shown = " ".join(map(str.strip, text.hosts(find_hosts("wasmedge"))))
    assert (
        "wasi_snapshot_preview1: all of WASI 0.1, with a different type for sock_accept," in shown
    )
    shown = " ".join(map(str.strip, text.hosts(find_hosts("wasmtime"))))
    assert "wasi_unstable: all of WASI 0.1 but sock_accept" in shown


@pytest.mark.parametrize("name", FAMILIES)
def test_a_host_fits_one_screen_unless_all_of_it_is_asked_for(name: str) -> None:
    row = find_hosts(name).newest
    shown = text.summaries(find_hosts(row.label))
    assert len(shown) <= 25
    assert all(len(line) <= 100 for line in shown)
    words = " ".join(" ".join(shown).split())
    assert "WebAssembly features it" not in words
    for backend in row.backends:
        encoding = backend.encoding.name.lower()
        if backend.too_small is None:
            assert encoding in words
            continue
        (line,) = (it for it in shown if it.startswith(f"  {encoding} "))
        assert line.endswith(backend.too_small.value)
    assert all(limit.message in words for limit in row.limits if limit.severity.value != "note")


def test_neighbouring_releases_with_the_same_abi_share_a_line() -> None:
    lines = text.families([FAMILIES["wamr-legacy"], FAMILIES["nnshim"]])
    assert "  2.1.1 to 2.3.1  wasi_nn        wamr-2.1-legacy" in lines
    assert "  main            wasi_nn        wamr-main-legacy" in lines
    assert sum("wamr-2.1-legacy" in line for line in lines) == 1
    heads, row = lines[-5], lines[-4]
    assert row.startswith("  any ")
    assert heads.index("imported from") == row.index("wasi_")


def test_two_hosts_are_compared_in_columns_and_functions_besides_wasi_nn_are_counted() -> None:
    found = [
        Difference("types.u8", "2", "3"),
        Difference("imports.env.f", "i32 -> i32", "absent"),
        Difference("imports.env.g", "absent", "i32 -> i32"),
        Difference("imports.env.h", "i32 -> i32", "absent"),
    ]
    assert [line.split("  ")[0] for line in text.apart(("one", "two"), found)][1:] == [
        *("types.u8", "imports.env.f", "imports.env.g", "imports.env.h"),
    ]
    assert [line.split() for line in text.apart(("one", "two"), found, everything=False)] == [
        ["one", "two"],
        ["types.u8", "2", "3"],
        ["imports.env", "(only", "differences)", "2", "functions", "1", "function"],
        ["more", "with", "--all:", "each", "of", "these", "functions"],
    ]

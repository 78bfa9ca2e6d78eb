"""How a host or a library is named, with a release and without."""

from __future__ import annotations

import pytest

from rewriter import RewriteOptions, UsageError, inspect_module, rewrite
from rewriter.abi.dialects import WAMR_1_1, WITX_2022, WITX_2023, Dialect
from rewriter.hosts.table import FAMILIES, GUESTS, find_any, find_guest, find_hosts
from tests.support.wasm import assemble


def rows(name: str) -> list[str]:
    return [row.label for row in find_any(name).rows]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("wasmtime", ["wasmtime@49"]),
        ("wasmtime@14", ["wasmtime@14"]),
        ("wasmtime@14.0.4", ["wasmtime@14"]),
        ("wasmtime@1", ["wasmtime@12"]),
        ("wamr", ["wamr-ephemeral@2.4.5"]),
        ("wamr@2.2", ["wamr-legacy@2.2.0"]),
        ("wamr@2.3", ["wamr-legacy@2.3.1"]),
        ("wamr@v2.3.1", ["wamr-legacy@2.3.1"]),
        ("wamr@2.4", ["wamr-ephemeral@2.4.5"]),
        ("wamr@main", ["wamr-ephemeral@main"]),
        ("wamr-legacy@2.3.1", ["wamr-legacy@2.3.1"]),
        (
            "wamr-legacy@1",
            [
                f"wamr-legacy@{last}"
                for last in ("1.1.1", "1.1.2", "1.2.2", "1.2.3", "1.3.0", "1.3.3")
            ],
        ),
        ("wamr-ephemeral@2.3.1", ["wamr-ephemeral@2.3.1"]),
        ("wasmedge@0.14", ["wasmedge@0.14.0", "wasmedge@0.14.1"]),
        ("wasi-nn", ["wasi-nn@0.6.0"]),
        ("wasi-nn@0.5", ["wasi-nn@0.5.0"]),
        ("as-wasi-nn", ["as-wasi-nn@0.3.0"]),
    ],
)
def test_a_name_or_the_beginning_of_a_release_finds_its_rows(
    name: str, expected: list[str]
) -> None:
    assert rows(name) == expected
    assert all(note.code == "NN229" for note in find_any(name).notes)
    assert find_any(name).newest.label == expected[-1]


@pytest.mark.parametrize("name", ["wamr-legacy", "wamr-2.1"])
def test_a_build_without_a_release_is_all_that_were_released(name: str) -> None:
    family = FAMILIES[name]
    assert find_hosts(name).rows == tuple(row for row in family.rows if row.last != "main")
    assert len(find_hosts(name).rows) > 2


@pytest.mark.parametrize(
    ("name", "taken", "how"),
    [
        ("wasmtime@50", "49", "newer than any release"),
        ("wasmtime@main", "49", "newer than any release"),
        ("wamr@3", "2.4.5", "newer than any release"),
        ("wamr-legacy@2.4.6", "2.4.5", "newer than any release"),
        ("wasmedge@0.13.9", "0.13.5", "not a release"),
        ("wasi-nn@0.7", "0.6.0", "newer than any release"),
    ],
)
def test_a_release_that_is_not_known_is_the_one_before_with_a_condition(
    name: str, taken: str, how: str
) -> None:
    chosen = find_any(name)
    assert chosen.newest.last == taken
    (note,) = chosen.notes
    assert (note.code, note.message) == (
        "NN224",
        f"{name} is {how} that nnshim knows; it is treated as {taken}",
    )


def test_that_nobody_knows_what_built_a_guest_is_not_a_host_to_be_shown() -> None:
    assert find_guest("unknown").dialects == ()
    with pytest.raises(UsageError, match="which only `--from` takes"):
        find_any("unknown")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "wamr@1.3.2",
            "is one of 1.3.1 to 1.3.3, which behave alike and are listed as wamr-legacy@1.3.3",
        ),
        (
            "wamr@2.3.0",
            "is one of 2.3.0 to 2.3.1, which behave alike and are listed as wamr-legacy@2.3.1",
        ),
        ("wasmtime@30", "is one of 30 to 34, which behave alike and are listed as wasmtime@34"),
        ("wasmtime@46.0.1", None),
        ("wamr@2.4", None),
        ("wamr-legacy@2.3.1", None),
        ("wasmedge@0.14", None),
        ("wamr-legacy@1", None),
        ("wasmtime@50", None),
    ],
)
def test_a_release_that_goes_by_another_one_is_told_so(name: str, said: str | None) -> None:
    found = [note.message for note in find_any(name).notes if note.code == "NN229"]
    assert found == ([] if said is None else [f"{name} {said}"])


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("wasmedge@14", "wasmedge@0.14"),
        ("wasmedge@14.1", "wasmedge@0.14.1"),
        ("wasmedge@17.1", "wasmedge@0.17.1"),
        ("wasi-nn@5", "wasi-nn@0.5"),
        ("as-wasi-nn@3", "as-wasi-nn@0.3"),
    ],
)
def test_a_release_whose_zero_was_left_out_is_a_slip(name: str, meant: str) -> None:
    with pytest.raises(UsageError, match=f"has the releases .*; did you mean {meant}\\?$"):
        find_any(name)


@pytest.mark.parametrize("name", ["wasmedge@1", "wasmedge@18", "wasmtime@50", "wasmedge@1.14"])
def test_a_release_that_may_yet_come_is_no_slip(name: str) -> None:
    assert [note.code for note in find_any(name).notes] == ["NN224"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("wamr-legcy", "not a known host .*; did you mean wamr-legacy\\?"),
        ("wamr-legcy@2.3", "; did you mean wamr-legacy@2.3\\?"),
        ("WASMTIME", "; did you mean wasmtime\\?"),
        ("browser", "not a known host \\(wasmtime, wamr, .*nnshim\\)$"),
        ("", "'' is not a known host"),
        ("@", "'@' is not a known host"),
        ("wasi-nn", "'wasi-nn' is not a known host .*; it is a library, which only `--from` takes"),
        ("wasi-nn@0.5", "; it is a library, which only `--from` takes"),
        ("wamr:2.1", "; did you mean wamr@2.1\\?"),
        ("wamr-2.2", "; did you mean wamr@2.2\\?"),
        ("WAMR-2.3.1", "; did you mean wamr@2.3.1\\?"),
        ("wasmtime 14", "; did you mean wasmtime@14\\?"),
        ("wasmedge=v0.14", "; did you mean wasmedge@0.14\\?"),
        ("wasmtime,wamr@2.2", "; these are 2 names, and each --for takes one$"),
        ("wamr@1.0", "older than every known release: wamr has the releases 1.1.1 to 2.4.5"),
        ("wasmtime@0.40", "older than every known release: wasmtime has the releases 1 to 49"),
        ("wamr-ephemeral@1.3", "older than every known release"),
        (
            "wamr@",
            "'wamr@' does not name a release: wamr has the releases 1.1.1 to 2.4.5; "
            "`nnshim hosts` lists them",
        ),
        ("wamr@latest", "wamr has the releases"),
        ("wamr@2..1", "wamr has the releases"),
        ("wamr@-1", "wamr has the releases"),
        ("wamr@\N{ARABIC-INDIC DIGIT TWO}", "wamr has the releases"),
        ("wamr@" + 5000 * "9", "wamr has the releases"),
        ("wamr-2.1@2.1.1", "; write wamr-ephemeral@2.1.1; `nnshim hosts`"),
        ("nnshim@1", "nnshim has no releases; leave out the version"),
    ],
)
def test_what_is_not_a_host_or_a_release_is_refused_with_what_is(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        find_hosts(name)


@pytest.mark.parametrize("name", GUESTS)
def test_each_release_belongs_to_one_row(name: str) -> None:
    family = GUESTS[name]
    for row in family.rows:
        if row.first and not family.closed:
            for release in {row.first, row.last}:
                assert find_any(f"{name}@{release}").rows == (row,)


@pytest.mark.parametrize(
    ("built_for", "dialect"),
    [
        ("wasi-nn@0.4", WITX_2022),
        ("wasi-nn@0.5", WITX_2023),
        ("as-wasi-nn", WITX_2022),
        ("wasmtime@14", WITX_2023),
        ("wamr-legacy@1.1", WAMR_1_1),
    ],
)
def test_what_a_guest_was_built_with_says_its_numbers(built_for: str, dialect: Dialect) -> None:
    assert find_guest(built_for).dialects == (dialect,)


GUEST = assemble(
    """(module
      (import "wasi_ephemeral_nn" "set_input" (func $set (param i32 i32 i32) (result i32)))
      (import "wasi_ephemeral_nn" "load" (func (param i32 i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1)
      (func (export "_start") (drop (call $set (i32.const 0) (i32.const 0) (i32.const 0)))))"""
)


@pytest.mark.parametrize(
    ("built_for", "adapted"),
    [
        ("wasi-nn@0.5", "set_input"),
        ("wasi-nn@0.2", "set_input"),
        ("as-wasi-nn", "set_input"),
        ("wasmedge@0.14", "set_input"),
        ("wasi-nn@0.6", None),
    ],
)
def test_a_rewrite_translates_the_numbers_of_what_a_guest_was_built_with(
    built_for: str, adapted: str | None
) -> None:
    there = rewrite(GUEST, RewriteOptions(host="wasmtime", built_for=built_for))
    adapters = inspect_module(there).adapters.values()
    names = [standing.adapter.imported for standing in adapters]
    assert (adapted in names) if adapted else names == []

"""Adapting an adapted module again gives the same result as adapting the original guest."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from rewriter import RewriteOptions, check, compare, inspect_module, rewrite
from rewriter.abi.dialects import DIALECTS
from rewriter.analysis.compatibility import Runs
from tests.rewriter.adapters.unmarked import plain
from tests.support.wasm import assemble


def adapted(module: bytes, **options: Any) -> bytes:
    return rewrite(module, RewriteOptions(validate=False, **options))


@functools.cache
def directly(source: str, target: str) -> bytes:
    """An adapted guest that calls the functions common to all ABIs."""
    return adapted(plain(source, *DIALECTS), abi=target, guest_abi=source)


@pytest.mark.parametrize("first", DIALECTS)
def test_adapting_through_any_other_abi_gives_the_same_bytes(first: str) -> None:
    """Each two of the three ABIs meet, with a third of those that can be the other one."""
    through, names = 0, [*DIALECTS]
    for source in DIALECTS:
        there = directly(source, first)
        if not inspect_module(there).adapters:
            continue
        # If imports show the same ABI, the adapters are not proof that the user said it.
        again = source if source in ("witx", "wasmedge") else None
        for second in names[-(names.index(first) + names.index(source)) % 3 :: 3]:
            anew = adapted(there, abi=second, guest_abi=again)
            assert anew == directly(source, second), (source, second)
            through += 1
    assert through > 30


def test_the_second_host_loads_an_encoding_that_the_first_does_not_have() -> None:
    """WAMR and WasmEdge have a number for GGML, but Wasmtime does not."""
    for_wasmtime = adapted(plain("wamr", "witx"), host="wasmtime")
    (verdict,) = check(for_wasmtime, ["wasmedge"])
    assert verdict.runs is Runs.AFTER_REWRITE
    for_wasmedge = adapted(for_wasmtime, host="wasmedge")
    assert for_wasmedge == adapted(plain("wamr", "witx"), host="wasmedge")
    (verdict,) = check(for_wasmedge, ["wasmedge"])
    assert verdict.runs is Runs.AS_IT_IS


@pytest.mark.parametrize("host", ["wasmtime", "wasmedge", "wamr-ephemeral", "wamr-legacy@2.4.5"])
def test_functions_of_two_abis_under_one_name_keep_their_abis(host: str) -> None:
    both = {"wasi_ephemeral_nn": DIALECTS["witx"], "wasi_nn": DIALECTS["wamr"]}
    imports = (
        f'(import "{module}" "{function}" (func {dialect.signature(function)}))'
        for module, dialect in both.items()
        for function in ("load", "set_input", "get_output")
    )
    guest = assemble(f'(module {" ".join(imports)} (memory (export "memory") 1))')
    there = adapted(guest, host=host)
    (verdict,) = check(there, [host])
    assert verdict.runs is Runs.AS_IT_IS
    assert adapted(there, host=host) == there


COMMON = ("load", "set_input", "get_output", "init_execution_context", "compute")
EVERYWHERE = (
    *("wasmtime", "wasmtime@14", "wasmedge", "wamr-ephemeral@2.3.1", "wamr-ephemeral@2.4.5"),
    *("wamr-legacy@1.3.3", "wamr-legacy@2.3.1", "wamr-legacy@2.4.5"),
)


def calling(**functions: Sequence[str]) -> bytes:
    """A guest that imports functions of several ABIs, each under the module name of its ABI.
    WasmEdge's functions are under that of WAMR."""
    modules = {"witx": "wasi_ephemeral_nn", "wamr": "wasi_nn", "wasmedge": "wasi_nn"}
    imports = " ".join(
        f'(import "{modules[abi]}" "{function}" (func {DIALECTS[abi].signature(function)}))'
        for abi, names in functions.items()
        for function in names
    )
    return assemble(f'(module {imports} (memory (export "memory") 1) (func))')


@pytest.mark.parametrize(
    "guest",
    [
        pytest.param(calling(witx=COMMON, wamr=COMMON), id="all of both"),
        pytest.param(calling(wamr=COMMON, witx=COMMON), id="the other first"),
        pytest.param(calling(witx=("load", "compute"), wamr=("get_output", "compute")), id="some"),
        pytest.param(calling(witx=("get_output", "compute"), wamr=("load",)), id="one that shows"),
        pytest.param(calling(witx=COMMON, wasmedge=("unload", *COMMON)), id="an extension"),
    ],
)
@pytest.mark.parametrize("first", EVERYWHERE)
def test_functions_of_two_abis_are_told_apart_after_a_rewrite_to_one_name(
    guest: bytes, first: str
) -> None:
    """compute has the same type in all ABIs, but not the same errnos."""
    there = adapted(guest, host=first)
    for second in EVERYWHERE:
        assert adapted(there, host=second) == adapted(guest, host=second), second


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="any release"),
        pytest.param({"built_for": "wamr-legacy@2.3.1"}, id="an older one"),
        pytest.param({"built_for": "wamr-legacy@2.4.5"}, id="the newest"),
    ],
)
@pytest.mark.parametrize("first", EVERYWHERE)
def test_the_release_that_a_wamr_guest_was_built_for_is_kept(
    first: str, options: Mapping[str, str]
) -> None:
    guest = calling(wamr=COMMON)
    there = adapted(guest, host=first, **options)
    again = options if there == guest else {}
    for second in EVERYWHERE:
        assert adapted(there, host=second, **again) == adapted(guest, host=second, **options)


GUESSED = assemble(
    '(module (import "wasi_ephemeral_nn" "load"'
    f" (func {DIALECTS['witx'].signature('load')}))"
    f' (import "wasi_ephemeral_nn" "set_input" (func {DIALECTS["witx"].signature("set_input")}))'
    ' (memory (export "memory") 1)'
    " (func (drop (call 1 (i32.const 0) (i32.const 0) (i32.const 0)))))"
)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="nothing is known of the guest"),
        pytest.param({"built_for": "wasmtime"}, id="it is known"),
        pytest.param({"built_for": "unknown"}, id="its tensors are to tell"),
    ],
)
def test_what_the_user_said_about_a_guest_is_kept(options: Mapping[str, str]) -> None:
    hosts = ("wamr-legacy", "wamr-ephemeral@2.3.1", "wasmtime@14")
    for first in hosts:
        there = adapted(GUESSED, host=first, **options)
        for second in hosts:
            assert adapted(there, host=second) == adapted(GUESSED, host=second, **options)


def test_what_the_user_says_replaces_a_guess() -> None:
    there = adapted(GUESSED, host="wamr-legacy")
    told = {"host": "wamr-legacy", "built_for": "wasi-nn@0.3"}
    (before, after) = (inspect_module(adapted(m, **told)).adapters[1] for m in (there, GUESSED))
    assert before.adapter == after.adapter
    assert before.adapter.told
    assert before.adapter.source.tensor_types is DIALECTS["witx-2022"].tensor_types


LOAD, WAMR_LOAD = (DIALECTS[abi].signature("load") for abi in ("witx", "wamr"))
FOUR = "(func (param i32 i32 i32 i32) (result i32))"
"""The type of WAMR's load, which the guest's own functions do not need."""


@pytest.mark.parametrize(
    ("more", "goes"),
    [
        pytest.param("", True, id="nothing"),
        pytest.param(
            "(func (type $none) (br_table 0 0 (i32.const 0)))", True, id="nothing, after a table"
        ),
        pytest.param(f"(type $t {FOUR}) (func (type $t) unreachable)", False, id="a function"),
        pytest.param(
            f"(type $t {FOUR}) (table 1 funcref) (func (type $none) (call_indirect (type $t)"
            " (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)) drop)",
            False,
            id="an indirect call",
        ),
        pytest.param(
            f"(type $t {FOUR}) (func (type $none) unreachable (block (type $t) unreachable) drop)",
            False,
            id="a block",
        ),
        pytest.param(
            f"(type $t {FOUR}) (func (type $none) (local (ref null $t)))", False, id="a variable"
        ),
        pytest.param(
            f"(type $t {FOUR}) (func (type $none) (drop (ref.null $t)))", False, id="a null"
        ),
        pytest.param(
            f"(type $t {FOUR}) (global (ref null $t) (ref.null $t))", False, id="a global"
        ),
        pytest.param(f'(type $t {FOUR}) (import "m" "f" (func (type $t)))', False, id="an import"),
    ],
)
def test_an_appended_type_is_removed_with_the_adapters_unless_it_is_used(
    more: str, goes: bool
) -> None:
    """If the type is used, it was the guest's own last type."""
    imported, rest = (more, "") if "import" in more else ("", more)
    module = assemble(
        f"(module (type $load (func {LOAD})) (type $none (func))"
        f' (import "wasi_ephemeral_nn" "load" (func (type $load))) {imported}'
        f' (memory (export "memory") 1) (func (type $none)) {rest})'
    )
    assert ([*inspect_module(module).module.types][-1] == WAMR_LOAD) is not goes
    there = rewrite(module, RewriteOptions(abi="wamr"))
    back = rewrite(there, RewriteOptions(abi="witx"))
    types = [*inspect_module(back).module.types]
    assert (types == [*inspect_module(module).module.types]) or not goes
    assert (WAMR_LOAD in types) is not goes
    assert compare(module, back).only_rewritten
    assert compare(there, back).only_rewritten

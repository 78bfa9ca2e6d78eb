from __future__ import annotations

import pytest

import rewriter
from rewriter import HostMismatch, NothingToRename, UsageError, inspect_module
from rewriter.dialects import MODULE_NAMES
from rewriter.hosts import HOSTS, Assessment, Verdict, assess
from tests.wasm import assemble

AS_IT_IS, RENAMED, CANNOT = Verdict.AS_IT_IS, Verdict.AFTER_RENAME, Verdict.CANNOT
LOAD = {"witx": "i32 i32 i32 i32 i32", "wamr": "i32 i32 i32 i32"}
MEMORY = '(memory (export "memory") 1)'


def guest(module: str, abi: str, *more: str, memory: str = MEMORY) -> bytes:
    imports = [f'(import "{module}" "load" (func (param {LOAD[abi]}) (result i32)))']
    imports += [f'(import "{module}" "{name}" (func (param i32) (result i32)))' for name in more]
    return assemble(f"(module {' '.join(imports)} {memory})")


def on(host: str, module: bytes) -> Assessment:
    return assess(inspect_module(module), HOSTS[host])


@pytest.mark.parametrize(
    ("module", "abi", "expected"),
    [
        ("wasi_ephemeral_nn", "witx", [AS_IT_IS, AS_IT_IS, AS_IT_IS, CANNOT, AS_IT_IS, AS_IT_IS]),
        ("wasi_nn", "witx", [RENAMED, RENAMED, RENAMED, CANNOT, RENAMED, AS_IT_IS]),
        ("wasi_nn", "wamr", [CANNOT, CANNOT, CANNOT, AS_IT_IS, CANNOT, AS_IT_IS]),
        ("wasi_ephemeral_nn", "wamr", [CANNOT, CANNOT, CANNOT, RENAMED, CANNOT, AS_IT_IS]),
    ],
)  # fmt: skip
def test_name_and_abi_decide_where_a_module_runs(
    module: str, abi: str, expected: list[Verdict]
) -> None:
    names = ["wasmtime", "wamr", "wamr-2.1", "wamr-legacy", "wasmedge", "nnshim"]
    assert list(HOSTS) == names
    assert [on(name, guest(module, abi)).verdict for name in names] == expected


def test_functions_that_a_host_lacks_are_the_reason() -> None:
    module = guest("wasi_ephemeral_nn", "witx", "unload", "compute_single")
    assert on("wasmedge", module).verdict is AS_IT_IS
    for host in ("wasmtime", "wamr"):
        assert on(host, module).reasons == ("the host does not have unload, compute_single",)


def test_functions_that_came_later_are_a_caveat() -> None:
    module = guest("wasi_nn", "wamr", "load_by_name")
    found = on("wamr-legacy", module)
    assert found.verdict is AS_IT_IS
    assert "the host has load_by_name since 2.4.0" in found.caveats


def test_what_a_host_is_known_not_to_do_is_a_caveat() -> None:
    caveats = on("wamr-2.1", guest("wasi_ephemeral_nn", "witx")).caveats
    assert "tensors of u8, i32 and i64 are taken for bf16, u8 and i32" in caveats


def test_a_guessed_abi_is_a_caveat() -> None:
    text = f'(module (import "wasi_nn" "compute" (func (param i32) (result i32))) {MEMORY})'
    assert "that its wasi_nn is of the wamr ABI is a guess" in on("nnshim", assemble(text)).caveats


@pytest.mark.parametrize("host", HOSTS)
def test_no_host_runs_a_guest_without_memory_or_of_an_unknown_abi(host: str) -> None:
    found = on(host, guest("wasi_nn", "witx", memory=""))
    assert found.verdict is CANNOT
    assert 'it exports no memory named "memory"' in found.reasons
    text = f'(module (import "wasi_nn" "load" (func (param i64))) {MEMORY})'
    assert on(host, assemble(text)).verdict is CANNOT


@pytest.mark.parametrize("host", HOSTS)
def test_a_module_without_wasi_nn_runs_anywhere(host: str) -> None:
    assert on(host, assemble("(module)")) == Assessment(AS_IT_IS, (), ())


@pytest.mark.parametrize("name", HOSTS)
def test_a_profile_names_its_source_and_only_known_modules(name: str) -> None:
    profile = HOSTS[name]
    assert profile.source
    assert set(profile.modules) <= set(MODULE_NAMES)
    assert set(profile.functions) >= set.intersection(*(set(d.functions) for d in profile.dialects))


def test_a_rewrite_for_a_host_gives_the_name_that_it_registers() -> None:
    module = guest("wasi_nn", "witx")
    for host in ("wasmtime", "wamr", "wasmedge"):
        there = rewriter.rewrite(module, host=host)
        assert on(host, there).verdict is AS_IT_IS
        assert rewriter.rewrite(there, host=host) == there
        with pytest.raises(NothingToRename):
            rewriter.rewrite(there, host=host, require=True)
    assert rewriter.rewrite(module, host="nnshim") == module


def test_a_given_abi_decides_where_the_imports_cannot() -> None:
    text = f'(module (import "wasi_nn" "compute" (func (param i32) (result i32))) {MEMORY})'
    with pytest.raises(HostMismatch):
        rewriter.rewrite(assemble(text), host="wasmtime")
    there = rewriter.rewrite(assemble(text), host="wasmtime", guest_abi="witx")
    assert inspect_module(there).import_modules == ("wasi_ephemeral_nn",)


def test_a_rewrite_for_a_host_of_another_abi_is_refused_with_the_reason() -> None:
    with pytest.raises(
        HostMismatch, match=r"cannot run on wamr-legacy: its wasi_nn is of the witx ABI"
    ):
        rewriter.rewrite(guest("wasi_nn", "witx"), host="wamr-legacy")


def test_an_unknown_host_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(UsageError, match=r"no known host.*wasmtime"):
        rewriter.rewrite(guest("wasi_nn", "witx"), host="wasmer")

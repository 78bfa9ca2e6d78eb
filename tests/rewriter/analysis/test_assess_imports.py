"""Imports that fit no ABI, and modules without a memory, on each host."""

from __future__ import annotations

import pytest

import rewriter
from rewriter import HostMismatch, RewriteOptions
from rewriter.abi.dialects import DIALECTS
from rewriter.hosts.table import HOSTS
from tests.rewriter.analysis.test_assess import AS_IT_IS, CANNOT, MEMORY, codes, guest, on, words
from tests.support.wasm import assemble


def test_no_host_that_refuses_to_link_runs_a_guest_of_an_unknown_abi() -> None:
    text = f'(module (import "wasi_nn" "load" (func (param i64))) {MEMORY})'
    for host in ("wasmtime", "wasmedge", "nnshim"):
        assert "NN142" in codes(on(host, assemble(text)).reasons)


def test_a_function_of_another_type_than_the_abis_is_an_obstacle() -> None:
    text = f"""(module (import "wasi_nn" "compute" (func (param i64) (result i32))) {MEMORY})"""
    assert words(on("wasmtime", assemble(text)).reasons) == [
        (
            "NN143",
            "wasi_nn.compute, (param i64) (result i32), which the wamr ABI does not have",
        )
    ]


def test_a_function_import_whose_type_is_not_a_functions_is_an_obstacle() -> None:
    text = f"""(module (type $array (array i16))
        (import "wasi_ephemeral_nn" "load" (func (type $array))) {MEMORY})"""
    module = assemble(text)
    reason = "wasi_ephemeral_nn.load, of a type that no function has, which the"
    for abi in DIALECTS:
        with pytest.raises(HostMismatch, match=f"{reason} {abi} ABI"):
            rewriter.rewrite(module, RewriteOptions(abi="witx", guest_abi=abi, validate=False))


@pytest.mark.parametrize("kind", ["table 2 2 funcref", "memory 1", "global i32", "tag"])
@pytest.mark.parametrize("name", ["table", "set_input"])
@pytest.mark.parametrize("host", HOSTS)
def test_what_is_imported_from_wasi_nn_and_is_no_function_is_an_obstacle(
    host: str, name: str, kind: str
) -> None:
    text = f'(module (import "wasi_ephemeral_nn" "{name}" ({kind})) {MEMORY})'
    found = on(host, assemble(text))
    assert found.runs is CANNOT
    what = f"it imports wasi_ephemeral_nn.{name}, a {kind.split()[0]}"
    assert words(found.reasons)[0] == (
        "NN144",
        f"{what}, but hosts define only functions under this name",
    )


def test_of_what_a_host_is_known_not_to_do_only_what_decides_is_said() -> None:
    found = on("wamr-2.1", guest("wasi_ephemeral_nn", "witx"))
    assert {"NN241", "NN251"} <= {*codes(found.needs)}
    assert {"NN138", "NN240"} <= {*codes(found.unseen)}
    assert "NN234" in codes(HOSTS["wamr-2.1"].limits)
    assert "NN234" not in codes(found.caveats)


def test_a_guessed_abi_is_a_caveat() -> None:
    text = f'(module (import "wasi_nn" "compute" (func (param i32) (result i32))) {MEMORY})'
    caveats = words(on("nnshim", assemble(text)).caveats)
    assert ("NN136", "the ABI of wasi_nn (wamr) is a guess") in caveats


NO_MEMORY = """(module
    (import "wasi_ephemeral_nn" "load" (func (param i32 i32 i32 i32 i32) (result i32)))
    {} (func (export "_start")))"""


def test_what_a_host_does_without_an_exported_memory_is_its_own() -> None:
    hidden = assemble(NO_MEMORY.format("(memory 1)"))
    for host in ("wasmtime", "nnshim"):
        found = on(host, hidden)
        assert (found.runs, codes(found.conditions)) == (AS_IT_IS, ["NN141"])
    assert on("wasmedge", hidden).conditions == ()
    for host in ("wamr", "wamr-ephemeral", "wamr-2.1"):
        found = on(host, hidden)
        assert found.runs is CANNOT
        assert "NN219" in codes(found.reasons)


def test_a_guest_that_has_no_memory_at_all_fails_wherever_it_calls_wasi_nn() -> None:
    none = assemble(NO_MEMORY.format(""))
    for host in ("wasmtime", "wasmedge", "nnshim"):
        assert codes(on(host, none).conditions) == ["NN141"]


@pytest.mark.parametrize("host", ["wasmtime", "wasmedge"])
def test_adapters_have_no_memory_to_work_in_where_none_is_exported(host: str) -> None:
    module = guest("wasi_nn", "wamr", memory="(memory 1)")
    assert codes(on(host, module).reasons) == ["NN325"]
    with pytest.raises(HostMismatch) as caught:
        rewriter.rewrite(module, RewriteOptions(host=host))
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["NN325"]
    renamed = rewriter.rewrite(
        guest("wasi_nn", "witx", memory="(memory 1)"), RewriteOptions(host=host)
    )
    assert on(host, renamed).runs is AS_IT_IS

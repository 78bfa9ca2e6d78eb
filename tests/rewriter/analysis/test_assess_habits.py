"""What hosts do with names, configurations, images, outputs and several models."""

from __future__ import annotations

import pytest

from rewriter import inspect_module
from rewriter.analysis.compatibility import assess
from rewriter.hosts.table import find_host
from tests.rewriter.analysis.test_assess import AS_IT_IS, REWRITE, codes, guest
from tests.support.wasm import assemble


@pytest.mark.parametrize("abi_module", ["wasi_snapshot_preview1", "env"])
def test_writing_to_standard_output_at_an_offset_is_a_condition_on_wasmedge(
    abi_module: str,
) -> None:
    """Of WASI's function, not of others by its name."""
    data = assemble(
        f'''(module
            (import "{abi_module}" "fd_pwrite" (func (param i32 i32 i32 i64 i32) (result i32)))
            (import "wasi_ephemeral_nn" "compute" (func (param i32) (result i32)))
            (memory (export "memory") 1) (func (export "_start")))'''
    )
    for host, expected in (("wasmedge@0.11.0", True), ("wasmedge", True), ("wasmtime", False)):
        told = "NN245" in codes(assess(inspect_module(data), find_host(host)).conditions)
        assert told is (expected and abi_module != "env")


@pytest.mark.parametrize("exported", [0, 1])
def test_wasmedge_works_in_the_first_memory(exported: int) -> None:
    """As it does with its other functions: a call of a guest that exports another fails."""
    data = assemble(
        f"""(module
            (import "wasi_ephemeral_nn" "compute" (func (param i32) (result i32)))
            (memory 1) (memory 1) (export "memory" (memory {exported})) (func (export "_start")))"""
    )
    for host, said in (("wasmedge@0.17.1", exported != 0), ("wasmtime", False)):
        verdict = assess(inspect_module(data), find_host(host))
        assert verdict.runs is AS_IT_IS
        assert ("NN246" in codes(verdict.conditions)) is said


NAMED = ("load_by_name", "load_by_name_with_config")


@pytest.mark.parametrize("name", NAMED)
def test_names_that_may_lack_a_nul_are_a_caveat_where_no_adapter_puts_one(name: str) -> None:
    legacy, ephemeral = find_host("wamr-legacy@2.4.5"), find_host("wamr-ephemeral@2.4.5")
    own = guest("wasi_nn", "wamr", *([name] if name in legacy.dialects[0].functions else []))
    said = codes(assess(inspect_module(own), legacy).caveats)
    assert ("NN139" in said) is (name == "load_by_name")
    assert "NN139" not in codes(assess(inspect_module(own), legacy, guest=legacy).caveats)
    assert "NN139" not in codes(assess(inspect_module(own), find_host("wasmtime")).caveats)
    other = guest("wasi_ephemeral_nn", "witx", name)
    assert "NN208" in codes(assess(inspect_module(other), ephemeral).reasons)
    assert "NN139" not in codes(assess(inspect_module(other), ephemeral).caveats)


@pytest.mark.parametrize("guest_abi", [None, "wamr-ephemeral"])
def test_a_configuration_that_ends_the_host_is_said_with_an_adapter_and_without(
    guest_abi: str | None,
) -> None:
    module = guest("wasi_ephemeral_nn", "witx", "load_by_name_with_config")
    found = assess(inspect_module(module, guest_abi), find_host("wamr-ephemeral@2.4.5"))
    assert found.runs is (REWRITE if guest_abi is None else AS_IT_IS)
    assert "NN309" in codes(found.caveats)
    assert "NN309" not in codes(assess(inspect_module(module), find_host("wasmedge")).caveats)


@pytest.mark.parametrize("guest_abi", ["wamr-2.4-legacy", None])
def test_the_order_of_images_is_said_with_an_adapter_and_without(guest_abi: str | None) -> None:
    module = guest("wasi_nn", "wamr", "set_input")
    found = assess(inspect_module(module, guest_abi), find_host("wamr-legacy@2.3.1"))
    assert found.runs is (AS_IT_IS if guest_abi is None else REWRITE)
    assert "NN308" in codes(found.caveats)
    without_openvino = assess(inspect_module(module, guest_abi), find_host("wamr-legacy@2.1.1"))
    assert "NN308" not in codes(without_openvino.caveats)
    assert "NN308" not in codes(assess(inspect_module(module), find_host("wamr@2.4")).caveats)


@pytest.mark.parametrize(
    ("label", "replaces"),
    [
        *(("wamr-legacy@1.1.2", True), ("wamr-legacy@2.1.0", False), ("wamr-legacy@2.1.1", False)),
        *(("wamr-legacy@2.1.2", True), ("wamr-legacy@2.3.1", True), ("wamr-legacy@2.4.5", False)),
        *(("wamr-ephemeral@2.1.2", True), ("wamr-ephemeral@2.4.5", False)),
    ],
)
def test_where_each_load_takes_the_place_of_the_one_before(label: str, replaces: bool) -> None:
    module = guest("wasi_ephemeral_nn", "witx")
    said = codes(assess(inspect_module(module), find_host(label)).caveats)
    assert ("NN243" in said) is replaces


def test_a_name_that_ends_the_host_where_nothing_was_loaded_is_a_caveat() -> None:
    module = guest("wasi_ephemeral_nn", "witx", "load_by_name")
    for label in ("wamr-ephemeral@2.1.1", "wamr-ephemeral@2.1.2", "wamr-ephemeral@2.3.1"):
        said = codes(assess(inspect_module(module), find_host(label)).caveats)
        assert ("NN244" in said) is (label == "wamr-ephemeral@2.1.2")

"""Which models a component loads, on hosts of components: as its core module shows."""

from __future__ import annotations

import pytest

from rewriter import RewriteOptions, check, rewrite
from rewriter.abi.dialects import WASI_EPHEMERAL_NN
from rewriter.abi.wasi import WASI
from rewriter.analysis.compatibility import Answer, Verdict
from rewriter.files import wasi_adapter, wasm_tools
from rewriter.rewriting.making.adapter import adapter_text, interface_text
from rewriter.wasm.leb128 import encode_u32
from tests.support.components import OCTOBER, component
from tests.support.wasm import assemble

ABOUT_MODELS = {"NN253", "NN262", "NN263", "NN713"}


def guest(encoding: str, target: str = "i32.const 0", by_name: bool = False) -> bytes:
    """A core module that loads a model in a function of its own."""
    named = """(import "wasi_ephemeral_nn" "load_by_name"
        (func $by_name (param i32 i32 i32) (result i32)))"""
    call = "(drop (call $by_name (i32.const 0) (i32.const 1) (i32.const 8)))"
    return assemble(f"""(module
        (import "wasi_ephemeral_nn" "load"
            (func $load (param i32 i32 i32 i32 i32) (result i32)))
        {named if by_name else ""}
        (memory (export "memory") 1)
        (func $open (param $encoding i32)
            (drop (call $load (i32.const 0) (i32.const 1) (local.get $encoding) ({target})
                (i32.const 8))))
        (func (export "_start") (call $open ({encoding})) {call if by_name else ""}))""")


def judged(data: bytes, host: str) -> Verdict:
    (verdict,) = check(data, [host])
    return verdict


def said(verdict: Verdict) -> set[tuple[str, str]]:
    return {(one.code, one.message) for one in verdict.caveats if one.code in ABOUT_MODELS}


def codes(verdict: Verdict) -> set[str]:
    return {one.code for one in verdict.caveats}


@pytest.mark.parametrize("host", ["wasmtime@36", "wasmtime@49", "nnshim"])
@pytest.mark.parametrize("encoding", range(7))
@pytest.mark.parametrize("target", range(4))
def test_the_same_is_said_of_its_models_as_of_the_core_module_that_it_was_made_from(
    host: str, encoding: int, target: int
) -> None:
    core = guest(f"i32.const {encoding}", f"i32.const {target}")
    made = rewrite(core, RewriteOptions(to="wasi:nn"))
    assert said(judged(made, host)) == said(judged(core, host))
    detected = encoding > 4  # autodetect, and a number without a meaning
    assert ("NN282" in codes(judged(made, host))) == detected


def test_a_component_that_loads_what_the_host_has_no_backend_for_is_not_passed() -> None:
    made = rewrite(guest("i32.const 5"), RewriteOptions(to="wasi:nn"))
    verdict = judged(made, "wasmtime")
    assert verdict.answer is Answer.ONLY_IF
    assert {one.code for one in verdict.conditions} == {"NN262", "NN359"}
    condition = next(one for one in verdict.conditions if one.code == "NN262")
    assert condition.offset is None


@pytest.mark.parametrize(
    "core",
    [
        guest("i32.load (i32.const 64)"),
        guest("i32.const 0", "i32.load (i32.const 64)"),
        guest("i32.const 0", by_name=True),
    ],
    ids=["encoding", "target", "by name"],
)
def test_what_is_not_constant_is_unknown(core: bytes) -> None:
    made = rewrite(core, RewriteOptions(to="wasi:nn"))
    assert "NN282" in codes(judged(made, "wasmtime"))


ENCODING = """(select (i32.sub (i32.const 11) (local.get $encoding)) (local.get $encoding)
        (i32.ge_u (local.get $encoding) (i32.const 5)))"""
"""What nnshim's adapter passes to `load` of wasi:nn as the encoding."""


def by_adapter(encoding: str, target: str = "(local.get $target)") -> bytes:
    """A component of a program that loads a model for OpenVINO on the CPU, with an adapter that
    passes this on instead."""
    passed = f"{ENCODING}\n      (local.get $target)"
    text = adapter_text()
    assert passed in text
    text = text.replace(passed, f"{encoding}\n      {target}")
    adapters = {
        WASI: wasi_adapter.find(wasi_adapter.COMMAND),
        WASI_EPHEMERAL_NN: wasm_tools.embed(text, interface_text(), "adapter"),
    }
    return wasm_tools.new_component(guest("i32.const 0"), adapters)


@pytest.mark.parametrize(
    ("encoding", "target", "known"),
    [
        (ENCODING, "(local.get $target)", True),
        ("(local.get $encoding)", "(local.get $target)", True),
        ("(i32.const 5)", "(local.get $target)", False),
        ("(i32.sub (i32.const 5) (local.get $encoding))", "(local.get $target)", False),
        ("(i32.load (i32.const 0))", "(local.get $target)", False),
        (ENCODING, "(i32.const 1)", False),
    ],
)
def test_an_adapter_may_load_something_else_than_the_program_asks_for(
    encoding: str, target: str, known: bool
) -> None:
    verdict = judged(by_adapter(encoding, target), "wasmtime")
    assert ("NN282" not in codes(verdict)) == known


def test_another_core_module_may_load_something_else() -> None:
    """It is passed the same functions as the adapter."""
    text = f"""(module (import "wasi:nn/graph@{OCTOBER}" "load"
        (func $load (param i32 i32 i32 i32 i32)))
        (func (export "load") (call $load (i32.const 0) (i32.const 1) (i32.const 5) (i32.const 0)
            (i32.const 8))))"""
    module = assemble(text)
    made = rewrite(guest("i32.const 0"), RewriteOptions(to="wasi:nn"))
    assert "NN282" not in codes(judged(made, "wasmtime"))
    made += b"\x01" + encode_u32(len(module)) + module
    assert "NN282" in codes(judged(made, "wasmtime"))


def test_what_a_component_that_was_made_in_another_way_loads_is_unknown() -> None:
    made = component(
        f"""(import "wasi:nn/errors@{OCTOBER}" (instance (export "error" (type (sub resource)))))"""
    )
    verdict = judged(made, "wasmtime")
    assert verdict.answer is Answer.RUNS
    assert "NN282" in codes(verdict)

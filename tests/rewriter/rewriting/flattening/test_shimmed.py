"""The core module of a component that has got another version of wasi:nn, with a shim."""

from __future__ import annotations

import pytest

from rewriter import RewriteOptions, check, rewrite
from rewriter.abi.snapshots import VERSIONED
from rewriter.analysis.compatibility import Answer
from tests.support.forms import OCTOBER
from tests.support.unversioned import guest as own_calls
from tests.support.wasm import assemble

CORE = """(module
    (import "wasi_ephemeral_nn" "load" (func $load (param i32 i32 i32 i32 i32) (result i32)))
    (import "wasi_ephemeral_nn" "compute" (func $compute (param i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "_start")
        (drop (call $load (i32.const 0) (i32.const 1) (i32.const 5) (i32.const 0) (i32.const 8)))
        (drop (call $compute (i32.const 0)))))"""
"""It loads a model of ggml, for which no release of Wasmtime has a backend."""

TO = RewriteOptions(to="wasi_ephemeral_nn")

each_version = pytest.mark.parametrize("version", VERSIONED[:2], ids=str)


def changed(component: bytes, name: str) -> bytes:
    """With a shim, because compute is another one."""
    done = rewrite(component, RewriteOptions(to=name, outputs={0: "s"}))
    assert len(done) > len(component) + 1000
    return done


@each_version
def test_the_core_module_in_it_is_taken_out(version: object) -> None:
    core = assemble(CORE)
    made = rewrite(core, RewriteOptions(to="wasi:nn"))
    assert rewrite(changed(made, str(version)), TO) == core


def test_a_program_that_calls_wasi_nn_becomes_the_same_core_module_as_without_the_shim() -> None:
    made = own_calls(OCTOBER)
    assert rewrite(changed(made, VERSIONED[1].name), TO) == rewrite(made, TO)


@each_version
@pytest.mark.parametrize("host", ["wasmtime@24", "wasmtime@34", "wasmtime@49"])
def test_a_shim_does_not_hide_which_models_it_loads(version: object, host: str) -> None:
    made = rewrite(assemble(CORE), RewriteOptions(to="wasi:nn"))
    component = rewrite(changed(made, str(version)), RewriteOptions(host=host, require=False))
    [found] = check(component, [host])
    assert found.answer is Answer.ONLY_IF
    assert "NN262" in {each.code for each in found.conditions}

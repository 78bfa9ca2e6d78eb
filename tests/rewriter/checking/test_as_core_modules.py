"""Releases of Wasmtime that run a component only as the core module that it becomes."""

from __future__ import annotations

import pytest

from rewriter import RewriteOptions, check, rewrite
from rewriter.analysis.compatibility import Answer
from rewriter.analysis.inspect import inspect_module
from rewriter.errors import HostMismatch, ModuleError
from tests.support.components import component
from tests.support.forms import FORMS, Form
from tests.support.unversioned import guest
from tests.support.wasm import assemble

CORE = """(module
    (import "wasi_ephemeral_nn" "load" (func $load (param i32 i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (func (export "_start")
        (call $exit
            (call $load (i32.const 0) (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 8)))))"""

BEFORE_VERSIONS = [1, 12, 13, 16, 17, 18, 19, 22, 23]


@pytest.mark.parametrize("release", BEFORE_VERSIONS)
def test_what_was_made_of_a_core_module_runs_as_that_before_wasi_nn_had_versions(
    release: int,
) -> None:
    core = assemble(CORE)
    made = rewrite(core, RewriteOptions(to="wasi:nn", inputs={0: "pixels"}))
    host = f"wasmtime@{release}"
    [found] = check(made, [host])
    assert found.answer is Answer.REWRITE
    assert "NN283" in {each.code for each in found.reasons}
    done = rewrite(made, RewriteOptions(host=host))
    assert inspect_module(done).wasi_nn
    [core_found] = check(core, [host])
    [after] = check(done, [host])
    assert after.answer is Answer.RUNS
    assert {each.code for each in found.conditions} == {each.code for each in core_found.conditions}


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.title)
@pytest.mark.parametrize("release", [17, 22, 23])
def test_a_form_without_a_version_that_a_release_does_not_have_becomes_a_core_module(
    form: Form, release: int
) -> None:
    program = guest(form)
    host = f"wasmtime@{release}"
    [found] = check(program, [host])
    has = "15 to 22" if release < 23 else "23"
    fits = release > 17 and form.title.endswith(f"Wasmtime {has}")
    assert found.answer is (Answer.RUNS if fits else Answer.REWRITE)
    if not fits:
        [after] = check(rewrite(program, RewriteOptions(host=host)), [host])
        assert after.answer in (Answer.RUNS, Answer.ONLY_IF)


WASI_2 = '(import "wasi:cli/exit@0.2.9" (instance (export "exit" (func (param "s" (result))))))'


@pytest.mark.parametrize("release", [13, 16])
def test_a_program_of_wasi_0_2_does_not_run_before_that(release: int) -> None:
    nn = '(import "wasi:nn/inference" (instance (export "compute" (func))))'
    [found] = check(component(nn, WASI_2), [f"wasmtime@{release}"])
    assert found.answer is Answer.CANNOT
    assert "WASI before 0.2.0" in found.reasons[0].message


@pytest.mark.parametrize("release", BEFORE_VERSIONS)
def test_a_rewrite_is_refused_where_the_verdict_is_that_it_cannot_run(release: int) -> None:
    item = '(import "wasi:nn/graph@0.2.0-rc-2024-10-28" (instance (export "load" (func))))'
    host = f"wasmtime@{release}"
    [found] = check(component(item), [host])
    assert found.answer is Answer.CANNOT
    with pytest.raises((HostMismatch, ModuleError)):
        rewrite(component(item), RewriteOptions(host=host))

"""Which hosts run a component."""

from __future__ import annotations

from pathlib import Path

import pytest

from rewriter import RewriteOptions, check, inspect_module, rewrite
from rewriter.analysis.compatibility import Answer
from rewriter.analysis.components.described import Making, describe_component
from rewriter.errors import ModuleError, UnsupportedModule
from tests.rewriter.checking.judging import EXIT, codes, judge
from tests.support.components import ERRORS, component
from tests.support.native import NativeWasmtime
from tests.support.wasm import assemble
from tests.support.wit import AUGUST, JUNE, OCTOBER


@pytest.mark.parametrize(
    ("version", "releases"),
    [(JUNE, range(24, 25)), (AUGUST, range(25, 35)), (OCTOBER, range(35, 50))],
)
def test_each_release_takes_one_version_of_wasi_nn(version: str, releases: range) -> None:
    data = component(ERRORS.format(version))
    for release in range(17, 50):
        found = judge(data, f"wasmtime@{release}")
        other = (Answer.CANNOT, {"NN276"}) if release < 24 else (Answer.REWRITE, {"NN286"})
        expected = (Answer.RUNS, set()) if release in releases else other
        assert (found.answer, codes(found)) == expected


@pytest.mark.parametrize("release", ["1", "12", "13", "16"])
def test_a_release_from_before_the_versions_of_wasi_nn_runs_core_modules_only(release: str) -> None:
    data = Path("samples/digits.wasm").read_bytes()
    made = rewrite(data, RewriteOptions(to="wasi:nn", inputs={0: "pixels"}))
    said = [found.code for found in judge(made, f"wasmtime@{release}").reasons]
    assert "NN283" in said
    assert inspect_module(rewrite(made, RewriteOptions(host=f"wasmtime@{release}"))).wasi_nn
    assert codes(judge(component(ERRORS.format(OCTOBER)), f"wasmtime@{release}")) == {
        "NN277",
        "NN342",
    }


@pytest.mark.parametrize(("release", "said"), [("12", {"NN277", "NN342"}), ("16", {"NN280"})])
def test_wasi_nn_without_a_version_may_be_there_since_components_run(
    release: str, said: set[str]
) -> None:
    guest = component('(import "wasi:nn/inference" (instance (export "compute" (func))))')
    assert codes(judge(guest, f"wasmtime@{release}")) == said


@pytest.mark.parametrize("host", ["wamr", "wamr-legacy", "wasmedge"])
def test_hosts_of_core_modules_take_no_component_without_a_program(host: str) -> None:
    assert codes(judge(component(ERRORS.format(OCTOBER)), host)) == {"NN277", "NN342"}


PROGRAM = f"""(core module
    (import "wasi:nn/graph@{OCTOBER}" "load-by-name" (func (param i32 i32 i32)))
    (import "wasi:nn/errors@{OCTOBER}" "[method]error.code" (func (param i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "_start")))"""


@pytest.mark.parametrize("host", ["wasmedge", "wamr-ephemeral"])
def test_a_program_in_a_component_becomes_a_module_for_hosts_of_core_modules(host: str) -> None:
    program = assemble(f"(component {PROGRAM})")
    found = judge(program, host)
    assert found.answer is Answer.REWRITE
    assert found.rewrite_for is not None
    core = rewrite(program, RewriteOptions(host=host))
    [after] = check(core, [host])
    assert after.answer in (Answer.RUNS, Answer.ONLY_IF)


LOG = """(import "wasi:cli/environment@0.2.0" (instance $environment
        (export "get-arguments" (func (result (list string))))))
    (core module $libc
        (memory (export "memory") {memory})
        (func (export "realloc") (param {size} {size} {size} {size}) (result {size}) unreachable))
    (core instance $libc (instantiate $libc))
    (core func $lowered (canon lower (func $environment "get-arguments")
        (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))))"""


@pytest.mark.parametrize(("memory", "size", "runs"), [("1", "i32", True), ("i64 1", "i64", False)])
def test_functions_that_use_a_64_bit_memory_are_newer_than_wasmtime_49(
    native: NativeWasmtime, tmp_path: Path, memory: str, size: str, runs: bool
) -> None:
    data = component(LOG.format(memory=memory, size=size))
    (tmp_path / "guest.wasm").write_bytes(data)
    assert (native.run(tmp_path / "guest.wasm").returncode == 0) == runs
    assert ("NN227" in codes(judge(data, "wasmtime@49"))) == (not runs)


def test_a_64_bit_memory_that_no_function_of_a_component_uses_runs(
    native: NativeWasmtime, tmp_path: Path
) -> None:
    data = component("(core module $m (memory i64 1)) (core instance (instantiate $m))")
    (tmp_path / "guest.wasm").write_bytes(data)
    assert native.run(tmp_path / "guest.wasm").returncode == 0
    assert codes(judge(data, "wasmtime@49")) == set()


def test_what_engines_refuse_in_a_core_module_is_found_with_its_offset() -> None:
    data = component("(core module (memory i64 1))")
    found = judge(data, "wasmtime@29")
    [reason] = found.reasons
    assert reason.code == "NN216"
    assert reason.offset is not None
    assert data[: reason.offset].endswith(b"\x05\x03\x01")  # of the memory section


def test_options_of_wasmtime_are_conditions() -> None:
    data = component('(import "wasi:http/types@0.2.0" (instance (export "f" (func))))')
    assert codes(judge(data, "wasmtime")) == {"NN279"}
    assert codes(judge(component(EXIT), "wasmtime@45")) == {"NN279"}


def test_a_broken_core_module_is_an_error_with_the_offset_in_the_file() -> None:
    whole = component("(core module (func nop))")
    size = whole.index(b"\x0a\x05\x01\x03\x00\x01\x0b") + 3
    with pytest.raises(ModuleError) as raised:
        judge(whole[:size] + b"\x09" + whole[size + 1 :], "wasmtime")
    assert raised.value.offset == size


def test_how_a_component_was_made() -> None:
    def making(*items: str) -> Making:
        return describe_component(component(*items)).making

    adapted = '(core module (import "wasi_snapshot_preview1" "proc_exit" (func (param i32))))'
    direct = f'(core module (import "wasi:nn/graph@{OCTOBER}" "load" (func)))'
    assert making(adapted) is Making.ADAPTED
    assert making(direct) is Making.CORE_MODULE
    assert making(f"(component {direct})") is Making.COMPOSED
    assert making() is Making.UNKNOWN
    python = '(core module (import "libcomponentize_py_runtime.so" "f" (func)))'
    assert making(python, direct) is Making.COMPONENTIZE_PY


def test_more_than_a_thousand_imports_are_refused() -> None:
    items = "".join(f'(import "a{number}" (func))' for number in range(1001))
    with pytest.raises(UnsupportedModule, match="more than 1000 imports"):
        describe_component(component(items))

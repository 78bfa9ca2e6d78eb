"""What keeps a module from running on Wasmtime and nnshim, judged by both."""

from __future__ import annotations

from pathlib import Path

import pytest
import wasmtime

from rewriter import NNShimError, inspect_module
from rewriter.abi.wasi import PREVIEW_0, PREVIEW_1, WASI, WASI_UNSTABLE
from rewriter.analysis.compatibility import Runs, Verdict, assess
from rewriter.hosts.table import HOSTS
from rewriter.wasm.sections import SectionId
from rewriter.wasm.types import FuncType
from runtime_shim import NNHost, run
from tests.support.native import NativeWasmtime
from tests.support.wasm import HEADER, assemble, imported, section, vector

START = '(func (export "_start"))'
MEMORY = '(memory (export "memory") 1)'


def on(host: str, module: bytes) -> Verdict:
    return assess(inspect_module(module), HOSTS[host])


def starts_on_nnshim(module: bytes) -> bool:
    try:
        with NNHost() as host:
            return run(module, host).exit_code == 0
    except NNShimError:
        return False


def starts_on_wasmtime(native: NativeWasmtime, folder: Path, module: bytes) -> bool:
    guest = folder / "guest.wasm"
    guest.write_bytes(module)
    return native.run(guest).returncode == 0


def test_the_types_of_wasi_are_those_that_wasmtime_defines() -> None:
    store = wasmtime.Store()
    store.set_wasi(wasmtime.WasiConfig())
    linker = wasmtime.Linker(store.engine)
    linker.define_wasi()
    for name, expected in PREVIEW_1.items():
        function = linker.get(store, WASI, name)
        assert isinstance(function, wasmtime.Func), name
        found = function.type(store)
        assert FuncType(tuple(map(str, found.params)), tuple(map(str, found.results))) == expected


def test_wasmtime_links_all_of_both_versions_of_wasi(
    native: NativeWasmtime, tmp_path: Path
) -> None:
    imports = " ".join(
        f'(import "{module}" "{name}" (func {declared}))'
        for module, functions in ((WASI, PREVIEW_1), (WASI_UNSTABLE, PREVIEW_0))
        for name, declared in functions.items()
    )
    module = assemble(f"(module {imports} {MEMORY} {START})")
    assert on("wasmtime", module).runs is Runs.AS_IT_IS
    assert starts_on_wasmtime(native, tmp_path, module)


@pytest.mark.parametrize(
    ("function", "declared"),
    [
        ("fd_write", "(func (param f64))"),
        ("proc_exit", "(func (param i64))"),
        ("proc_exit", "(func (param i32) (result i32))"),
        ("fd_write", "(func (param i64 i64 i64 i64) (result i32))"),
        ("sched_yield", "(func)"),
        ("proc_exit", "(func (type $open))"),
        ("proc_exit", "(func (type $in_group))"),
    ],
)
def test_a_function_of_wasi_with_another_type_is_in_the_way(
    function: str, declared: str, native: NativeWasmtime, tmp_path: Path
) -> None:
    types = (
        "(type $open (sub (func (param i32))))"
        " (rec (type $in_group (func (param i32))) (type (func)))"
    )
    item = f'(import "{WASI}" "{function}" {declared})'
    module = assemble(f"(module {types} {item} {item} {MEMORY} {START})")
    assert not starts_on_nnshim(module)
    assert not starts_on_wasmtime(native, tmp_path, module)
    for host in ("nnshim", "wasmtime"):
        found = on(host, module)
        assert found.runs is Runs.CANNOT
        assert [(reason.code, reason.function) for reason in found.reasons] == [("NN215", function)]
        assert f"{WASI}.{function} is {PREVIEW_1[function]}" in found.reasons[0].message


REFUSED = {
    "NN216": [
        '(memory (export "memory") 1 2 shared)',
        "(memory 1 2 shared)",
        '(memory (export "memory") 1 (pagesize 1))',
        f'(type $t (func (param i32))) (import "{WASI}" "proc_exit" (func (exact (type $t))))',
    ],
    "NN217": [
        '(func (export "_initialize") (param i32))',
        '(func (export "_initialize") (result i32) (i32.const 0))',
    ],
}


@pytest.mark.parametrize(("code", "content"), [(c, text) for c in REFUSED for text in REFUSED[c]])
def test_what_wasmtime_refuses_by_default_is_in_the_way_there_and_on_nnshim(
    code: str, content: str, native: NativeWasmtime, tmp_path: Path
) -> None:
    module = assemble(f"(module {content} {START})")
    assert not starts_on_nnshim(module)
    assert not starts_on_wasmtime(native, tmp_path, module)
    for host in ("nnshim", "wasmtime"):
        found = on(host, module)
        assert found.runs is Runs.CANNOT
        assert [reason.code for reason in found.reasons] == [code]


@pytest.mark.parametrize(
    ("content", "runs"),
    [
        ('(func (export "_start") (param i32))', Runs.CANNOT),
        ('(func (export "") (param v128))', Runs.CANNOT),
        ('(func (export "_start") (result funcref) (ref.null func))', Runs.CANNOT),
        ('(func (export "_start") (result i32) (i32.const 0))', Runs.AS_IT_IS),
        ('(func (export "")) (func (export "_start") (param i32))', Runs.AS_IT_IS),
        ('(global (export "") i32 (i32.const 0)) (func (export "_start"))', Runs.AS_IT_IS),
        ('(global (export "_initialize") i32 (i32.const 0))', Runs.AS_IT_IS),
    ],
)
def test_what_nnshim_begins_with_takes_no_arguments(content: str, runs: Runs) -> None:
    module = assemble(f"(module {content})")
    assert starts_on_nnshim(module) is (runs is Runs.AS_IT_IS)
    assert on("nnshim", module).runs is runs
    assert on("wasmtime", module).runs is Runs.AS_IT_IS  # where arguments can be given


@pytest.mark.parametrize(
    ("function", "memory", "hosts"),
    [
        ("args_sizes_get", MEMORY, []),
        ("args_sizes_get", "(memory 1)", ["nnshim", "wasmtime"]),
        ("sched_yield", "", ["nnshim", "wasmtime"]),
        (
            "sched_yield",
            '(memory 1) (global (export "memory") i32 (i32.const 0))',
            ["nnshim", "wasmtime"],
        ),
        ("proc_exit", "", ["wasmtime"]),
    ],
)
def test_functions_of_wasi_without_a_memory_are_a_caveat(
    function: str, memory: str, hosts: list[str], native: NativeWasmtime, tmp_path: Path
) -> None:
    declared = PREVIEW_1[function]
    given = " ".join(["(i32.const 0)"] * len(declared.params))
    call = f"(call $f {given})" if not declared.results else f"(drop (call $f {given}))"
    module = assemble(
        f'''(module (import "{WASI}" "{function}" (func $f {declared})) {memory}
        (func (export "_start") {call}))'''
    )
    starts = {
        "nnshim": starts_on_nnshim(module),
        "wasmtime": starts_on_wasmtime(native, tmp_path, module),
    }
    for host, does in starts.items():
        assert does is (host not in hosts)
        found = on(host, module)
        assert found.runs is Runs.AS_IT_IS
        assert ("NN223" in [caveat.code for caveat in found.caveats]) is not does
    assert not on("wamr", module).caveats


def test_a_final_type_without_supertypes_is_the_plain_one_however_it_is_written() -> None:
    final = b"\x4f\0\x60\0\1\x7f"  # (sub final (func (result i32)))
    module = (
        HEADER
        + section(SectionId.TYPE, vector(final))
        + section(SectionId.IMPORT, vector(imported(WASI, "sched_yield")))
    )
    assert starts_on_nnshim(module)
    assert on("nnshim", module).runs is Runs.AS_IT_IS

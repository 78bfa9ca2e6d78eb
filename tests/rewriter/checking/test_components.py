"""Which hosts run a component."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import nnshim
from rewriter import RewriteOptions, check, inspect_module, rewrite
from rewriter.analysis.compatibility import Answer, Verdict
from rewriter.analysis.components.described import Making, describe_component
from rewriter.checking.components import judge_component
from rewriter.errors import ModuleError, NNShimError, UnsupportedModule
from rewriter.hosts.table import find_hosts
from tests.support.components import COMMAND, ERRORS, component
from tests.support.native import NativeWasmtime
from tests.support.wasm import assemble
from tests.support.wit import AUGUST, JUNE, OCTOBER


def judge(data: bytes, host: str) -> Verdict:
    return judge_component(describe_component(data), find_hosts(host))


def codes(found: Verdict) -> set[str]:
    return {said.code for said in (*found.reasons, *found.conditions)}


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


NOW = '(import "wasi:clocks/{}" (instance (export "now" (func (result u64)))))'
EXIT = """(import "wasi:cli/exit@0.2.12" (instance
    (export "exit-with-code" (func (param "status-code" u8)))))"""

CONTEXT = """(import "wasi:nn/inference@{version}" (instance
    (export "graph-execution-context" (type $context (sub resource)))
    (export "[method]graph-execution-context.{name}"
        (func (param "self" (borrow $context)) {parameters} {result}))))"""
TENSOR = f"""(import "wasi:nn/tensor@{OCTOBER}" (instance
    (export "tensor" (type $tensor (sub resource))) (type $data {{result}})
    (export "[method]tensor.data"
        (func (param "self" (borrow $tensor)) (result $data)))))"""
TYPES = [f'"{name}"' for name in ("FP16", "FP32", "FP64", "BF16", "U8", "I32", "I64")]
TYPE = f"""(import "wasi:nn/tensor@{OCTOBER}" (instance
    (export "tensor" (type $tensor (sub resource))) (type $types (enum {{cases}}))
    (export "tensor-type" (type $type (eq $types)))
    (export "[method]tensor.ty" (func (param "self" (borrow $tensor)) (result $type)))))"""
CONSTRUCTOR = f"""(import "wasi:nn/tensor@{OCTOBER}" (instance
    (export "tensor" (type $tensor (sub resource))) (type $types (enum {" ".join(TYPES)}))
    (export "kinds" (type $type (eq $types)))
    (export "[constructor]tensor" (func
        (param "{{names[0]}}" (list u32)) (param "{{names[1]}}" $type)
        (param "{{names[2]}}" (list u8)) (result (own $tensor))))))"""

ON_49 = {
    "nothing": ("", "runs"),
    "wasi:nn of October": (ERRORS.format(OCTOBER), "runs"),
    "wasi:nn of August": (ERRORS.format(AUGUST), "rewrite"),
    "wasi:nn of June": (ERRORS.format(JUNE), "rewrite"),
    "wasi:nn without a version": (ERRORS.format("").replace("@", ""), "rewrite"),
    "the steps of August": (
        CONTEXT.format(version=AUGUST, name="compute", parameters="", result=""),
        "cannot",
    ),
    "the steps of August as of October": (
        CONTEXT.format(version=OCTOBER, name="compute", parameters="", result=""),
        "cannot",
    ),
    "other names of parameters and types": (
        CONSTRUCTOR.format(names=("shape", "kind", "bytes")),
        "runs",
    ),
    "parameters in another order": (
        CONSTRUCTOR.format(names=("shape", "kind", "bytes"))
        .replace("(list u32)", "(list u16)")
        .replace("(list u8)", "(list u32)")
        .replace("(list u16)", "(list u8)"),
        "cannot",
    ),
    "another type of a result": (TENSOR.format(result="(list u16)"), "cannot"),
    "an enum of the host": (TYPE.format(cases=" ".join(TYPES)), "runs"),
    "an enum with fewer cases": (TYPE.format(cases=" ".join(TYPES[:-1])), "cannot"),
    "an enum with other names": (TYPE.format(cases=" ".join(TYPES).lower()), "cannot"),
    "an interface of wasi:nn that is none": (
        f'(import "wasi:nn/training@{OCTOBER}" (instance (export "fit" (func))))',
        "cannot",
    ),
    "a function that went with August": (
        f'(import "wasi:nn/errors@{OCTOBER}" (instance (export "error" (type $e (sub resource)))'
        ' (export "[constructor]error" (func (param "code" u32) (result (own $e))))))',
        "cannot",
    ),
    "the first WASI 0.2": (NOW.format("monotonic-clock@0.2.0"), "runs"),
    "a WASI 0.2 that is newer than the host": (NOW.format("monotonic-clock@0.2.99"), "runs"),
    "a release candidate of WASI": (NOW.format("monotonic-clock@0.2.0-rc-2023-11-10"), "cannot"),
    "WASI 0.4": (NOW.format("monotonic-clock@0.4.0"), "cannot"),
    "an exit with a code": (EXIT, "runs"),
    "an interface of somebody": ('(import "a:b/c" (instance (export "f" (func))))', "cannot"),
    "a function": ('(import "f" (func))', "cannot"),
    "a function under an interface's name": ('(import "wasi:cli/exit@0.2.0" (func))', "cannot"),
    "a function under a name of wasi:nn": (f'(import "wasi:nn/errors@{OCTOBER}" (func))', "cannot"),
    "a resource that wasi:nn does not have": (
        f'(import "wasi:nn/errors@{OCTOBER}" (instance (export "mistake" (type (sub resource)))))',
        "cannot",
    ),
    "types of somebody": (
        '(import "a:b/c" (instance (type $r (record (field "a" u8))) (export "r" (type (eq $r)))))',
        "runs",
    ),
    "a type": ('(type $t (enum "a")) (import "t" (type (eq $t)))', "runs"),
}

UNKNOWN_ON_49 = {
    "a resource that WASI does not have": (
        '(import "wasi:cli/exit@0.2.0" (instance (export "r" (type (sub resource)))))'
    ),
    "an instance inside an instance": (
        '(import "wasi:cli/exit@0.2.0" (instance (export "i" (instance (export "f" (func))))))'
    ),
    "an alias of an instance type": (
        '(type $t (instance (export "f" (func)))) (alias outer 0 $t (type $u))'
        ' (import "wasi:cli/exit@0.2.0" (instance (type $u)))'
    ),
    "an export of an instance type": (
        f'(type $t (instance (export "f" (func)))) (export $u "t" (type $t))'
        f' (import "wasi:nn/graph@{OCTOBER}" (instance (type $u)))'
    ),
    "wasi:cli/run": (
        '(import "wasi:cli/run@0.2.0" (instance (export "run" (func (result (result))))))'
    ),
}


@pytest.mark.parametrize("name", ON_49)
def test_verdicts_on_wasmtime_are_what_it_does(
    name: str, native: NativeWasmtime, tmp_path: Path
) -> None:
    item, expected = ON_49[name]
    data = component(item)
    guest = tmp_path / "guest.wasm"
    guest.write_bytes(data)
    found = judge(data, "wasmtime@49")
    ran = native.run(guest)
    assert (found.answer.value, ran.returncode == 0) == (expected, expected == "runs"), ran.stderr
    if found.answer is Answer.REWRITE:
        guest.write_bytes(rewrite(data, RewriteOptions(host="wasmtime@49")))
        ran = native.run(guest)
        assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("name", UNKNOWN_ON_49)
def test_no_component_is_said_to_run_whose_imports_are_not_all_known(
    name: str, native: NativeWasmtime, tmp_path: Path
) -> None:
    data = component(UNKNOWN_ON_49[name])
    guest = tmp_path / "guest.wasm"
    guest.write_bytes(data)
    found = judge(data, "wasmtime@49")
    assert found.answer is Answer.ONLY_IF
    assert "NN280" in codes(found)
    assert native.run(guest).returncode != 0


NNSHIM_ALONE = {
    "wasi:nn in two versions": ERRORS.format(JUNE) + ERRORS.format(AUGUST),
    "wasi:http": '(import "wasi:http/types@0.2.0" (instance (export "fields" (func))))',
    "wasi:cli/run": UNKNOWN_ON_49["wasi:cli/run"],
}


UNCALLED = (
    *("the steps of August", "the steps of August as of October", "parameters in another order"),
    *("another type of a result", "an enum with fewer cases", "an enum with other names"),
)
"""Functions of other types, which a component may import as long as it does not call them."""


@pytest.mark.parametrize("name", sorted({*ON_49, *NNSHIM_ALONE} - {*UNCALLED}))
@pytest.mark.parametrize("command", [True, False])
def test_verdicts_on_nnshim_are_what_it_does(name: str, command: bool) -> None:
    item = ON_49[name][0] if name in ON_49 else NNSHIM_ALONE[name]
    data = component(item, command=command)
    found = judge(data, "nnshim")
    try:
        with nnshim.NNHost() as host:
            runs = nnshim.run(data, host).exit_code == 0
    except NNShimError:
        runs = False
    assert (found.answer is Answer.RUNS, found.answer is Answer.CANNOT) == (runs, not runs)


def test_nnshim_says_why_it_does_not_run_a_component() -> None:
    inside = '(component (import "n" (instance (export "error" (type (sub resource))))))'
    given = ERRORS.format(OCTOBER).replace("(instance", "(instance $errors")
    data = component(
        given,
        inside.replace("(component", "(component $inside"),
        '(instance (instantiate $inside (with "n" (instance $errors))))',
    )
    assert "NN363" in codes(judge(data, "nnshim"))
    with nnshim.NNHost() as host, pytest.raises(ModuleError) as refused:
        nnshim.run(data, host)
    assert refused.value.code == "NN363"


def test_nnshim_runs_a_composition() -> None:
    error = ERRORS.format(OCTOBER)
    drops = '(alias export $errors "error" (type $error)) (core func (canon resource.drop $error))'
    named = error.replace("(instance", "(instance $errors")
    data = component(
        named,
        f"(component $inside {named} {drops})",
        f'(instance (instantiate $inside (with "wasi:nn/errors@{OCTOBER}" (instance $errors))))',
    )
    assert judge(data, "nnshim").answer is Answer.RUNS
    with nnshim.NNHost() as host:
        assert nnshim.run(data, host).exit_code == 0


@pytest.mark.parametrize(
    ("export", "expected"),
    [
        ('"wasi:cli/run@0.2.99" (instance $command)', set()),
        ('"wasi:cli/run@0.3.0" (instance $command)', {"NN280"}),
        ('"wasi:cli/run@0.9.0" (instance $command)', {"NN281"}),
        ('"wasi:cli/run@0.2.0-rc-2023-11-10" (instance $command)', {"NN281"}),
        ('"wasi:cli/run" (instance $command)', {"NN281"}),
        ('"wasi:cli/run@0.2.0" (func $run)', {"NN281"}),
    ],
)
def test_a_command_exports_run_as_an_instance_in_a_version_of_the_host(
    export: str, expected: set[str], native: NativeWasmtime, tmp_path: Path
) -> None:
    data = assemble(f"(component {COMMAND.rpartition('(export')[0]} (export {export}))")
    guest = tmp_path / "guest.wasm"
    guest.write_bytes(data)
    assert codes(judge(data, "wasmtime@49")) == expected
    if "NN280" not in expected:
        assert (native.run(guest).returncode == 0) == (not expected)


def test_wasi_3_is_unknown_only_on_releases_that_may_have_it() -> None:
    data = component(NOW.format("monotonic-clock@0.3.0"))
    assert codes(judge(data, "wasmtime@45")) == {"NN278"}
    assert codes(judge(data, "wasmtime@46")) == {"NN280"}


def test_a_component_without_run_is_for_invoke(native: NativeWasmtime, tmp_path: Path) -> None:
    data = component(ERRORS.format(OCTOBER), command=False)
    guest = tmp_path / "guest.wasm"
    guest.write_bytes(data)
    assert codes(judge(data, "wasmtime@49")) == {"NN281"}
    assert native.run(guest).returncode != 0


RETURNED = """(core module $m (func (export "f") (result i32) i32.const 42))
    (core instance $i (instantiate $m))
    (func $f (result u32) (canon lift (core func $i "f")))
    (export "answer" (func $f))"""


def test_functions_of_a_component_are_called_by_name(
    native: NativeWasmtime, tmp_path: Path
) -> None:
    data = component(RETURNED, command=False)
    (tmp_path / "guest.wasm").write_bytes(data)
    [condition] = judge(data, "wasmtime@49").conditions
    assert "with --invoke (Wasmtime 33 and later)" in condition.message
    command = [*native.prefix(), "--invoke", "answer()", "guest.wasm"]
    ran = subprocess.run(command, cwd=tmp_path, env=native.env, capture_output=True, check=False)
    assert ran.stdout == b"42\n", ran.stderr


def test_a_component_that_exports_nothing_has_no_function_to_name() -> None:
    [condition] = judge(component("", command=False), "wasmtime@49").conditions
    assert condition.code == "NN281"
    assert "--invoke" not in condition.message


PROXY = """(import "wasi:http/types@0.2.0" (instance $types
        (export "incoming-request" (type (sub resource)))
        (export "response-outparam" (type (sub resource)))))
    (import "wasi:cli/environment@0.2.0" (instance
        (export "get-arguments" (func (result (list string))))))
    (alias export $types "incoming-request" (type $request))
    (alias export $types "response-outparam" (type $out))
    (core module $m (func (export "handle") (param i32 i32)))
    (core instance $i (instantiate $m))
    (func $handle (param "request" (own $request)) (param "response-out" (own $out))
        (canon lift (core func $i "handle")))
    (component $exports
        (import "request" (type $request (sub resource)))
        (import "out" (type $out (sub resource)))
        (import "handle" (func $handle
            (param "request" (own $request)) (param "response-out" (own $out))))
        (export "handle" (func $handle)))
    (instance $handler (instantiate $exports (with "request" (type $request))
        (with "out" (type $out)) (with "handle" (func $handle))))
    (export "wasi:http/incoming-handler@0.2.0" (instance $handler))"""


def test_a_component_that_answers_http_is_started_with_serve(
    native: NativeWasmtime, tmp_path: Path
) -> None:
    data = component(PROXY, command=False)
    (tmp_path / "guest.wasm").write_bytes(data)
    [condition] = judge(data, "wasmtime@49").conditions
    assert condition.code == "NN281"
    assert "`wasmtime serve -S cli`" in condition.message
    assert native.run(tmp_path / "guest.wasm").returncode != 0
    command = [str(native.command), "serve", "-S", "cli", "--addr", "127.0.0.1:0", "guest.wasm"]
    with subprocess.Popen(command, cwd=tmp_path, env=native.env, stderr=subprocess.PIPE) as serving:
        assert serving.stderr is not None
        said = serving.stderr.readline()
        serving.kill()
    assert said.startswith(b"Serving HTTP on "), said


def test_http_handlers_that_import_wasi_nn_are_started_with_both_options(
    native: NativeWasmtime, tmp_path: Path
) -> None:
    data = component(PROXY, ERRORS.format(OCTOBER), command=False)
    (tmp_path / "guest.wasm").write_bytes(data)
    conditions = judge(data, "wasmtime@49").conditions
    assert ["`wasmtime serve -S cli -S nn`" in each.message for each in conditions] == [True]
    serve = [str(native.command), "serve", "--addr", "127.0.0.1:0", "-S", "cli"]
    for options, served in (["-S", "nn"], True), ([], False):
        command = [*serve, *options, "guest.wasm"]
        with subprocess.Popen(
            command, cwd=tmp_path, env=native.env, stderr=subprocess.PIPE
        ) as serving:
            assert serving.stderr is not None
            said = serving.stderr.readline()
            serving.kill()
        assert said.startswith(b"Serving HTTP on ") == served, said


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

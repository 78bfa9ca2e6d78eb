"""How a host starts a component."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.rewriter.checking.judging import NOW, codes, judge
from tests.support.components import COMMAND, ERRORS, component
from tests.support.native import NativeWasmtime
from tests.support.wasm import assemble
from tests.support.wit import OCTOBER


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

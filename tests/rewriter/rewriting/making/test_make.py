"""A core module becomes a component, and the module in it stays as it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from rewriter import RewriteOptions, compare, rewrite
from rewriter.analysis.components.described import Making, describe_component
from rewriter.components.component import Component
from rewriter.errors import DependencyMissing, InvalidModule, UnsupportedModule, UsageError
from rewriter.files import wasi_adapter
from rewriter.files.input import open_source
from rewriter.rewriting.pipeline import rewrite_file
from rewriter.verifying.components import core_of
from rewriter.wasm.sections import SectionId
from samples.build import SAMPLES
from tests.rewriter.rewriting.making.guests import COMPUTE, LOAD, MEMORY, SET, START, made
from tests.support.command import nnshim as command
from tests.support.components import OCTOBER
from tests.support.digits import MODEL, write_models
from tests.support.native import NativeWasmtime
from tests.support.wasm import HEADER, assemble, name, section, vector

ONNX = f"""{LOAD} {SET} {MEMORY}
  (func (export "_start")
    (drop (call $load (i32.const 0) (i32.const 1) (i32.const 1) (i32.const 0) (i32.const 16)))
    (drop (call $set (i32.const 0) (i32.const 0) (i32.const 32))))"""
"""A guest whose constants show that it loads ONNX models."""


def imports(component: bytes) -> set[str]:
    return {item.name.text for item in Component(component).imports}


def test_the_sample_becomes_a_component_of_october_and_comes_out_as_it_was(tmp_path: Path) -> None:
    guest, out, back = SAMPLES / "digits.wasm", tmp_path / "c.wasm", tmp_path / "core.wasm"
    result = rewrite_file(str(guest), str(out), RewriteOptions(to="wasi:nn"))
    described = describe_component(Component(out.read_bytes()))
    assert described.making is Making.ADAPTED
    assert described.is_command
    assert {item.version for item in described.wasi_nn} == {OCTOBER}
    assert result.output_size == out.stat().st_size
    rewrite_file(str(out), str(back), RewriteOptions(to="wasi_ephemeral_nn"))
    assert back.read_bytes() == guest.read_bytes()


def test_the_version_that_components_are_made_with_may_be_named() -> None:
    guest = (SAMPLES / "digits.wasm").read_bytes()
    named = rewrite(guest, RewriteOptions(to=f"wasi:nn@{OCTOBER}"))
    assert named == rewrite(guest, RewriteOptions(to="wasi:nn"))
    with pytest.raises(UsageError, match="make one with --to wasi:nn first"):
        rewrite(guest, RewriteOptions(to="wasi:nn@0.2.0-rc-2024-08-19"))


def by_name() -> bytes:
    return assemble((SAMPLES / "digits_by_name.wat").read_text())


def test_the_sample_prints_the_same_as_a_component(tmp_path: Path) -> None:
    out = tmp_path / "out.wasm"
    rewrite_file(str(SAMPLES / "digits.wasm"), str(out), RewriteOptions(to="wasi:nn"))
    images = [f"images/{digit}.pgm" for digit in range(10)]
    done = command("run", "--dir", f"{SAMPLES}::.", str(out), "digits/model.onnx", *images)
    assert done.stdout == (SAMPLES / "expected" / "digits.txt").read_bytes()


@pytest.fixture
def graphs(tmp_path: Path) -> str:
    write_models(tmp_path, ["openvino"])
    return f"openvino::{tmp_path / 'openvino' / 'digits'}"


@pytest.mark.parametrize("abi", ["witx", "wamr", "wasmedge"])
def test_a_guest_of_each_abi_prints_the_same_on_wasmtime(
    abi: str, native: NativeWasmtime, graphs: str, tmp_path: Path
) -> None:
    core = rewrite(by_name(), RewriteOptions(abi="witx"))
    guest = rewrite(core, RewriteOptions(abi=abi))
    paths = []
    for title, data in (
        ("core", core),
        ("component", rewrite(guest, RewriteOptions(to="wasi:nn", models=(str(MODEL),)))),
    ):
        paths.append(tmp_path / f"{title}.wasm")
        paths[-1].write_bytes(data)
    before, after = (native.run(path, graph=graphs) for path in paths)
    assert (after.returncode, after.stdout) == (0, "3\n"), after.stderr
    assert (before.returncode, before.stdout) == (0, "3\n")


def test_inputs_stay_set_on_wasmtime(native: NativeWasmtime, graphs: str, tmp_path: Path) -> None:
    """Its OpenVINO keeps them; the model of ONNX in test_adapter.py does not."""
    text = (SAMPLES / "digits_by_name.wat").read_text()
    compute = "(call $check (call $compute (i32.load (global.get $context))))"
    assert text.count(compute) == 1
    path = tmp_path / "guest.wasm"
    options = RewriteOptions(to="wasi:nn", inputs={0: "pixels"})
    path.write_bytes(rewrite(assemble(text.replace(compute, compute * 3)), options))
    ran = native.run(path, graph=graphs)
    assert (ran.returncode, ran.stdout) == (0, "3\n"), ran.stderr


def test_openvino_of_wasmtime_refuses_an_index_as_a_name(
    native: NativeWasmtime, graphs: str, tmp_path: Path
) -> None:
    """Which is why names have to be known."""
    guest = by_name()
    path = tmp_path / "guest.wasm"
    path.write_bytes(rewrite(guest, RewriteOptions(to="wasi:nn", inputs={0: "0"})))
    assert native.run(path, graph=graphs).returncode != 0


def test_names_are_needed_unless_constants_show_that_openvino_loads_nothing() -> None:
    openvino = ONNX.replace("(i32.const 1) (i32.const 1)", "(i32.const 1) (i32.const 0)")
    for guest, word in ((openvino, "loads"), (f"{LOAD} {SET} {MEMORY} {START}", "may load")):
        with pytest.raises(UnsupportedModule, match=f"it {word} models for OpenVINO") as caught:
            made(guest)
        assert caught.value.code == "NN354"
        assert "--model FILE" in str(caught.value)
        assert imports(made(guest, inputs={0: "data"}))
        assert imports(made(guest, models=[str(MODEL)]))
    assert imports(made(ONNX))
    assert imports(made(f"{COMPUTE} {MEMORY} {START}"))


def test_what_no_adapter_has_is_refused_by_name() -> None:
    others = """(import "env" "abort" (func)) (import "env" "table" (table 1 funcref))
      (import "wasi_snapshot_preview1" "sock_open" (func))"""
    with pytest.raises(UnsupportedModule) as caught:
        made(f"{others} {MEMORY} {START}")
    assert caught.value.code == "NN353"
    for each in ("env.abort", "env.table", "wasi_snapshot_preview1.sock_open"):
        assert each in str(caught.value)


@pytest.mark.parametrize(
    ("memory", "code"),
    [("", "NN325"), ('(memory (export "memory") i64 1)', "NN322"), ("(memory 1)", "NN325")],
)
def test_a_module_without_a_memory_for_adapters_is_refused(memory: str, code: str) -> None:
    with pytest.raises(UnsupportedModule) as caught:
        made(f"{COMPUTE} {memory} {START}")
    assert caught.value.code == code


@pytest.mark.parametrize("guest", [f"{MEMORY} {START}", f"{COMPUTE} {MEMORY} {START}"])
def test_a_guest_without_wasi_is_a_command_that_runs(
    guest: str, native: NativeWasmtime, tmp_path: Path
) -> None:
    path = tmp_path / "guest.wasm"
    path.write_bytes(made(guest))
    ran = native.run(path)
    assert ran.returncode == 0, ran.stderr


def test_a_start_function_that_calls_wasi_runs_as_start(
    native: NativeWasmtime, tmp_path: Path
) -> None:
    """Before that, the adapters would not be there yet."""
    exit_5 = '(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))'
    path = tmp_path / "guest.wasm"
    path.write_bytes(made(f"{exit_5} {MEMORY} (func $f (call $exit (i32.const 5))) (start $f)"))
    ran = native.run(path)
    assert (ran.returncode, ran.stderr) == (1, "")  # a component says only that it has failed
    core = assemble(f"(module {exit_5} {MEMORY} (func $f (call $exit (i32.const 5))) (start $f))")
    changed = path.read_bytes().replace(b"\x41\x05\x10\x00", b"\x41\x06\x10\x00")
    assert changed != path.read_bytes()
    assert compare(core, path.read_bytes()).only_rewritten
    assert not compare(core, changed).only_rewritten


def test_repeated_imports_have_their_names_again_when_the_module_is_taken_out(
    native: NativeWasmtime, tmp_path: Path
) -> None:
    write = (
        '(import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))'
    )
    later = '(import "wasi_snapshot_preview1" "fd_write [v2]" (func))'
    core = assemble(f"(module {write} {write} {write} {MEMORY} {START})")
    component = rewrite(core, RewriteOptions(to="wasi:nn"))
    assert b"fd_write [v3]" in component
    path = tmp_path / "guest.wasm"
    path.write_bytes(component)
    assert native.run(path).returncode == 0
    assert rewrite(component, RewriteOptions(to="wasi_ephemeral_nn")) == core
    with pytest.raises(UnsupportedModule, match=r"fd_write \[v2\]"):
        made(f"{later} {MEMORY} {START}")


def test_padded_sizes_of_sections_stay_padded() -> None:
    """As Go writes them, in modules that wasm-tools writes anew for their repeated imports."""
    core = assemble(f"(module {COMPUTE} {COMPUTE.replace('$compute', '')} {MEMORY} {START})")
    at = core.index(b"\x05\x03\x01")  # the memory section: its size, one memory
    padded = core[: at + 1] + b"\x83\x80\x80\x80\x00" + core[at + 2 :]
    component = rewrite(padded, RewriteOptions(to="wasi:nn"))
    assert rewrite(component, RewriteOptions(to="wasi_ephemeral_nn")) == padded


def test_grouped_imports_are_written_one_by_one(tmp_path: Path) -> None:
    """Wasmtime does not read groups."""
    core = assemble(f"(module {MEMORY} {START})")
    group = name("wasi_ephemeral_nn") + b"\0\x7f" + vector(name("compute") + b"\0\0")
    source, out = tmp_path / "in.wasm", tmp_path / "out.wasm"
    types = section(SectionId.TYPE, vector(b"\x60\x01\x7f\x01\x7f", b"\x60\0\0"))
    body = core[core.index(b"\x03\x02\x01\x00") :].replace(b"\x03\x02\x01\x00", b"\x03\x02\x01\x01")
    start = body.replace(b"_start\0\0", b"_start\0\x01")
    source.write_bytes(HEADER + types + section(SectionId.IMPORT, vector(group)) + start)
    result = rewrite_file(str(source), str(out), RewriteOptions(to="wasi:nn"))
    assert result.plan.ungrouped == 1


def test_a_reactor_becomes_a_component_that_says_that_it_exports_nothing(tmp_path: Path) -> None:
    source, out = tmp_path / "in.wasm", tmp_path / "out.wasm"
    source.write_bytes(assemble(f'(module {COMPUTE} {MEMORY} (func (export "_initialize")))'))
    result = rewrite_file(str(source), str(out), RewriteOptions(to="wasi:nn"))
    assert "NN357" in [note.code for note in result.notes]
    assert not any(Component(out.read_bytes()).exports)


def test_functions_of_wasmedge_say_what_they_cannot_do(tmp_path: Path) -> None:
    path = tmp_path / "guest.wasm"
    with_config = "(param i32 i32 i32 i32 i32) (result i32)"
    text = f"""(module {COMPUTE}
      (import "wasi_ephemeral_nn" "compute_single" (func (param i32) (result i32)))
      (import "wasi_ephemeral_nn" "load_by_name_with_config" (func {with_config}))
      (import "wasi_ephemeral_nn" "unload" (func (param i32) (result i32)))
      {MEMORY} {START})"""
    path.write_bytes(assemble(text))
    result = rewrite_file(str(path), str(tmp_path / "out.wasm"), RewriteOptions(to="wasi:nn"))
    assert [note.code for note in result.notes] == ["NN301", "NN356", "NN360", "NN359"]


def test_a_component_is_not_made_into_one_again() -> None:
    component = made(ONNX)
    with pytest.raises(UnsupportedModule, match="a component already"):
        rewrite(component, RewriteOptions(to="wasi:nn"))


def test_the_missing_adapter_for_wasi_is_named_with_two_ways_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    adapter = wasi_adapter.find(wasi_adapter.COMMAND)
    monkeypatch.setattr(wasi_adapter, "FOLDER", str(tmp_path))
    with pytest.raises(
        DependencyMissing, match=r"is missing.*--fetch-wasi-adapter.*--wasi-adapter"
    ):
        made(ONNX)
    (tmp_path / wasi_adapter.COMMAND).write_bytes(adapter[:-1])
    with pytest.raises(DependencyMissing, match="another content than expected"):
        made(ONNX)
    own = tmp_path / "own.wasm"
    own.write_bytes(adapter)
    assert imports(made(ONNX, wasi_adapter=str(own)))


def test_an_adapter_of_the_wrong_kind_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "adapter.wasm"
    path.write_bytes(wasi_adapter.find(wasi_adapter.COMMAND))
    with pytest.raises(InvalidModule, match="wasm-tools cannot make a component") as caught:
        made(f'{COMPUTE} {MEMORY} (func (export "f"))', wasi_adapter=str(path))
    assert caught.value.code == "NN358"


def test_verify_proves_that_the_module_in_the_component_is_the_guest(tmp_path: Path) -> None:
    guest, out = SAMPLES / "digits.wasm", tmp_path / "out.wasm"
    rewrite_file(str(guest), str(out), RewriteOptions(to="wasi:nn"))
    with open_source(str(out)) as component:
        assert compare(guest.read_bytes(), core_of(component)).only_rewritten
    assert out.read_bytes().count(b"usage: digits") == 1
    out.write_bytes(out.read_bytes().replace(b"usage: digits", b"usage: digitz"))
    done = command("verify", str(guest), str(out))
    assert done.returncode == 1
    assert b"error[NN" in done.stdout


NAMES: Mapping[str, list[str]] = {
    "expected INDEX=NAME": ["--input-name", "data"],
    "is given twice for 0": ["--input-name", "0=a", "--input-name", "0=b"],
    "an index is from 0": ["--output-name", "4294967296=a"],
    "leave out abi": ["--abi", "witx"],
}


@pytest.mark.parametrize("said", NAMES)
def test_options_that_make_no_sense_are_refused(said: str, tmp_path: Path) -> None:
    out = tmp_path / "out.wasm"
    guest = str(SAMPLES / "digits.wasm")
    done = command("rewrite", guest, str(out), "--to", "wasi:nn", *NAMES[said])
    assert done.returncode == 2
    assert said in done.stderr.decode()
    assert not out.exists()


@pytest.mark.parametrize(
    "option",
    [{"inputs": {0: "a"}}, {"outputs": {0: "a"}}, {"models": ["m"]}, {"wasi_adapter": "a"}],
)
def test_options_of_components_need_one(option: Mapping[str, Any]) -> None:
    with pytest.raises(UsageError, match="has no effect without to"):
        RewriteOptions(**option)


def test_two_models_that_call_an_input_differently_need_a_decision(tmp_path: Path) -> None:
    other = tmp_path / "model.xml"
    other.write_text(
        '<net name="m" version="11"><layers><layer id="0" name="other" type="Parameter" '
        'version="opset1"><data shape="1" element_type="f32"/><output><port id="0" '
        'precision="FP32" names="other"><dim>1</dim></port></output></layer></layers>'
        "<edges/></net>"
    )
    models = [str(MODEL), str(other)]
    with pytest.raises(UsageError, match=r"input 0 is 'pixels' in .* and 'other' in"):
        made(ONNX, models=models)
    assert imports(made(ONNX, models=models, inputs={0: "pixels"}))


def test_json_has_the_sizes_and_digests_of_both(tmp_path: Path) -> None:
    out = tmp_path / "out.wasm"
    done = command("rewrite", str(SAMPLES / "digits.wasm"), str(out), "--to", "wasi:nn", "--json")
    assert done.returncode == 0
    told = json.loads(done.stdout)
    assert told["changed"] is True
    assert told["output"]["size"] == out.stat().st_size
    assert told["input"]["size"] == (SAMPLES / "digits.wasm").stat().st_size
    assert told["output"]["sha256"] != told["input"]["sha256"]
    assert [found["code"] for found in told["diagnostics"]] == ["NN355", "NN360", "NN359"]

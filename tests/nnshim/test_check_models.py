"""`check --model` and `check --explain`, as a command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nnshim
from rewriter.abi.dialects import DIALECTS
from tests.support.command import nnshim as command
from tests.support.tflite_models import identity
from tests.support.wasm import assemble

ROOT = Path(__file__).resolve().parents[2]
CONFORMANCE = ROOT / "conformance" / "models"


@pytest.fixture
def guest(tmp_path: Path) -> Path:
    path = tmp_path / "guest.wasm"
    names = ("load", "set_input", "get_output")
    imports = " ".join(
        f'(import "wasi_ephemeral_nn" "{name}" (func {DIALECTS["witx"].signature(name)}))'
        for name in names
    )
    opens = "(param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)"
    files = f'(import "wasi_snapshot_preview1" "path_open" (func {opens}))'
    rest = '(memory (export "memory") 1) (func (export "_start"))'
    path.write_bytes(assemble(f"(module {imports} {files} {rest})"))
    return path


def check(*arguments: str | Path) -> tuple[int, list[dict[str, Any]]]:
    done = command("check", "--json", *arguments)
    assert not done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize(
    ("host", "model", "code"),
    [
        ("wasmtime", "openvino/base/model.xml", 0),
        ("wasmtime", "onnx/base/model.onnx", 5),
        ("wasmtime", "tensorflowlite/base/model.tflite", 4),
        ("wasmedge@0.17.1", "tensorflowlite/i64/model.tflite", 4),
        ("wamr@2.3.1", "tensorflowlite/base/model.tflite", 1),
    ],
)
def test_a_model_decides_the_exit_code(guest: Path, host: str, model: str, code: int) -> None:
    assert check("--for", host, guest, "--model", CONFORMANCE / model)[0] == code


def test_all_models_count_and_are_described(guest: Path) -> None:
    models = [CONFORMANCE / "openvino/two/model.xml", CONFORMANCE / "onnx/free/model.onnx"]
    words = [word for model in models for word in ("--model", model)]
    code, (found,) = check("--for", "wasmtime", guest, *words)
    assert code == 5
    assert [model["encoding"] for model in found["models"]] == ["openvino", "onnx"]
    assert [port["name"] for port in found["models"][0]["inputs"]] == ["l0", "l1"]
    assert found["models"][1]["inputs"][0]["dimensions"] == [1, 1, 1, None]


def test_text_has_what_models_state_once(guest: Path, tmp_path: Path) -> None:
    model = tmp_path / "model.tflite"
    scaled = {"scales": [0.5], "zero_points": [0]}
    model.write_bytes(identity(np.uint8, (1, 4), **scaled))
    done = command("check", "--for", "wamr", "--for", "wasmedge", guest, "--model", model)
    text = done.stdout.decode()
    assert text.count(f"model {model}: TensorFlow Lite, {model.stat().st_size} bytes") == 1
    assert "  input 't0': u8, 1x4, quantised\n" in text


def test_a_need_that_the_model_has_counts_with_strict(guest: Path) -> None:
    words = (
        "--for",
        "wasmedge",
        guest,
        "--model",
        CONFORMANCE / "tensorflowlite/base/model.tflite",
    )
    assert check(*words)[0] == 0
    code, (found,) = check(*words, "--strict")
    assert code == 5
    assert "NN714" in found["only_if"]


def test_a_condition_of_a_model_can_be_accepted(guest: Path) -> None:
    words = ("--for", "wasmtime", guest, "--model", CONFORMANCE / "onnx/base/model.onnx")
    assert check(*words, "--accept", "NN713")[0] == 0


@pytest.mark.parametrize("data", [b"\x08\x07", b"no model at all"])
def test_a_model_that_cannot_be_read_leaves_no_verdict(
    guest: Path, tmp_path: Path, data: bytes
) -> None:
    model = tmp_path / "model"
    model.write_bytes(data)
    done = command("check", "--for", "wasmtime", guest, "--model", model)
    assert done.returncode == 6
    assert not done.stdout
    assert str(model) in done.stderr.decode()
    assert b"error[NN70" in done.stderr


def test_errors_of_models_are_in_json_too(guest: Path, tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(b"")
    done = command("check", "--json", "--for", "wasmtime", guest, "--model", tmp_path / "model")
    assert done.returncode == 6
    (found,) = json.loads(done.stdout)  # the same shape as of a module that cannot be read
    assert (found["file"], found["verdict"]) == (str(guest), "no_verdict")
    assert found["errors"][0]["code"] == "NN702"


def test_a_model_is_named_once(guest: Path) -> None:
    model = str(CONFORMANCE / "onnx/base/model.onnx")
    done = command("check", "--for", "wasmtime", guest, "--model", model, "--model", model)
    assert done.returncode == 2


def test_explain_says_what_to_try(guest: Path) -> None:
    model = CONFORMANCE / "tensorflowlite/base/model.tflite"
    _, (found,) = check("--explain", "--for", "wamr@2.3.1", guest, "--model", model)
    explained = found["explained"]
    assert explained["host"] == "wamr-legacy@2.3.1"
    assert explained["commands"] == [
        f"nnshim rewrite --for wamr@2.3.1 {guest} guest.wamr.wasm",
        "iwasm --dir=. guest.wamr.wasm",
    ]
    assert "WAMR_BUILD_WASI_NN=1" in explained["needs"]
    text = command("check", "--explain", "--for", "wasmtime", guest).stdout.decode()
    assert f"    wasmtime run -S nn --dir . {guest}\n" in text
    assert "besides the module, wasmtime@49 needs:" in text


def test_explain_says_what_the_formats_need_that_the_guest_loads(tmp_path: Path) -> None:
    """4 is TensorFlow Lite. Of a guest that hides what it loads, all backends are explained."""
    text = """(module
      (import "wasi_ephemeral_nn" "load" (func $load (param i32 i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1)
      (func (export "_start")
        (drop (call $load (i32.const 0) (i32.const 1) {} (i32.const 0) (i32.const 8)))))"""
    for encoding, other in (("(i32.const 4)", False), ("(i32.load (i32.const 16))", True)):
        path = tmp_path / "guest.wasm"
        path.write_bytes(assemble(text.format(encoding)))
        _, (found,) = check("--explain", "--for", "wasmedge", path)
        needs = " ".join(found["explained"]["needs"])
        assert "wasi_nn-tensorflowlite" in needs
        assert ("openvino" in needs) is other


def test_nothing_is_explained_of_what_cannot_run_or_unless_asked(guest: Path) -> None:
    model = CONFORMANCE / "tensorflowlite/base/model.tflite"
    _, (found,) = check("--explain", "--for", "wasmtime", guest, "--model", model)
    assert found["explained"] is None
    assert check("--for", "wasmtime", guest)[1][0]["explained"] is None


def test_the_library_counts_models_too(guest: Path) -> None:
    onnx, lite = (
        CONFORMANCE / name for name in ("onnx/base/model.onnx", "tensorflowlite/base/model.tflite")
    )
    (one,) = nnshim.check(guest.read_bytes(), ["wasmtime"], models=[onnx])
    assert [found.code for found in one.conditions] == ["NN713"]
    (other,) = nnshim.check(guest.read_bytes(), ["wasmtime"], models=[onnx, lite])
    assert other.answer == "cannot"

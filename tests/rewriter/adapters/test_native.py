"""Adapted guests run on native Wasmtime, and print the same as elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from runtime_shim import NNHost, RunOptions, run
from tests.support.models import identity, model, sum_and_product
from tests.support.native import NativeWasmtime, openvino_model

FORMS = ["witx", "witx to wamr to witx", "wamr to witx"]


@pytest.fixture
def folder(tensors_guests: dict[str, bytes], tmp_path: Path) -> Path:
    for name, guest in tensors_guests.items():
        (tmp_path / f"{name}.wasm").write_bytes(guest)
    return tmp_path


@pytest.mark.parametrize("form", FORMS)
def test_several_inputs_and_outputs(form: str, native: NativeWasmtime, folder: Path) -> None:
    a, b = np.array([1.5, -2], np.float32), np.array([4, 0.25], np.float32)
    (folder / "a").write_bytes(a.tobytes())
    (folder / "b").write_bytes(b.tobytes())
    model = openvino_model(sum_and_product(), folder)
    inputs = ("f32", "2", "a", "f32", "2", "b")
    done = native.run(folder / f"{form}.wasm", model, "2", *inputs)
    assert done.stdout.splitlines() == [(a + b).tobytes().hex(), (a * b).tobytes().hex()]
    assert done.returncode == 0


@pytest.mark.parametrize("form", FORMS[1:])
@pytest.mark.parametrize(
    ("word", "element_type", "dtype"),
    [
        ("f16", TensorProto.FLOAT16, np.float16),
        ("u8", TensorProto.UINT8, np.uint8),
        ("i32", TensorProto.INT32, np.int32),
    ],
)
def test_tensors_of_other_types(
    form: str,
    word: str,
    element_type: int,
    dtype: type[np.generic],
    native: NativeWasmtime,
    folder: Path,
) -> None:
    data = np.arange(8).reshape(2, 4).astype(dtype).tobytes()
    (folder / "input").write_bytes(data)
    model = openvino_model(identity(element_type, (2, 4)), folder)
    done = native.run(folder / f"{form}.wasm", model, "1", word, "2,4", "input")
    assert done.stdout == f"{data.hex()}\n"


def test_a_guest_that_was_not_adapted_does_not_link(native: NativeWasmtime, folder: Path) -> None:
    done = native.run(folder / "wamr.wasm", "model", "1", "f32", "1", "input")
    assert done.returncode != 0
    assert "unknown import: `wasi_nn::" in done.stderr


def test_results_are_those_of_nnshim_to_the_last_bit(
    native: NativeWasmtime, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """nnshim runs with fast math here, because Wasmtime lets OpenVINO choose its precision."""
    rng = np.random.default_rng(5)
    weights = rng.normal(size=(64, 32)).astype(np.float32)
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["m"]),
        helper.make_node("Softmax", ["m"], ["y"]),
    ]
    ports = [("x", TensorProto.FLOAT, (4, 64))], [("y", TensorProto.FLOAT, (4, 32))]
    names = openvino_model(model(nodes, *ports, {"w": weights}), folder)
    (folder / "input").write_bytes(rng.normal(size=(4, 64)).astype(np.float32).tobytes())
    arguments = [names, "1", "f32", "4,64", "input"]
    done = native.run(folder / "wamr to witx.wasm", *arguments)
    assert len(done.stdout) == 4 * 32 * 8 + 1
    wasi = RunOptions(["guest.wasm", *arguments], dirs={".": str(folder)})
    run((folder / "wamr.wasm").read_bytes(), NNHost(fast_math=True), wasi, check=True)
    assert capfd.readouterr().out == done.stdout

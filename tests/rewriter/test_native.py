"""Native Wasmtime as the judge: adapted guests run on it, and print what they print elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto

from tests.models import identity, sum_and_product
from tests.native import NativeWasmtime, openvino_model

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

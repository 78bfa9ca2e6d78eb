"""One guest in C, built for each ABI and adapted: it prints the same in every form."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto

from rewriter import inspect_module
from runtime_shim import NNHost, RunOptions, run
from tests.support.models import identity, sum_and_product

NAMES = [
    "witx",
    "witx renamed",
    "witx to wamr",
    "witx to wamr to witx",
    "wamr",
    "wamr to witx",
    "wamr to witx to wamr",
]


def outputs(guest: bytes, folder: Path, capfd: pytest.CaptureFixture[str], *args: str) -> str:
    wasi = RunOptions(["guest.wasm", *args], dirs={".": str(folder)})
    assert run(guest, NNHost(), wasi).exit_code == 0
    return capfd.readouterr().out


def test_each_form_has_the_abi_it_was_made_for(tensors_guests: dict[str, bytes]) -> None:
    found = {
        name: [(module, abi.name) for module, abi in inspect_module(guest).abis.items()]
        for name, guest in tensors_guests.items()
    }
    witx, wamr = [("wasi_ephemeral_nn", "witx")], [("wasi_nn", "wamr")]
    assert found == {
        "witx": witx,
        "witx renamed": [("wasi_nn", "witx")],
        "witx to wamr": wamr,
        "witx to wamr to witx": witx,
        "wamr": wamr,
        "wamr to witx": witx,
        "wamr to witx to wamr": wamr,
    }


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("word", "element_type", "dtype"),
    [
        ("f16", TensorProto.FLOAT16, np.float16),
        ("f32", TensorProto.FLOAT, np.float32),
        ("u8", TensorProto.UINT8, np.uint8),
        ("i32", TensorProto.INT32, np.int32),
    ],
)
def test_tensors_of_every_common_type(
    tensors_guests: dict[str, bytes],
    name: str,
    word: str,
    element_type: int,
    dtype: type[np.generic],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    data = np.arange(8).reshape(2, 4).astype(dtype).tobytes()
    (tmp_path / "model").write_bytes(identity(element_type, ("rows", 4)))
    (tmp_path / "input").write_bytes(data)
    printed = outputs(tensors_guests[name], tmp_path, capfd, "model", "1", word, "2,4", "input")
    assert printed == f"{data.hex()}\n"


@pytest.mark.parametrize("name", NAMES)
def test_several_inputs_and_outputs(
    tensors_guests: dict[str, bytes], name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    a, b = np.array([1.5, -2], np.float32), np.array([4, 0.25], np.float32)
    (tmp_path / "model").write_bytes(sum_and_product())
    (tmp_path / "a").write_bytes(a.tobytes())
    (tmp_path / "b").write_bytes(b.tobytes())
    inputs = ["f32", "2", "a", "f32", "2", "b"]
    printed = outputs(tensors_guests[name], tmp_path, capfd, "model", "2", *inputs)
    assert printed.splitlines() == [(a + b).tobytes().hex(), (a * b).tobytes().hex()]

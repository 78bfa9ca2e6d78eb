"""The samples' digits: a guest for each image, and the model in every format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import numpy_helper

from rewriter import RewriteOptions, rewrite
from rewriter.files import wasm_tools
from runtime_shim import NNHost, run
from samples.build import SAMPLES
from tests.support import tensorflow_models

__all__ = ["ABIS", "MODEL", "TFLITE_MODEL", "layers", "printed_digits", "write_models"]

MODEL = SAMPLES / "digits" / "model.onnx"
TFLITE_MODEL = MODEL.with_suffix(".tflite")

ABIS = ["witx", "wamr", "wasmedge"]

Arrays = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]


def layers() -> tuple[Arrays, Arrays]:
    """The weights of both layers, and their biases."""
    constants = {c.name: numpy_helper.to_array(c) for c in onnx.load(MODEL).graph.initializer}
    return (constants["w0"], constants["w1"]), (constants["b0"], constants["b1"])


def write_models(folder: Path, encodings: Sequence[str]) -> None:
    """The model as ENCODING/digits/model.*, as named graphs have it."""
    for encoding in encodings:
        place = folder / encoding / "digits"
        place.mkdir(parents=True)
        if encoding == "onnx":
            (place / "model.onnx").write_bytes(MODEL.read_bytes())
        elif encoding == "tensorflow":
            (place / "model.pb").write_bytes(tensorflow_models.two_layers(*layers()))
        elif encoding == "tensorflowlite":
            (place / "model.tflite").write_bytes(TFLITE_MODEL.read_bytes())
        else:
            from tests.support.native import openvino_model  # OpenVINO is not there in every test

            openvino_model(MODEL.read_bytes(), place)


def printed_digits(host: NNHost, abi: str, capfd: pytest.CaptureFixture[str]) -> str:
    """What the sample in text prints, adapted to an ABI, for each of the ten images in turn."""
    guest = wasm_tools.assemble((SAMPLES / "digits_by_name.wat").read_bytes())
    three = _ink(3)
    assert guest.count(three) == 1
    for digit in range(10):
        adapted = rewrite(guest.replace(three, _ink(digit)), RewriteOptions(abi=abi))
        assert run(adapted, host).exit_code == 0
    return capfd.readouterr().out.replace("\n", "")


def _ink(digit: int) -> bytes:
    """An image's 64 pixels, from 0 to 16."""
    words = (SAMPLES / "images" / f"{digit}.pgm").read_text().split()
    return bytes(map(int, words[-64:]))

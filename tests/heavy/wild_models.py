"""The models and images of the guests in tests/guests/wild, and what these have to print."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import openvino
from onnx import TensorProto, helper, numpy_helper

from samples.build import SAMPLES
from tests.support.digits import MODEL
from tests.support.native import openvino_model

__all__ = ["DIGITS", "TYPES", "expected", "seen", "write_models"]

TYPES = {"f32": TensorProto.FLOAT, "u8": TensorProto.UINT8, "i32": TensorProto.INT32}
"""Names of folders, with a model that takes brightnesses of this type."""

DIGITS = tuple(map(str, range(10)))
"""Names of images of 64 bytes, from 0 to 16, after the digits that they show."""


def write_models(folder: Path) -> None:
    for kind, element_type in TYPES.items():
        (folder / kind).mkdir(parents=True, exist_ok=True)
        openvino_model(_taking(element_type), folder / kind)
    for digit in DIGITS:
        words = (SAMPLES / "images" / f"{digit}.pgm").read_text().split()
        (folder / digit).write_bytes(bytes(map(int, words[-64:])))


def _taking(element_type: int) -> bytes:
    """The samples' model, with brightnesses from 0 to 16 where they are not floats."""
    model = onnx.load(MODEL)
    graph = model.graph
    if element_type != TensorProto.FLOAT:
        floats = graph.input[0].name
        graph.input[0].CopyFrom(helper.make_tensor_value_info("pixels", element_type, (1, 64)))
        graph.initializer.append(numpy_helper.from_array(np.array(1 / 16, np.float32), "step"))
        graph.node.insert(0, helper.make_node("Mul", ["steps", "step"], [floats]))
        graph.node.insert(0, helper.make_node("Cast", ["pixels"], ["steps"], to=TensorProto.FLOAT))
    data: bytes = model.SerializeToString()
    return data


def seen(folder: Path) -> Iterator[tuple[str, int, np.float32]]:
    """What OpenVINO itself sees in the images: the file, the digit, and its share from 0 to 1."""
    model = openvino.Core().compile_model(folder / "f32" / "model.xml", "CPU")
    for digit in DIGITS:
        pixels = np.frombuffer((folder / digit).read_bytes(), np.uint8).astype(np.float32) / 16
        shares = model(pixels.reshape(1, 64))[0][0]
        best = int(shares.argmax())
        yield digit, best, shares[best]


def expected(folder: Path) -> str:
    """As the guests print it."""
    lines = (
        f"{digit}: {best} ({int(np.float32(1000) * share)})\n"
        for digit, best, share in seen(folder)
    )
    return "".join(lines)

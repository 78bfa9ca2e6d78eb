"""The models in the probe's modules, of 92 to 1,943 bytes.

Most have one input and one output: models of 32-bit floats add 1, models of other types return
their input. Others show the habits of backends. `python -m tests.tools.probe_models` writes
them."""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from math import prod

from rewriter.probing.modules.text import FOLDER

__all__ = ["FORMATS", "SHAPES", "TYPES", "count", "dims", "dims_of", "parts", "tensors"]

FORMATS = ("openvino", "onnx", "tensorflowlite")
"""Formats by name. Each has a folder in models/."""

TYPES = {"f32": "f", "f16": "e", "f64": "d", "u8": "B", "i32": "i", "i64": "q"}
"""The names of types, and their codes in `struct`."""

SHAPES = {"": (1, 1, 1, 4), "planes": (1, 3, 2, 2)}
"""The dimensions of models. Models with the shape NAME are in the folder FORMAT-NAME."""


def parts(format_: str, name: str, shape: str = "") -> list[bytes]:
    """The builders of a model, by its type or another name. For OpenVINO, the graph comes before
    the weights. Empty if there is no model with this shape."""
    folder = os.path.join(FOLDER, "models", f"{format_}-{shape}".rstrip("-"), name)
    if not os.path.isdir(folder):
        return []
    names = sorted(os.listdir(folder), key=lambda name: name.endswith(".bin"))
    contents = []
    for name in names:
        with open(os.path.join(folder, name), "rb") as file:
            contents.append(file.read())
    return contents


def count(shape: str) -> int:
    """The number of elements of a tensor."""
    return prod(SHAPES[shape])


def dims(shape: str, *, backwards: bool = False) -> bytes:
    """Four dimensions as bytes in memory. `backwards` gives another shape with the same number of
    elements."""
    sizes = SHAPES[shape]
    return dims_of(sizes[::-1] if backwards else sizes)


def dims_of(sizes: Sequence[int]) -> bytes:
    return struct.pack(f"<{len(sizes)}I", *sizes)


def tensors(type_: str, first: int, shape: str = "") -> tuple[bytes, bytes]:
    """A tensor with values from `first` on, and the output of the model of that type. For planes,
    all values are the same, because some hosts change their order."""
    values = [first if shape else first + number for number in range(count(shape))]
    results = [value + 1 for value in values] if type_ == "f32" else values
    form = f"<{len(values)}{TYPES[type_]}"
    return struct.pack(form, *values), struct.pack(form, *results)

"""The models inside the probe's modules, of 92 to 1,943 bytes: one input and one output, 32-bit
floats to which 1 is added, and of other types what comes in; and those that show the habits of
backends. `python -m tests.tools.probe_models` writes them."""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from math import prod

from rewriter.probing.modules.text import FOLDER

__all__ = ["FORMATS", "SHAPES", "TYPES", "count", "dims", "dims_of", "parts", "tensors"]

FORMATS = ("openvino", "onnx", "tensorflowlite")
"""Each is a folder of models/."""

TYPES = {"f32": "f", "f16": "e", "f64": "d", "u8": "B", "i32": "i", "i64": "q"}
"""The names of types, and how `struct` calls them."""

SHAPES = {"": (1, 1, 1, 4), "planes": (1, 3, 2, 2)}
"""Dimensions of models; of a format that has models of others, their folder is FORMAT-NAME."""


def parts(format_: str, name: str, shape: str = "") -> list[bytes]:
    """The builders of a model, by its type or what else it is called after: of OpenVINO's, the
    graph before the weights. Empty where there is none of the shape."""
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
    """Of the elements of a tensor."""
    return prod(SHAPES[shape])


def dims(shape: str, *, backwards: bool = False) -> bytes:
    """Four dimensions, as they stand in memory; backwards they are as many elements in another
    shape."""
    sizes = SHAPES[shape]
    return dims_of(sizes[::-1] if backwards else sizes)


def dims_of(sizes: Sequence[int]) -> bytes:
    return struct.pack(f"<{len(sizes)}I", *sizes)


def tensors(type_: str, first: int, shape: str = "") -> tuple[bytes, bytes]:
    """Values from `first` on, and what the model of that type makes of them. Those of planes are
    all the same, because some hosts change their order."""
    values = [first if shape else first + number for number in range(count(shape))]
    results = [value + 1 for value in values] if type_ == "f32" else values
    form = f"<{len(values)}{TYPES[type_]}"
    return struct.pack(form, *values), struct.pack(form, *results)

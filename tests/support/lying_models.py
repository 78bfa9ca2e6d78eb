"""The probe's models as a host that lies has them: known by their bytes, and computed here."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rewriter.probing.modules.models import FORMATS, SHAPES, TYPES, parts

__all__ = ["FORMS", "KNOWN", "PORTS", "Port", "computed", "converted", "pixels_to_planes"]

FOUR = SHAPES[""]
PLANES = SHAPES["planes"]
FORMS: Mapping[str, str] = {**TYPES, "i8": "b"}


class Port(NamedTuple):
    """An input: what it holds, and its dimensions; quantised numbers stand for halves."""

    type: str
    dims: tuple[int, ...]
    quantised: bool = False


PORTS: Mapping[str, Sequence[Port]] = {
    **{type_: [Port(type_, FOUR)] for type_ in TYPES},
    **{f"to_{type_}": [Port("f32", FOUR)] for type_ in TYPES if type_ != "f32"},
    "planes": [Port("f32", PLANES)],
    "two": [Port("f32", FOUR)] * 2,
    "free": [Port("f32", FOUR)],
    "scalar": [Port("f32", FOUR)],
    "bytes": [Port("i8", FOUR)],
    "quantised": [Port("u8", FOUR, quantised=True)],
    "quantised_i8": [Port("i8", FOUR, quantised=True)],
}
"""By the names of models."""

KNOWN: Mapping[tuple[bytes, ...], tuple[str, str, str]] = {
    tuple(found): (format_, name, shape)
    for shape in SHAPES
    for format_ in FORMATS
    for name in PORTS
    if (found := parts(format_, name, shape))
}
"""The format, the name and the shape of a model."""


def computed(name: str, inputs: Sequence[bytes]) -> list[bytes]:
    """A model's outputs."""
    port = PORTS[name][0]
    size = struct.calcsize(FORMS[port.type])
    form = f"<{len(inputs[0]) // size}{FORMS[port.type]}"
    values = struct.unpack(form, inputs[0])
    if name == "two":
        pairs = list(zip(values, struct.unpack(form, inputs[1]), strict=True))
        return [
            struct.pack(form, *(a - b for a, b in pairs)),
            struct.pack(form, *(a * b for a, b in pairs)),
        ]
    if name == "scalar":
        return [struct.pack("<f", sum(values))]
    if name.startswith("to_"):
        kind = TYPES[name.removeprefix("to_")]
        numbers = values if kind in "ed" else map(int, values)
        return [struct.pack(f"<{len(values)}{kind}", *numbers)]
    more = 1 if name in ("f32", "free", "planes") else 0
    return [struct.pack(form, *(value + more for value in values))]


def converted(name: str, inputs: Sequence[bytes]) -> list[bytes]:
    """The same, of floats that are made into what the model takes, and back."""
    kind = FORMS[PORTS[name][0].type]
    floats = struct.unpack(f"<{len(inputs[0]) // 4}f", inputs[0])
    taken = floats if kind in "efd" else [int(value) for value in floats]
    (output,) = computed(name, [struct.pack(f"<{len(floats)}{kind}", *taken)])
    return [struct.pack(f"<{len(floats)}f", *struct.unpack(f"<{len(floats)}{kind}", output))]


def pixels_to_planes(data: bytes, dims: Sequence[int]) -> bytes:
    """Numbers of pixels, in the order of the model's four dimensions: its channels are second."""
    size = len(data) // (dims[0] * dims[1] * dims[2] * dims[3])
    channels = dims[1]
    elements = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(
        elements[place] for c in range(channels) for place in range(c, len(elements), channels)
    )

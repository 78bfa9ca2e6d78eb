"""Reads the inputs and outputs of TensorFlow's frozen graphs and SavedModels.

https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/framework/graph.proto
https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/protobuf/meta_graph.proto
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from rewriter.models.model import Port
from rewriter.models.protobuf import BYTES, VARINT, Data, fields, varint

__all__ = ["is_saved_model", "read_graph", "read_signature"]

_TYPES: Mapping[int, str] = MappingProxyType(
    {
        1: "f32",
        2: "f64",
        3: "i32",
        4: "u8",
        5: "i16",
        6: "i8",
        7: "string",
        8: "c64",
        9: "i64",
        10: "bool",
        11: "i8",
        12: "u8",
        13: "i32",
        14: "bf16",
        15: "i16",
        16: "u16",
        17: "u16",
        18: "c128",
        19: "f16",
        20: "resource",
        21: "variant",
        22: "u32",
        23: "u64",
    }
)
"""Short names by DataType."""

Ports = tuple[Port, ...]


def is_saved_model(data: Data) -> bool:
    """Whether the data have only the fields of a SavedModel: its version, and graphs with
    signatures. ONNX models have others too. Raises IndexError and ValueError."""
    numbers = {(number, kind) for number, kind, _, _ in fields(data, 0, len(data))}
    return numbers == {(1, VARINT), (2, BYTES)}


def read_signature(data: Data) -> tuple[Ports, Ports]:
    """The inputs and outputs of the default signature, or of the first one. Raises IndexError and
    ValueError."""
    found: dict[str, tuple[int, int]] = {}
    for start, stop in _messages(data, 2, 0, len(data)):  # SavedModel.meta_graphs
        for key, a, b in _entries(data, 5, start, stop):  # MetaGraphDef.signature_def
            found.setdefault(key, (a, b))
    named = found.get("serving_default") or next(iter(found.values()), None)
    if named is None:
        return (), ()
    inputs, outputs = (
        tuple(_info(data, key, a, b) for key, a, b in _entries(data, field, *named))
        for field in (1, 2)
    )
    return inputs, outputs


def _info(data: Data, name: str, start: int, stop: int) -> Port:
    """The port of a TensorInfo: dtype 2, tensor_shape 3."""
    kind, dims = "", None
    for number, wire, a, b in fields(data, start, stop):
        if (number, wire) == (2, VARINT):
            kind = _type(varint(data, a)[0])
        elif (number, wire) == (3, BYTES):
            dims = _shape(data, a, b)
    return Port(name, kind, dims)


def read_graph(data: Data) -> tuple[Ports, Ports]:
    """The inputs (placeholders) and outputs (nodes that no other node uses) of a graph. The types
    of outputs are not stated. Raises IndexError and ValueError."""
    inputs, others, taken = list[Port](), dict[str, None](), set[str]()
    for start, stop in _messages(data, 1, 0, len(data)):
        name = op = ""
        for number, wire, a, b in fields(data, start, stop):
            if wire != BYTES:
                continue
            if number == 1:
                name = _decoded(data, a, b)
            elif number == 2:
                op = _decoded(data, a, b)
            elif number == 3:
                taken.add(_decoded(data, a, b).removeprefix("^").partition(":")[0])
        if op == "Placeholder":
            inputs.append(_placeholder(data, name, start, stop))
        elif op not in ("Const", "NoOp"):
            others[name] = None
    return tuple(inputs), tuple(Port(name, "") for name in others if name not in taken)


def _placeholder(data: Data, name: str, start: int, stop: int) -> Port:
    """The port of a placeholder's NodeDef: attributes 5, each with a value type 6 or shape 7."""
    kind, dims = "", None
    for key, a, b in _entries(data, 5, start, stop):
        for number, wire, c, d in fields(data, a, b):
            if (key, number, wire) == ("dtype", 6, VARINT):
                kind = _type(varint(data, c)[0])
            elif (key, number, wire) == ("shape", 7, BYTES):
                dims = _shape(data, c, d)
    return Port(name, kind, dims)


def _type(code: int) -> str:
    return _TYPES.get(code, f"type {code}")


def _shape(data: Data, start: int, stop: int) -> tuple[int | None, ...] | None:
    """The dimensions of a TensorShapeProto: dim 2, in it size 1; unknown_rank 3."""
    dims: list[int | None] = []
    for number, wire, a, b in fields(data, start, stop):
        if (number, wire) == (3, VARINT) and varint(data, a)[0]:
            return None
        if (number, wire) == (2, BYTES):
            size = 0
            for field, form, c, _ in fields(data, a, b):
                if (field, form) == (1, VARINT):
                    size = varint(data, c)[0]
            dims.append(size if size < 1 << 63 else None)
    return tuple(dims)


def _messages(data: Data, field: int, start: int, stop: int) -> Iterator[tuple[int, int]]:
    for number, kind, a, b in fields(data, start, stop):
        if (number, kind) == (field, BYTES):
            yield a, b


def _entries(data: Data, field: int, start: int, stop: int) -> Iterator[tuple[str, int, int]]:
    """The keys of a map, each with the start and end of its value."""
    for a, b in _messages(data, field, start, stop):
        key, value = "", (b, b)
        for number, kind, c, d in fields(data, a, b):
            if (number, kind) == (1, BYTES):
                key = _decoded(data, c, d)
            elif (number, kind) == (2, BYTES):
                value = c, d
        yield key, *value


def _decoded(data: Data, start: int, stop: int) -> str:
    return bytes(data[start:stop]).decode(errors="backslashreplace")

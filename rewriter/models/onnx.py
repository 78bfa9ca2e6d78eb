"""Reads the inputs and outputs that an ONNX model's graph declares.

https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from types import MappingProxyType
from typing import NamedTuple

from rewriter.models.model import Port
from rewriter.models.protobuf import BYTES, VARINT, Data, Messages, fields, find, varint

__all__ = ["MESSAGES", "Declared", "read"]

MESSAGES: Messages = MappingProxyType(
    {
        "model": {7: "graph", 20: "training", 25: "function"},
        "training": {1: "graph", 2: "graph"},
        "function": {7: "node", 11: "attribute"},
        "graph": {1: "node", 5: "tensor", 15: "sparse tensor"},
        "node": {5: "attribute"},
        "attribute": {
            5: "tensor",
            6: "graph",
            10: "tensor",
            11: "graph",
            22: "sparse tensor",
            23: "sparse tensor",
        },
        "sparse tensor": {1: "tensor", 2: "tensor"},
        "tensor": {13: "entry"},
    }
)
"""The fields that lead to tensors and to the keys of their external data."""

_TYPES: Mapping[int, str] = MappingProxyType(
    {
        1: "f32",
        2: "u8",
        3: "i8",
        4: "u16",
        5: "i16",
        6: "i32",
        7: "i64",
        8: "string",
        9: "bool",
        10: "f16",
        11: "f64",
        12: "u32",
        13: "u64",
        14: "c64",
        15: "c128",
        16: "bf16",
        17: "f8e4m3fn",
        18: "f8e4m3fnuz",
        19: "f8e5m2",
        20: "f8e5m2fnuz",
        21: "u4",
        22: "i4",
        23: "f4e2m1",
        24: "f8e8m0",
        25: "u2",
        26: "i2",
    }
)
"""Short names by TensorProto.DataType."""

_OTHER_TYPES: Mapping[int, str] = MappingProxyType(
    {4: "sequence", 5: "map", 7: "opaque", 8: "sparse tensor"}
)
"""Types other than tensors, by their fields in TypeProto."""

_GRAPH, _OPSETS, _FUNCTION = 7, 8, 25
"""Fields of a ModelProto. A model without the second one is truncated."""

_NODE, _TENSOR, _INPUT, _OUTPUT, _SPARSE = 1, 5, 11, 12, 15
"""Fields of a GraphProto."""

_TAKES, _MAKES, _OP_TYPE, _DOMAIN = 1, 2, 4, 7
"""Fields of a NodeProto."""

_OWN_NAME, _OWN_DOMAIN = 1, 10
"""Fields of a FunctionProto."""

_KNOWN_DOMAINS = (
    *("", "ai.onnx", "ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview.training"),
    *("com.microsoft", "com.microsoft.nchwc", "com.ms.internal.nhwc", "org.pytorch.aten"),
)
"""The domains of operators that ONNX Runtime has.

https://github.com/microsoft/onnxruntime/blob/main/include/onnxruntime/core/graph/constants.h
"""

_QUANTISED = ("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear")
_ON_INTEGERS = ("QLinear", "MatMulInteger", "ConvInteger")
"""Operators, and prefixes of operators, of models that compute with integers."""


class Declared(NamedTuple):
    """What a graph declares. `files` contain the external data of its tensors. `custom` are the
    operators that neither ONNX Runtime nor the model itself defines, as `domain.name`."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    quantised: bool
    files: tuple[str, ...]
    custom: tuple[str, ...]


def read(data: Data) -> Declared:
    """The declarations of a model. Raises IndexError and ValueError if it is not complete."""
    graphs, seen, defined = list[tuple[int, int]](), set[int](), set[str]()
    for number, kind, start, stop in fields(data, 0, len(data)):
        seen.add(number)
        if (number, kind) == (_GRAPH, BYTES):
            graphs.append((start, stop))
        elif (number, kind) == (_FUNCTION, BYTES):
            domain = _text(data, _OWN_DOMAIN, start, stop)
            defined.add(f"{domain}.{_text(data, _OWN_NAME, start, stop)}")
    if len(graphs) != 1:
        raise ValueError(f"it has {len(graphs)} graphs instead of one")
    if _OPSETS not in seen:
        raise ValueError("it lacks its operator set, which comes after its graph")
    inputs, outputs, constants, quantised = list[Port](), list[Port](), set[str](), False
    taken, made, custom = set[str](), set[str](), dict[str, None]()
    for number, kind, start, stop in fields(data, *graphs[0]):
        if kind != BYTES:
            continue
        if number == _INPUT:
            inputs.append(_port(data, start, stop))
        elif number == _OUTPUT:
            outputs.append(_port(data, start, stop))
        elif number == _TENSOR:
            constants.add(_text(data, 8, start, stop))
        elif number == _SPARSE:
            constants.update(
                _text(data, 8, a, b) for n, _, a, b in fields(data, start, stop) if n == 1
            )
        elif number == _NODE:
            domain, name, takes, makes = _node(data, start, stop)
            if domain not in _KNOWN_DOMAINS and f"{domain}.{name}" not in defined:
                custom[f"{domain}.{name}"] = None
            quantised = quantised or name in _QUANTISED or name.startswith(_ON_INTEGERS)
            taken.update(takes)
            made.update(makes)
    _check(taken | {port.name for port in outputs}, made | constants | {p.name for p in inputs})
    fed = tuple(port for port in inputs if port.name not in constants)
    files = tuple(dict.fromkeys(_files(data)))
    return Declared(fed, tuple(outputs), quantised, files, tuple(custom))


def _node(data: Data, start: int, stop: int) -> tuple[str, str, list[str], list[str]]:
    """A node's domain and operator, and the names of its inputs and outputs."""
    found: dict[int, list[str]] = {_TAKES: [], _MAKES: [], _OP_TYPE: [""], _DOMAIN: [""]}
    for number, kind, a, b in fields(data, start, stop):
        if kind == BYTES and number in found:
            found[number].append(bytes(data[a:b]).decode(errors="backslashreplace"))
    return found[_DOMAIN][-1], found[_OP_TYPE][-1], found[_TAKES], found[_MAKES]


def _check(taken: Set[str], there: Set[str]) -> None:
    """Raise ValueError if a node's input or a model's output does not exist: ONNX Runtime refuses
    such models. The empty name stands for an optional input that is left out."""
    if not there:
        raise ValueError("its graph is empty")
    for name in sorted(taken - there - {""}):
        raise ValueError(f"its graph uses {name!r}, which is neither an input nor a node's output")


def _files(data: Data) -> Iterator[str]:
    """The files that TensorProto.external_data names."""
    for start, stop in find(data, MESSAGES, "model", "entry"):
        if _text(data, 1, start, stop) == "location":
            yield _text(data, 2, start, stop)


def _text(data: Data, field: int, start: int, stop: int) -> str:
    """A string field; empty if it is absent."""
    for number, kind, a, b in fields(data, start, stop):
        if (number, kind) == (field, BYTES):
            return bytes(data[a:b]).decode(errors="backslashreplace")
    return ""


def _port(data: Data, start: int, stop: int) -> Port:
    """The port of a ValueInfoProto: name 1, type 2."""
    name, kind, dims = _text(data, 1, start, stop), "", None
    for number, wire, a, b in fields(data, start, stop):
        if (number, wire) == (2, BYTES):
            kind, dims = _type(data, a, b)
    return Port(name, kind, dims)


def _type(data: Data, start: int, stop: int) -> tuple[str, tuple[int | None, ...] | None]:
    """The type and dimensions of a TypeProto: tensor_type 1, in it elem_type 1 and shape 2."""
    inside: tuple[int, int] | None = (start, stop)
    while inside is not None:
        optional = None
        for number, wire, a, b in fields(data, *inside):
            if number in _OTHER_TYPES:
                return _OTHER_TYPES[number], None
            if (number, wire) == (1, BYTES):
                return _tensor_type(data, a, b)
            if (number, wire) == (9, BYTES):  # an optional, and in it elem_type 1
                optional = next(((c, d) for n, _, c, d in fields(data, a, b) if n == 1), None)
        inside = optional
    return "", None


def _tensor_type(data: Data, start: int, stop: int) -> tuple[str, tuple[int | None, ...] | None]:
    kind, dims = "", None
    for number, wire, a, b in fields(data, start, stop):
        if (number, wire) == (1, VARINT):
            code = varint(data, a)[0]
            kind = _TYPES.get(code, f"type {code}")
        elif (number, wire) == (2, BYTES):
            dims = tuple(_dims(data, a, b))
    return kind, dims


def _dims(data: Data, start: int, stop: int) -> Iterator[int | None]:
    """The dimensions of a TensorShapeProto: dim 1, in it dim_value 1, or a name."""
    for number, wire, a, b in fields(data, start, stop):
        if (number, wire) == (1, BYTES):
            size = None
            for field, form, c, _ in fields(data, a, b):
                if (field, form) == (1, VARINT):
                    size = varint(data, c)[0]
            yield size if size is not None and size < 1 << 63 else None

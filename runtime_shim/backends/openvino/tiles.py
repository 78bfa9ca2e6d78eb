"""Models with a Tile whose repeats are computed. If it repeats four or more dimensions, OpenVINO
does not write the output, which is then uninitialised memory. Seen with 2026.4.1 on its CPU plugin;
constant repeats work."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from rewriter.abi.dialects import Errno
from rewriter.models.protobuf import BYTES, Data, fields, varint
from runtime_shim.backends.interface import Part
from runtime_shim.backends.openvino.operators import parse_xml
from runtime_shim.backends.parsing.detect import is_xml
from runtime_shim.backends.parsing.model_parts import mapped
from runtime_shim.errors import HostError

__all__ = ["check_tiles"]

_TILE = b"Tile"

_IN_IR = re.compile(rb"tile", re.IGNORECASE)
"""OpenVINO looks up the types of layers without regard to case."""

_MOST_SAFE = 3
"""Up to this many repeated dimensions are computed correctly, whatever the repeats are."""


def check_tiles(parts: Sequence[Part]) -> None:
    """Raise HostError with `unsupported_operation` for a model that may have such a Tile."""
    with mapped(parts[0]) as content:
        found = _has_unsafe(content, is_xml(parts[0]))
    if found:
        raise HostError(
            Errno.UNSUPPORTED_OPERATION,
            "the model has a Tile with computed repeats, whose output may be "
            "uninitialised memory in OpenVINO. ONNX Runtime runs such a model",
        )


def _has_unsafe(data: Data, is_ir: bool) -> bool:
    try:
        if is_ir:
            return _IN_IR.search(data) is not None and _in_ir(data)
        if data.find(_TILE) == -1:
            return False
        return _in_onnx(data) if data[0] == _IR_VERSION else _in_frozen_graph(data)
    except (IndexError, ValueError, SyntaxError) as error:  # the last one is for XML
        raise HostError(Errno.INVALID_ARGUMENT, f"cannot read the model: {error}") from error


_IR_VERSION = 0x08
"""The first byte of an ONNX model."""


def _texts(data: Data, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
    """The number and bytes of each field of bytes."""
    for number, kind, a, b in fields(data, start, stop):
        if kind == BYTES:
            yield number, data[a:b]


def _in_onnx(data: Data) -> bool:
    """ModelProto: graph 7, functions 25. Repeats in a function's nodes come from elsewhere."""
    for number, _, a, b in fields(data, 0, len(data)):
        if number == 25 and data.find(_TILE, a, b) != -1:
            return True
        if number == 7 and _in_graph(data, a, b, outermost=True):
            return True
    return False


def _in_graph(data: Data, start: int, stop: int, *, outermost: bool = False) -> bool:
    """GraphProto: node 1, initializer 5, input 11; NodeProto: input 1, output 2, op_type 4,
    attribute 5, with graphs in 6 and 11; TensorProto: name 8; ValueInfoProto: name 1.

    https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
    """
    safe: set[bytes] = set()
    repeats: list[bytes] = []
    inside: list[bytes] = []
    for number, kind, a, b in fields(data, start, stop):
        if kind != BYTES:
            continue
        if number == 1:
            node = list(_texts(data, a, b))
            operator = dict(node).get(4)  # if a field occurs twice, the last one counts
            if operator == _TILE:
                repeats += [text for field, text in node if field == 1][1:2]
            elif operator == b"Constant":
                safe |= {text for field, text in node if field == 2}
            inside += [text for field, text in node if field == 5]
        elif number == 5:
            safe.add(dict(_texts(data, a, b)).get(8, b""))
        elif number == 11 and outermost and _elements(data[a:b]) <= _MOST_SAFE:
            safe.add(dict(_texts(data, a, b)).get(1, b""))
    if not set(repeats) <= safe:
        return True
    fields_inside = (field for each in inside for field in _texts(each, 0, len(each)))
    return any(_in_graph(text, 0, len(text)) for number, text in fields_inside if number in (6, 11))


def _elements(info: bytes) -> int:
    """The number of elements of an input that is a vector, a large number if that is unknown. In
    ValueInfoProto: type 2, tensor_type 1, shape 2, dim 1, dim_value 1."""
    messages = [info]
    for wanted in (2, 1, 2):
        messages = [b for each in messages for n, b in _texts(each, 0, len(each)) if n == wanted]
    dims = [b for each in messages for n, b in _texts(each, 0, len(each)) if n == 1]
    if len(messages) != 1 or len(dims) != 1 or not dims[0].startswith(b"\x08"):
        return _MOST_SAFE + 1
    return varint(dims[0], 1)[0]


def _in_frozen_graph(data: Data) -> bool:
    """GraphDef: node 1, library 2, whose functions are not searched; NodeDef: name 1, op 2, input
    3.

    https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/framework/graph.proto
    """
    constants: set[bytes] = set()
    repeats: list[bytes] = []
    for number, kind, a, b in fields(data, 0, len(data)):
        if kind == BYTES and number == 2 and data.find(_TILE, a, b) != -1:
            return True
        if kind == BYTES and number == 1:
            node = list(_texts(data, a, b))
            named = dict(node)
            if named.get(2) == b"Const":
                constants.add(named.get(1, b""))
            elif named.get(2) == _TILE:
                repeats += [text for field, text in node if field == 3][1:2]
    return not {name.split(b":")[0] for name in repeats} <= constants


def _in_ir(data: Data) -> bool:
    """Whether a Tile in any body has a second input that is not constant. The shapes in the file
    are not reliable, because OpenVINO computes its own."""
    root = parse_xml(data[:])
    for net in root.iter():
        kinds = {layer.get("id"): layer.get("type", "") for layer in net.findall("layers/layer")}
        edges = [edge.attrib for edge in net.findall("edges/edge")]
        for number, kind in kinds.items():
            if kind.lower() == "tile" and not _is_constant(kinds, edges, number, "1"):
                return True
    return False


def _is_constant(
    kinds: Mapping[str | None, str],
    edges: Sequence[Mapping[str, str]],
    layer: str | None,
    port: str,
) -> bool:
    """Whether a layer's port gets a constant, directly or through a change of its type."""
    sources = [
        edge.get("from-layer")
        for edge in edges
        if (edge.get("to-layer"), edge.get("to-port")) == (layer, port)
    ]
    if len(sources) != 1:
        return False
    kind = kinds.get(sources[0])
    return kind == "Const" or (
        kind == "Convert" and port != "0" and _is_constant(kinds, edges, sources[0], "0")
    )

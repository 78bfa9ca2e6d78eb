"""Finds operators in a model for OpenVINO that need special treatment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rewriter.abi.dialects import Errno
from rewriter.models.protobuf import BYTES, Data, fields
from runtime_shim.backends.interface import Part
from runtime_shim.backends.parsing.detect import is_xml
from runtime_shim.backends.parsing.model_parts import as_bytes, mapped
from runtime_shim.errors import HostError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["check_state", "has_loop", "has_state", "parse_xml"]

_LOOPS = frozenset({"loop", "scan", "sequencemap", "while", "statelesswhile", "loopcond"})
"""Loops of ONNX, TensorFlow and OpenVINO's IR, in lower case. OpenVINO keeps what a loop collects:
if it makes no iteration, its result is what the last inference with iterations has collected, in
any context of the compiled model. Seen with 2026.4.1 on its CPU plugin."""

_STATE = "readvalue"
"""The operator for state that an inference leaves for the next one of the same request."""

_PASSING = frozenset(
    {"convert", "convertlike", "identity", "reshape", "squeeze", "transpose", "unsqueeze"}
)
"""Layers that OpenVINO can leave out, or compute without a copy."""

_MAY_HAVE_LOOP = re.compile(rb"loop|scan|sequencemap|while|&#", re.IGNORECASE)
_MAY_HAVE_STATE = re.compile(rb"readvalue|&#", re.IGNORECASE)
"""Found in every file that has such layers; in XML each letter could be a character reference."""

_NODE, _TYPE = ((7, 1), (25, 7)), 4
"""In ONNX: ModelProto.graph.node and functions.node; NodeProto.op_type."""

_FROZEN_NODE, _FROZEN_TYPE = ((1,), (2, 1, 3)), 2
"""In TensorFlow: GraphDef.node and library.function.node_def; NodeDef.op."""

_ONNX_VERSION = 0x08
"""The first byte of an ONNX model."""


def parse_xml(text: bytes) -> Element:
    """Parse a model that was checked, or that is the operator's. The parser is imported here
    because that takes a millisecond of a load. Raises SyntaxError."""
    from xml.etree import ElementTree

    return ElementTree.fromstring(text)  # noqa: S314 - checked, or the operator's


def has_loop(parts: Sequence[Part]) -> bool:
    """Whether the model has a loop. Raises HostError with `invalid_argument` for a model that
    cannot be read."""
    return not _LOOPS.isdisjoint(_operators(parts, _MAY_HAVE_LOOP))


def has_state(parts: Sequence[Part]) -> bool:
    """Whether the model has state. Raises HostError with `invalid_argument` for a model that cannot
    be read."""
    return len(parts) == 2 and _STATE in _operators(parts, _MAY_HAVE_STATE)


def check_state(parts: Sequence[Part]) -> None:
    """Raise HostError with `unsupported_operation` for a model that keeps an unchanged input as its
    state. OpenVINO then keeps the memory of the input, whatever is there later. Seen with OpenVINO
    2026.4.1."""
    for net in parse_xml(as_bytes(parts[0])).iter():
        layers = net.findall("layers/layer")
        kinds = {layer.get("id"): layer.get("type", "").lower() for layer in layers}
        sources = {
            edge.get("to-layer"): edge.get("from-layer")
            for edge in net.findall("edges/edge")
            if edge.get("to-port") == "0"
        }
        for layer, kind in kinds.items():
            place: str | None = layer
            for _ in kinds if kind == "assign" else ():
                place = sources.get(place)
                if kinds.get(place) not in _PASSING:
                    break
            if kind == "assign" and kinds.get(place) in ("parameter", None):
                raise HostError(
                    Errno.UNSUPPORTED_OPERATION,
                    "the model keeps an input as its state, but OpenVINO would keep a "
                    "reference to it instead of its value",
                )


def _operators(parts: Sequence[Part], wanted: re.Pattern[bytes]) -> frozenset[str]:
    """The model's operators in lower case; empty if `wanted` cannot be among them."""
    try:
        with mapped(parts[0]) as content:
            return _found(content, is_xml(parts[0]), wanted)
    except (IndexError, ValueError, SyntaxError) as error:  # the last one is for XML
        raise HostError(Errno.INVALID_ARGUMENT, f"cannot read the model: {error}") from error


def _found(data: Data, is_ir: bool, wanted: re.Pattern[bytes]) -> frozenset[str]:
    if not data or wanted.search(data) is None:
        return frozenset()
    if is_ir:
        root = parse_xml(data[:])
        return frozenset(layer.get("type", "").lower() for layer in root.iter("layer"))
    if data[0] == _ONNX_VERSION:
        nodes = (node for path in _NODE for node in _inside(data, 0, len(data), path))
        return frozenset(name.decode("latin-1").lower() for name in _onnx_types(data, nodes))
    nodes = (node for path in _FROZEN_NODE for node in _inside(data, 0, len(data), path))
    types = (_last(data, *node, _FROZEN_TYPE) for node in nodes)
    return frozenset(name.decode("latin-1").lower() for name in types)


def _onnx_types(data: Data, nodes: Iterator[tuple[int, int]]) -> Iterator[bytes]:
    """The types of nodes, and of nodes in the graphs of their attributes."""
    waiting = list(nodes)
    while waiting:
        start, stop = waiting.pop()
        yield _last(data, start, stop, _TYPE)
        for path in ((5, 6, 1), (5, 11, 1)):  # NodeProto.attribute, g or graphs, node
            waiting += _inside(data, start, stop, path)


def _inside(data: Data, start: int, stop: int, path: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Start and end of messages that are nested by these fields."""
    for number, kind, a, b in fields(data, start, stop):
        if number == path[0] and kind == BYTES:
            if len(path) == 1:
                yield a, b
            else:
                yield from _inside(data, a, b, path[1:])


def _last(data: Data, start: int, stop: int, field: int) -> bytes:
    """If a field occurs twice, the last one counts."""
    found = b""
    for number, kind, a, b in fields(data, start, stop):
        if number == field and kind == BYTES:
            found = data[a:b]
    return found

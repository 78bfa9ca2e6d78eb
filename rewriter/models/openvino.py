"""Reads the parameters and results of OpenVINO's IR, and checks that the weights are complete.

https://docs.openvino.ai/2025/documentation/openvino-ir-format.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from xml.parsers import expat

from rewriter.models.model import Port
from rewriter.models.protobuf import Data

__all__ = ["Graph", "read"]

_TYPES: Mapping[str, str] = MappingProxyType(
    {"fp16": "f16", "fp32": "f32", "fp64": "f64", "boolean": "bool"}
)
"""wasi-nn's names for types that ports and parameters call differently, in lower case."""

_WHOLE = ("i8", "u8", "i4", "u4")

_LAYER = ["net", "layers", "layer"]
"""The path of the model's layers. Layers of loop bodies are nested more deeply."""

_NUMBER = re.compile(r"\+?[0-9]{1,20}")
_EXTENT = re.compile(r"[+-]?[0-9]{1,20}|\?|(-?[0-9]{1,20})?\.\.([0-9]{1,20})?")
_BEGINS = re.compile(r"[+-]?[0-9]{1,20}(?![0-9])")

_BETWEEN = re.compile(r"(?<!\\),")

_PIECE = 1 << 20
"""Bytes that the parser gets at a time."""

Place = tuple[str, str]
"""The ids of a layer and its port, as in edges."""


class Graph:
    """Collects a model's properties while its XML is parsed. Its methods raise ValueError.
    `needed` is the number of bytes of weights that the model needs."""

    def __init__(self, weights: int | None) -> None:
        self.quantised = False
        self.needed = 0
        self.has_layers = False
        self._weights = weights
        self._path: list[str] = []
        self._layer: dict[str, str] = {}
        self._port: Port | None = None
        self._port_id = ""
        self._dims: list[int | None] = []
        self._made: dict[Place, Port] = {}
        self._taken: dict[str, Port] = {}
        self._names: dict[str, str] = {}
        self._output_names: dict[str, str] = {}
        self._parameters: dict[str, Port] = {}
        self._edges: dict[str, Place] = {}
        self._text = ""

    @property
    def inputs(self) -> tuple[Port, ...]:
        return tuple(self._parameters.values())

    @property
    def outputs(self) -> tuple[Port, ...]:
        """The results, each with its name and the type of its input. The names, as those of inputs,
        are those of tensors, by which OpenVINO finds them. Files of version 10 have only names of
        layers."""
        found = []
        for layer, name in self._names.items():
            made = self._made.get(self._edges.get(layer, ("", "")))
            here = made or self._taken.get(layer) or Port("", "")
            named = self._output_names.get(layer, "") or here.name or name
            found.append(here._replace(name=named))
        return tuple(found)

    def start(self, name: str, given: Mapping[str, str]) -> None:
        self._path.append(name)
        if not self._path[0] == "net":
            raise ValueError(f"its root element is {name[:99]!r} instead of 'net'")
        if self._path == _LAYER:
            self._layer = dict(given)
            self.has_layers = True
            self._see(given.get("type", ""), given)
        elif name == "data" and self._path[:-1] == _LAYER:
            self._data(given)
        elif name == "port":
            kind = given.get("precision", "").lower()
            name = _tensor_name(given.get("names", ""))
            self._port, self._port_id = Port(name, _TYPES.get(kind, kind)), given.get("id", "")
            self._dims = []
        elif name == "edge" and self._path[:-1] == ["net", "edges"]:
            source = given.get("from-layer", ""), given.get("from-port", "")
            self._edges[given.get("to-layer", "")] = source
        self._text = ""

    def text(self, more: str) -> None:
        self._text += more

    def end(self, name: str) -> None:
        if name == "dim" and self._port is not None:
            self._dims.append(_of_port(self._text))
        elif name == "port" and self._port is not None and self._path[:3] == _LAYER:
            if len(self._path) == 5:
                self._keep(self._port._replace(dims=tuple(self._dims)))
            self._port = None
        self._path.pop()

    def _see(self, kind: str, given: Mapping[str, str]) -> None:
        self.quantised = self.quantised or kind == "FakeQuantize"
        layer, name = given.get("id", ""), given.get("name", "")
        if kind in ("Parameter", "Input"):
            self._parameters[layer] = Port(name, "")
        elif kind == "Result":
            self._names[layer] = name
            self._output_names[layer] = _tensor_name(given.get("output_names", ""))

    def _data(self, given: Mapping[str, str]) -> None:
        """Handle a layer's `data` element."""
        layer, kind = self._layer.get("id", ""), given.get("element_type", "")
        if layer in self._parameters and kind:
            shape = given.get("shape", "")
            dims = None if shape == "..." else tuple(map(_dim, shape.split(","))) if shape else ()
            found = Port(self._parameters[layer].name, _TYPES.get(kind.lower(), kind), dims)
            self._parameters[layer] = found
        elif self._layer.get("type") == "Const":
            self.quantised = self.quantised or kind in _WHOLE
            end = _bytes(given, "offset") + _bytes(given, "size")
            self.needed = max(self.needed, end)
            if self._weights is not None and end > self._weights:
                message = f"the weights end at byte {self._weights}, but a constant at {end}"
                raise ValueError(message)

    def _keep(self, port: Port) -> None:
        layer = self._layer.get("id", "")
        if self._path[3] == "output":
            self._made[layer, self._port_id] = port
            parameter = self._parameters.get(layer)
            if parameter is not None:
                known = parameter if parameter.type else port
                self._parameters[layer] = known._replace(name=port.name or parameter.name)
        else:
            self._taken[layer] = port


def _tensor_name(names: str) -> str:
    """One of the names of a tensor, which are separated by commas; OpenVINO's get_any_name returns
    the same one. In a name, a backslash precedes a comma."""
    return min(name.replace("\\,", ",") for name in _BETWEEN.split(names))


def _bytes(given: Mapping[str, str], name: str) -> int:
    """The offset or size of a constant in the weights. OpenVINO accepts no minus sign and only base
    10."""
    text = given.get(name, "0").strip()
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"the {name} of a constant is {text[:99]!r}, not a number of bytes")
    return int(text)


def _dim(text: str) -> int | None:
    """A dimension of a shape; None if it is free or a range such as 1..10."""
    text = text.strip()
    if not _EXTENT.fullmatch(text):
        raise ValueError(f"{text[:99]!r} is not a dimension")
    return int(text) if _NUMBER.fullmatch(text) else None


def _of_port(text: str) -> int | None:
    """A dimension of a port. OpenVINO reads a number at the beginning, treats -1 as free, and
    ignores an empty dimension."""
    text = text.strip()
    begins = _BEGINS.match(text)
    if text and not (begins and -1 <= int(begins[0]) < 1 << 63):
        raise ValueError(f"a dimension is {text[:99]!r}, but must be a number of at least -1")
    return int(text) if _NUMBER.fullmatch(text) else None


def read(data: Data, weights: int | None) -> Graph:
    """The graph in an XML file. `weights` is the size of the weights in bytes, None if unknown.
    Raises ValueError if the model is not complete."""
    graph = Graph(weights)
    parser = expat.ParserCreate()
    parser.StartElementHandler = graph.start
    parser.EndElementHandler = graph.end
    parser.CharacterDataHandler = graph.text
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        for start in range(0, len(data), _PIECE):
            parser.Parse(bytes(data[start : start + _PIECE]), False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise ValueError(f"it is not well-formed XML: {error}") from error
    if not graph.has_layers:
        raise ValueError("it has no layers")
    return graph


def _refuse_doctype(*_: object) -> None:
    raise ValueError("it has a document type declaration, which models do not have")

"""Frozen TensorFlow graphs: no node depends on itself, and no function calls itself.

OpenVINO's frontend loops over such a graph forever, and takes more memory each time.

https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/framework/node_def.proto
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from rewriter.abi.dialects import Errno
from rewriter.models.protobuf import BYTES, Messages, fields, find
from runtime_shim.backends.parsing.order import check_calls, in_order
from runtime_shim.errors import HostError
from runtime_shim.guest_text import quoted

__all__ = ["check_order"]

_NODE, _LIBRARY = 1, 2
"""Fields of GraphDef."""

_FUNCTION = 1
"""Field of FunctionDefLibrary."""

_SIGNATURE, _FUNCTION_NODE = 1, 3
"""Fields of FunctionDef."""

_NAME = 1
"""Field of NodeDef, OpDef and NameAttrList."""

_OP, _INPUT = 2, 3
"""Fields of NodeDef."""

_CALLS: Messages = {
    "node": {5: "attribute"},
    "attribute": {2: "value"},
    "value": {1: "list", 10: "call"},
    "list": {9: "call"},
}
"""The fields that lead from a node to the functions that it names."""

_NEXT = (b"NextIteration", b"RefNextIteration")
"""Operators through which a loop of TensorFlow's first version returns: their result is for the
next iteration.

https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/graph/algorithm.cc
"""

_MAIN = b""
"""Stands for the graph itself among the functions, which cannot have this name."""


_MOST_NODES = 200_000
"""Each node takes a hundred bytes here, and a few thousand in OpenVINO."""


class _Body(NamedTuple):
    """The position of the graph or a function, and the field of its nodes."""

    place: tuple[int, int]
    nodes: int


class _Node(NamedTuple):
    name: bytes
    operator: bytes
    inputs: tuple[bytes, ...]


def check_order(data: bytes) -> None:
    """Raise HostError with `invalid_argument` for a graph with a cycle. Call
    runtime_shim.backends.checks.graphdef first."""
    bodies = {_MAIN: _Body((0, len(data)), _NODE)}
    for name, place in _functions(data):
        if not name or name in bodies:
            raise _refused(f"the function {quoted(name)} occurs twice, or has no name")
        bodies[name] = _Body(place, _FUNCTION_NODE)
    sizes = {name: sum(1 for _ in _messages(data, *body)) for name, body in bodies.items()}
    if sum(sizes.values()) > _MOST_NODES:
        raise _refused(f"there are more than {_MOST_NODES} nodes")
    if len(bodies) > 1:
        _check_functions(data, bodies, sizes)
    for body in bodies.values():
        _check_nodes(data, body)


def _check_functions(
    data: bytes, bodies: Mapping[bytes, _Body], sizes: Mapping[bytes, int]
) -> None:
    calls = {
        name: [called for called in _named(data, body) if called in bodies]
        for name, body in bodies.items()
    }
    try:
        check_calls(calls, sizes)
    except ValueError as error:
        said = quoted(error.args[0] or "the graph")
        raise _refused(f"{said} calls itself, or makes too many calls") from error


def _check_nodes(data: bytes, body: _Body) -> None:
    again = {node.name for node in _nodes(data, body) if node.operator in _NEXT}
    before: dict[bytes, tuple[bytes, ...]] = {}
    for node in _nodes(data, body):
        if node.name in before:
            raise _refused(f"the node {quoted(node.name)} occurs twice")
        before[node.name] = tuple(each for each in node.inputs if each not in again)
    try:
        in_order(before)
    except ValueError as error:
        raise _refused(f"the node {quoted(error.args[0])} depends on itself") from error


def _functions(data: bytes) -> Iterator[tuple[bytes, tuple[int, int]]]:
    """The name and position of each function."""
    for library in _messages(data, (0, len(data)), _LIBRARY):
        for function in _messages(data, library, _FUNCTION):
            name = b""
            for signature in _messages(data, function, _SIGNATURE):
                for start, stop in _messages(data, signature, _NAME):
                    name = data[start:stop]
            yield name, function


def _named(data: bytes, body: _Body) -> Iterator[bytes]:
    """Possible names of functions: operators, and names in attributes."""
    for node in _messages(data, *body):
        for start, stop in _messages(data, node, _OP):
            yield data[start:stop]
        for call in find(data, _CALLS, "node", "call", at=node):
            for start, stop in _messages(data, call, _NAME):
                yield data[start:stop]


def _nodes(data: bytes, body: _Body) -> Iterator[_Node]:
    for place in _messages(data, *body):
        yield _node(data, *place)


def _node(data: bytes, start: int, stop: int) -> _Node:
    name = operator = b""
    inputs = []
    for number, kind, begin, end in fields(data, start, stop):
        if kind != BYTES:
            continue
        if number == _NAME:
            name = data[begin:end]
        elif number == _OP:
            operator = data[begin:end]
        elif number == _INPUT:  # "^name" waits for a node, "name:output" reads one of its outputs
            inputs.append(data[begin:end].lstrip(b"^").partition(b":")[0])
    return _Node(name, operator, tuple(inputs))


def _messages(data: bytes, place: tuple[int, int], wanted: int) -> Iterator[tuple[int, int]]:
    """The position of each message in a field of another message."""
    for number, kind, begin, end in fields(data, *place):
        if number == wanted and kind == BYTES:
            yield begin, end


def _refused(reason: str) -> HostError:
    return HostError(Errno.INVALID_ARGUMENT, f"invalid TensorFlow graph: {reason}")

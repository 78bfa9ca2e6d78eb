"""ONNX models whose functions call each other forever, or more often than fits into memory. An NN
runtime replaces each call with the body of the function.

https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from mmap import mmap
from types import MappingProxyType
from typing import NamedTuple

from rewriter.abi.dialects import Errno
from rewriter.models.protobuf import BYTES, Messages, fields, find
from runtime_shim.backends.parsing.order import check_calls
from runtime_shim.errors import HostError
from runtime_shim.guest_text import quoted

__all__ = ["check_functions", "operators_of"]

_FUNCTION = 25
"""Field of ModelProto."""

_FUNCTION_KEY: Mapping[int, int] = MappingProxyType({10: 0, 1: 1, 13: 2})
_NODE_KEY: Mapping[int, int] = MappingProxyType({7: 0, 4: 1, 8: 2})
"""The fields of FunctionProto and NodeProto for the domain, the name and the overload."""

_NODES: Messages = MappingProxyType(
    {
        "model": {7: "graph"},
        "function": {7: "node"},
        "graph": {1: "node"},
        "inside a node": {5: "attribute"},
        "attribute": {6: "graph", 11: "graph"},
    }
)
"""The fields that lead to a node."""

_DEFAULT_DOMAIN = b"ai.onnx"
"""Can also be written as an empty string."""


class _Key(NamedTuple):
    domain: bytes
    name: bytes
    overload: bytes

    def __str__(self) -> str:
        return quoted(b".".join(filter(None, self)))


def check_functions(data: bytes) -> None:
    """Raise HostError with `invalid_argument`. Call runtime_shim.backends.checks.onnx first."""
    places = {
        _key(data, start, stop, _FUNCTION_KEY): (start, stop)
        for number, kind, start, stop in fields(data, 0, len(data))
        if number == _FUNCTION and kind == BYTES
    }
    if not places:
        return
    calls: dict[_Key | None, list[_Key]] = {}
    sizes: dict[_Key | None, int] = {}
    bodies: dict[_Key | None, tuple[str, tuple[int, int]]] = {None: ("model", (0, len(data)))}
    bodies.update((key, ("function", place)) for key, place in places.items())
    for body, (kind, place) in bodies.items():
        calls[body], sizes[body] = [], 0
        for node in _nodes(data, kind, place):
            sizes[body] += 1
            called = _key(data, *node, _NODE_KEY)
            if called in places:
                calls[body].append(called)
    try:
        check_calls(calls, sizes)
    except ValueError as error:
        said = error.args[0] or "its graph"
        raise HostError(
            Errno.INVALID_ARGUMENT,
            f"invalid ONNX model: {said} calls itself, or makes too many calls",
        ) from error


def operators_of(data: bytes | mmap) -> set[str]:
    """The names of all operators and functions that a valid model calls, without their domains."""
    bodies = [("model", (0, len(data)))]
    bodies += [
        ("function", (start, stop))
        for number, kind, start, stop in fields(data, 0, len(data))
        if number == _FUNCTION and kind == BYTES
    ]
    return {
        _key(data, *node, _NODE_KEY).name.decode(errors="replace")
        for body in bodies
        for node in _nodes(data, *body)
    }


def _nodes(data: bytes | mmap, kind: str, place: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """The position of each node, including those in subgraphs."""
    levels = [find(data, _NODES, kind, "node", at=place)]
    while levels:
        node = next(levels[-1], None)
        if node is None:
            levels.pop()
        else:
            yield node
            levels.append(find(data, _NODES, "inside a node", "node", at=node))


def _key(data: bytes | mmap, start: int, stop: int, key_fields: Mapping[int, int]) -> _Key:
    found = [b"", b"", b""]
    for number, kind, begin, end in fields(data, start, stop):
        if number in key_fields and kind == BYTES:
            found[key_fields[number]] = data[begin:end]
    domain, name, overload = found
    return _Key(b"" if domain == _DEFAULT_DOMAIN else domain, name, overload)

"""Files that an ONNX model names for its weights.

Such a tensor has the key "location" in TensorProto.external_data. Where NN runtimes look for it
differs by release: beside the model, in the current folder, or wherever it says.

https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from rewriter.dialects import Errno
from runtime_shim.backends.base import Part
from runtime_shim.errors import HostError

__all__ = ["check_files", "may_name_files", "ranked_inputs"]

Data = bytes | mmap.mmap

_MESSAGES: Mapping[str, Mapping[int, str]] = MappingProxyType(
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
"""The fields of messages through which one comes to a tensor, by number."""

_VARINT, _64_BITS, _BYTES, _32_BITS = 0, 1, 2, 5
"""Wire types of fields. https://protobuf.dev/programming-guides/encoding/"""

_DEEPEST = 100
"""Messages inside messages, as protobuf has it too."""


def may_name_files(model: Data) -> bool:
    """Whether an ONNX model may have tensors whose data are in other files: of one without the
    key's bytes, which stand in it as they are in every encoding, it is certain that it has none."""
    return model.find(b"location") != -1


def check_files(model: Path) -> None:
    """Raise HostError with `invalid_argument` for a model in a file that names one outside of its
    own folder, by a symbolic link too, or that cannot be read as far as that takes."""
    with model.open("rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            if not may_name_files(content):
                return
            try:
                named = set(_named(content, 0, len(content), "model", 0))
            except (IndexError, ValueError) as error:
                raise HostError(
                    Errno.INVALID_ARGUMENT, f"{model} cannot be read: {error}"
                ) from error
    folder = os.path.realpath(model.parent)
    folders = {folder, os.path.dirname(os.path.realpath(model))}
    for name in named:
        target = os.path.realpath(os.path.join(folder, name))
        if not any(os.path.commonpath((inside, target)) == inside for inside in folders):
            raise HostError(
                Errno.INVALID_ARGUMENT, f"{model} names {name!r}, which is outside of its folder"
            )


def ranked_inputs(model: Part) -> set[str]:
    """The names of the inputs of an ONNX model whose number of dimensions is fixed. Raises
    IndexError and ValueError for a model that cannot be read."""
    if isinstance(model, bytes):
        return set(_ranked(model))
    with model.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return set(_ranked(content))


_GRAPH, _INPUT, _NAME, _TYPE, _TENSOR_TYPE, _SHAPE = 7, 11, 1, 2, 1, 2
"""Fields on the way to an input's shape: of ModelProto, GraphProto, ValueInfoProto (two),
TypeProto (an optional's element is field 9, of its Optional 1) and TypeProto.Tensor."""

_OPTIONAL_TYPE, _ELEMENT = 9, 1


def _ranked(data: Data) -> Iterator[str]:
    for _, start, stop in _those(data, 0, len(data), _GRAPH):
        for _, first, last in _those(data, start, stop, _INPUT):
            name = next((data[a:b] for _, a, b in _those(data, first, last, _NAME)), b"")
            types = list(_those(data, first, last, _TYPE))
            for _, a, b in list(types):
                for _, c, d in _those(data, a, b, _OPTIONAL_TYPE):
                    types += _those(data, c, d, _ELEMENT)
            tensors = [each for _, a, b in types for each in _those(data, a, b, _TENSOR_TYPE)]
            if any(True for _, a, b in tensors for _ in _those(data, a, b, _SHAPE)):
                yield name.decode()


def _those(data: Data, pos: int, end: int, number: int) -> Iterator[tuple[int, int, int]]:
    return (field for field in _fields(data, pos, end) if field[0] == number)


def _named(data: Data, pos: int, end: int, message: str, depth: int) -> Iterator[str]:
    """The files that are named in the message at pos..end. Raises IndexError and ValueError."""
    if depth > _DEEPEST:
        raise ValueError("messages are too deep in one another")
    inside = _MESSAGES[message]
    for number, start, stop in _fields(data, pos, end):
        found = inside.get(number)
        if found == "entry":
            entry = {field: data[a:b] for field, a, b in _fields(data, start, stop)}
            if entry.get(1) == b"location":
                yield entry.get(2, b"").decode()
        elif found is not None:
            yield from _named(data, start, stop, found, depth + 1)


def _fields(data: Data, pos: int, end: int) -> Iterator[tuple[int, int, int]]:
    """The number of each field of bytes, and where these are."""
    while pos < end:
        tag, pos = _varint(data, pos)
        kind = tag & 7
        if kind == _VARINT:
            _, pos = _varint(data, pos)
        elif kind == _BYTES:
            size, start = _varint(data, pos)
            pos = start + size
            if pos > end:
                raise ValueError(f"a field at byte {start} is longer than what it is in")
            yield tag >> 3, start, pos
        elif kind in (_32_BITS, _64_BITS):
            pos += 4 if kind == _32_BITS else 8
        else:
            raise ValueError(f"a field of the unknown kind {kind} at byte {pos}")


def _varint(data: Data, pos: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[pos]
        pos += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, pos
        shift += 7
        if shift > 63:
            raise ValueError(f"a number at byte {pos} is too long")

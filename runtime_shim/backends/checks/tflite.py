"""TensorFlow Lite models: lengths, and indices of other parts of the file.

LiteRT verifies that tables and vectors are inside the file. But for data after them, it adds
offsets and sizes in 64 bits, and it trusts the data of strings and sparse tensors.

https://github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/schema/schema.fbs
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from itertools import chain
from types import MappingProxyType
from typing import NamedTuple

from rewriter.abi.dialects import Errno
from rewriter.models.flatbuffer import Table
from runtime_shim.backends.checks.tflite_booleans import check_booleans, operator_codes
from runtime_shim.backends.checks.tflite_sparse import stored_values
from runtime_shim.backends.parsing.flatbuffers import root_of
from runtime_shim.backends.parsing.order import check_calls
from runtime_shim.backends.parsing.shapes import bytes_for, elements
from runtime_shim.errors import HostError

__all__ = ["check_lengths", "subgraphs_of"]

_IDENTIFIER = b"TFL3"

_BITS: Mapping[int, int] = MappingProxyType(
    {
        **dict.fromkeys((3, 6, 9, 21, 22), 8),  # UINT8, BOOL, INT8, two of FLOAT8
        **dict.fromkeys((1, 7, 16, 18), 16),  # FLOAT16, INT16, UINT16, BFLOAT16
        **dict.fromkeys((0, 2, 13, 15), 32),  # FLOAT32, INT32, RESOURCE, UINT32
        **dict.fromkeys((4, 8, 10, 12), 64),  # INT64, COMPLEX64, FLOAT64, UINT64
        11: 128,  # COMPLEX128
        **dict.fromkeys((17, 20), 4),  # INT4, UINT4
        19: 2,  # INT2
    }
)
"""The size of an element in bits, by TensorType."""

_STRING = 5

_BY_TENSORS = (2, 3)
"""Types of QuantizationDetails whose scales and zero points are other tensors."""

_OPTIONS, _OPTIONS_2 = 10, 26
"""The fields of an operator for the type of its options. The next field has the options."""

_SUBGRAPHS: Mapping[tuple[int, int], Sequence[int]] = MappingProxyType(
    {
        (_OPTIONS, 16): (4,),  # Call
        (_OPTIONS, 92): (4, 6),  # If
        (_OPTIONS, 93): (4, 6),  # While
        (_OPTIONS, 103): (4,),  # CallOnce
        (_OPTIONS_2, 6): (6,),  # StablehloReduce
        (_OPTIONS_2, 7): (16,),  # StablehloScatter
        (_OPTIONS_2, 13): (14,),  # StablehloReduceWindow
        (_OPTIONS_2, 14): (8,),  # StablehloSort
        (_OPTIONS_2, 15): (4, 6),  # StablehloWhile
        (_OPTIONS_2, 21): (6,),  # StableHLOComposite
    }
)
"""The fields of options that are indices of subgraphs."""

_CASE = (_OPTIONS_2, 23)
"""StablehloCase has a vector of indices."""


class _Counts(NamedTuple):
    """How many items there are of each kind that has indices."""

    codes: int
    subgraphs: int
    tensors: int


def check_lengths(data: bytes) -> None:
    """Raise HostError with `invalid_argument` for a model that would make LiteRT read out of
    bounds."""
    if data[4:8] != _IDENTIFIER:
        raise HostError(
            Errno.INVALID_ARGUMENT,
            "this is not a TensorFlow Lite model: it lacks the identifier TFL3",
        )
    model = root_of(data, "the TensorFlow Lite model")
    if any(count for _, count in filter(None, (model.extent(20, 4), model.extent(22, 4)))):
        raise model.refused("its data is in other files, which a guest cannot provide")
    buffers = [_buffer(data, buffer) for buffer in model.tables(12)]
    operators, subgraphs = operator_codes(model), list(model.tables(8))
    if not subgraphs:
        raise model.refused("it has no subgraph")
    tensors: list[int] = []
    calls: dict[int, list[int]] = {}
    sizes: dict[int, int] = {}
    for subgraph in subgraphs:
        tensors.append(_check_tensors(data, subgraph, buffers))
        counts = _Counts(len(operators), len(subgraphs), tensors[-1])
        _check_indices(subgraph, subgraph.numbers(6, "i"), 0, counts.tensors, "tensor")
        _check_indices(subgraph, subgraph.numbers(8, "i"), 0, counts.tensors, "tensor")
        called = [_check_operator(data, operator, counts) for operator in subgraph.tables(10)]
        calls[len(calls)], sizes[len(sizes)] = list(chain(*called)), len(called)
        check_booleans(data, subgraph, buffers, operators)
    try:
        check_calls(calls, sizes)
    except ValueError as error:
        raise model.refused(f"subgraph {error} calls itself, or makes too many calls") from error
    _check_indices(model, model.numbers(14, "i"), 0, len(buffers), "buffer")
    for entry in model.tables(16):
        _check_indices(entry, [entry.number(6, "I")], 0, len(buffers), "buffer")
    for signature in model.tables(18):
        index = signature.number(12, "I")
        _check_indices(signature, [index], 0, len(subgraphs), "subgraph")
        for field in (4, 6):
            for entry in signature.tables(field):
                _check_indices(entry, [entry.number(6, "I")], 0, tensors[index], "tensor")


def _buffer(data: bytes, buffer: Table) -> tuple[int, int] | None:
    """Start and size in bytes of a buffer's data; None for a buffer without data."""
    found = buffer.extent(4, 1)
    behind = _behind(data, buffer, 6)
    return behind if found is None else found


def _behind(data: bytes, table: Table, field: int) -> tuple[int, int] | None:
    """Start and size in bytes of data after the tables, from two consecutive fields of a table. 0
    and 1 mean that there is none.

    https://github.com/tensorflow/tensorflow/blob/master/tensorflow/lite/core/interpreter_builder.cc
    """
    offset, size = table.number(field, "Q"), table.number(field + 2, "Q")
    if offset <= 1 and size <= 1:
        return None
    if offset + size > len(data):
        raise table.refused(f"{size} bytes at byte {offset} are not in the file")
    return offset, size


def _check_indices(table: Table, indices: Sequence[int], least: int, count: int, what: str) -> None:
    for index in (min(indices), max(indices)) if indices else ():
        if not least <= index < count:
            raise table.refused(f"{what} {index} does not exist; there are {count}")


def _check_tensors(data: bytes, subgraph: Table, buffers: Sequence[tuple[int, int] | None]) -> int:
    """Check the tensors of a subgraph, and return their number."""
    tensors = list(subgraph.tables(4))
    for tensor in tensors:
        index = tensor.number(8, "I")
        # Without any buffers, index 0 stands for an empty one.
        _check_indices(tensor, [index], 0, max(len(buffers), 1), "buffer")
        found = buffers[index] if index else None
        if found is not None:
            _check_constant(data, tensor, *found)
        quantization = tensor.table(12)
        if quantization is not None:
            _check_quantization(quantization, len(tensors))
    return len(tensors)


def _check_constant(data: bytes, tensor: Table, start: int, size: int) -> None:
    kind, dims, sparsity = tensor.number(6, "b"), tensor.numbers(4, "i"), tensor.table(16)
    try:
        count = elements(dims) if sparsity is None else stored_values(sparsity, dims)
    except ValueError as error:
        raise tensor.refused(str(error)) from error
    if kind == _STRING:
        _check_strings(data, tensor, start, size, count)
        return
    bits = _BITS.get(kind)
    if bits is None:
        raise tensor.refused(f"a constant has the unknown type {kind}")
    if bytes_for(count, bits) > size:
        raise tensor.refused(f"{size} bytes are not enough for {count} elements of {bits} bits")


def _check_strings(data: bytes, tensor: Table, start: int, size: int, count: int) -> None:
    """Check strings. All numbers are int32: the count, the start of each string, and the end of the
    last one.

    https://github.com/tensorflow/tensorflow/blob/master/tensorflow/lite/string_util.h
    """
    if size < 8 + 4 * count:
        raise tensor.refused(f"{size} bytes are not enough for {count} strings")
    found, *offsets = struct.unpack_from(f"<{count + 2}i", data, start)
    if found != count:
        raise tensor.refused(f"its shape says {count} strings, but its data says {found}")
    if offsets != sorted(offsets) or offsets[0] < 8 + 4 * count or offsets[-1] > size:
        raise tensor.refused("its strings are not stored consecutively")


def _check_quantization(quantization: Table, tensors: int) -> None:
    if quantization.number(12, "B") in _BY_TENSORS:
        details = quantization.table(14)
        if details is not None:
            _check_indices(details, [details.number(4, "i")], 0, tensors, "tensor")
            _check_indices(details, [details.number(6, "i")], -1, tensors, "tensor")


def _check_operator(data: bytes, operator: Table, counts: _Counts) -> list[int]:
    """Check an operator, and return the subgraphs that it calls."""
    _check_indices(operator, [operator.number(4, "I")], 0, counts.codes, "operator code")
    for field in (6, 8, 20):  # -1 stands for an optional tensor that is left out
        _check_indices(operator, operator.numbers(field, "i"), -1, counts.tensors, "tensor")
    _behind(data, operator, 22)
    called = subgraphs_of(operator)
    _check_indices(operator, called, 0, counts.subgraphs, "subgraph")
    return called


def subgraphs_of(operator: Table) -> list[int]:
    """The subgraphs that an operator's options name."""
    called: list[int] = []
    for field in (_OPTIONS, _OPTIONS_2):
        kind, options = operator.number(field, "B"), operator.table(field + 2)
        if options is not None:
            fields = _SUBGRAPHS.get((field, kind), ())
            called.extend(options.number(place, "i") for place in fields)
            if (field, kind) == _CASE:
                called.extend(options.numbers(4, "i"))
    return called

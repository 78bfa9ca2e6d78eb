"""Tensors in the typed form of the inference protocol over gRPC, in which each type has a field."""

from __future__ import annotations

from array import array
from typing import Any

__all__ = ["FIELDS", "FORMATS", "add_contents", "bytes_of_contents"]

FIELDS = {
    "BOOL": "bool_contents",
    **dict.fromkeys(("INT8", "INT16", "INT32"), "int_contents"),
    **dict.fromkeys(("UINT8", "UINT16", "UINT32"), "uint_contents"),
    "INT64": "int64_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
}
"""https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/open_inference_grpc.proto
"""

FORMATS = dict(
    zip(
        ("INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"),
        "bhiqBHIQ",
        strict=True,
    )
) | {"FP32": "f", "FP64": "d"}
"""Characters of the module `array`."""


def add_contents(contents: Any, datatype: str, data: bytes) -> None:
    """Put the elements of a tensor into the field of its type."""
    values = map(bool, data) if datatype == "BOOL" else array(FORMATS[datatype], data)
    getattr(contents, FIELDS[datatype]).extend(values)


def bytes_of_contents(tensor: Any) -> bytes:
    """The bytes of a tensor that has only the field of its type."""
    (found,) = tensor.contents.ListFields()
    assert found[0].name == FIELDS[tensor.datatype]
    if tensor.datatype == "BOOL":
        return bytes(found[1])
    return array(FORMATS[tensor.datatype], found[1]).tobytes()

"""The protocol's types of elements.

https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
BF16 is an extension of Triton's.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from runtime_shim.backends.common.tensor_info import element_of
from runtime_shim.backends.interface import Element

__all__ = ["element_for", "format_of", "numbers_in"]

_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "BOOL": "bool",
        "UINT8": "u8",
        "UINT16": "u16",
        "UINT32": "u32",
        "UINT64": "u64",
        "INT8": "i8",
        "INT16": "i16",
        "INT32": "i32",
        "INT64": "i64",
        "FP16": "f16",
        "BF16": "bf16",
        "FP32": "f32",
        "FP64": "f64",
    }
)
"""The short name for element_of of each type. BYTES, which is strings, has none."""

_FORMATS: Mapping[str, str] = MappingProxyType(
    {
        "BOOL": "?",
        "UINT8": "B",
        "UINT16": "H",
        "UINT32": "I",
        "UINT64": "Q",
        "INT8": "b",
        "INT16": "h",
        "INT32": "i",
        "INT64": "q",
        "FP16": "e",
        "FP32": "f",
        "FP64": "d",
    }
)


def element_for(datatype: str) -> Element | None:
    """How elements of a type are passed. None for strings and for unknown types."""
    name = _NAMES.get(datatype)
    return None if name is None else element_of(name)


def format_of(datatype: str) -> str | None:
    """The character of the module `struct` for a type that Python's numbers can hold."""
    return _FORMATS.get(datatype)


def numbers_in(data: bytes, letter: str) -> tuple[Any, ...]:
    """The elements of a tensor of the type with this character."""
    return struct.unpack(f"<{len(data) // struct.calcsize(letter)}{letter}", data)

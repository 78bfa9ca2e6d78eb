"""The structures of wasi-nn's ABIs in a guest's memory, with named fields.

`structure(data="I", length="I")` has size 8 and the offsets 0 and 4. The sources are those of
rewriter.abi.dialects.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from types import MappingProxyType

__all__ = [
    "BUILDER",
    "TENSOR",
    "WAMR_BUILDERS",
    "WAMR_DIMENSIONS",
    "WAMR_OUTPUT_UNIT",
    "WAMR_TENSOR",
    "Structure",
    "named_offsets",
    "structure",
]


class Structure(struct.Struct):
    """Packs and unpacks the fields in order. `offsets` maps each field to its offset in bytes."""

    offsets: Mapping[str, int]


def structure(**fields: str) -> Structure:
    """A little-endian structure. Each field has a format of the struct module, which includes any
    padding. Raises struct.error for an invalid format."""
    made = Structure("<" + "".join(fields.values()))
    offsets, end = {}, 0
    for name, form in fields.items():
        offsets[name] = end
        end += struct.calcsize("<" + form)
    made.offsets = MappingProxyType(offsets)
    return made


def named_offsets(name: str, layout: Structure) -> dict[str, int]:
    """The size and offsets of `layout` in bytes, under the names that .wat files use: `NAME_SIZE`
    for the size, and `NAME_FIELD` for each field."""
    fields = {f"{name}_{field.upper()}": offset for field, offset in layout.offsets.items()}
    return {f"{name}_SIZE": layout.size, **fields}


BUILDER = structure(pointer="I", length="I")
"""One graph_builder: pointer and length in bytes. `load` gets a pointer to an array of them."""

TENSOR = structure(dimensions="I", rank="I", type="B3x", data="I", length="I")
"""The tensor that `set_input` points to, 20 bytes: pointer to the dimensions (u32 each), number of
dimensions, the type in one byte (the three bytes after it are undefined), pointer to the data,
length of the data in bytes."""

WAMR_BUILDERS = structure(pointer="I", count="I")
"""The structure that WAMR's `load` gets a pointer to: pointer to an array of builders, and their
number."""

WAMR_TENSOR = structure(dimensions="I", type="B3x", data="I")
"""WAMR's tensor, 12 bytes: pointer to WAMR_DIMENSIONS, the type, pointer to the data. The length of
the data follows from the dimensions and the type."""

WAMR_DIMENSIONS = structure(pointer="I", rank="I")
"""Pointer to the dimensions (u32 each), and their number."""

WAMR_OUTPUT_UNIT = 4
"""In bytes. WAMR's `get_output` counts its buffer and its output in 32-bit floats."""

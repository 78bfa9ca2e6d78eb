"""Structures in a guest's memory, whose fields have names: those of wasi-nn's ABIs. Their sources
are those of rewriter.abi.dialects.

That of `structure(data="I", length="I")` has the size 8, and the offsets 0 and 4.
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
    """Packs and unpacks the fields in their order; `offsets` has where each starts, in bytes."""

    offsets: Mapping[str, int]


def structure(**fields: str) -> Structure:
    """A little-endian structure without padding but what the fields have: for each its format, as
    the struct module spells it. Raises struct.error for another format."""
    made = Structure("<" + "".join(fields.values()))
    offsets, end = {}, 0
    for name, form in fields.items():
        offsets[name] = end
        end += struct.calcsize("<" + form)
    made.offsets = MappingProxyType(offsets)
    return made


def named_offsets(name: str, layout: Structure) -> dict[str, int]:
    """Its size and offsets in bytes under the names that .wat files use: `NAME_SIZE`, and
    `NAME_FIELD` for each field."""
    fields = {f"{name}_{field.upper()}": offset for field, offset in layout.offsets.items()}
    return {f"{name}_SIZE": layout.size, **fields}


BUILDER = structure(pointer="I", length="I")
"""One graph_builder: pointer and length in bytes. `load` gets a pointer to a run of them."""

TENSOR = structure(dimensions="I", rank="I", type="B3x", data="I", length="I")
"""The tensor that `set_input` points to, 20 bytes: pointer to the dimensions (u32 each), how many
they are, the type in one byte (the three bytes after it are whatever the guest left there),
pointer to the data, length of the data in bytes."""


WAMR_BUILDERS = structure(pointer="I", count="I")
"""What WAMR's `load` gets a pointer to: pointer to a run of builders, how many they are."""

WAMR_TENSOR = structure(dimensions="I", type="B3x", data="I")
"""WAMR's tensor, 12 bytes: pointer to {pointer to the dimensions, how many they are}, the type,
pointer to the data, whose length follows from the dimensions and the type."""

WAMR_DIMENSIONS = structure(pointer="I", rank="I")
"""Pointer to the dimensions (u32 each), how many they are."""

WAMR_OUTPUT_UNIT = 4
"""Bytes: WAMR's `get_output` counts its buffer and its output in 32-bit floats."""

"""Structures in a guest's memory, whose fields have names.

That of `structure(data="I", length="I")` has the size 8, and the offsets 0 and 4.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["Structure", "named_offsets", "structure"]


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

"""What a core module exports."""

from __future__ import annotations

from rewriter.wasm.module import Module
from rewriter.wasm.sections import SectionId

__all__ = ["exports_of"]


def exports_of(module: Module) -> dict[str, tuple[int, int]]:
    """The kind and the index of each export, by its name."""
    section = module.find(SectionId.EXPORT)
    if section is None:
        return {}
    cursor = section.cursor()
    found = {}
    for _ in range(cursor.items("exports")):
        name = cursor.name().text
        found[name] = cursor.byte(), cursor.u32()
    return found

"""What a core module is linked by: its imports and its exports."""

from __future__ import annotations

from collections.abc import Iterator

from rewriter.wasm.imports import Import, groups
from rewriter.wasm.module import Module
from rewriter.wasm.sections import SectionId

__all__ = ["exports_of", "imports_of"]


def imports_of(module: Module) -> Iterator[tuple[str, Import]]:
    """Each import, with the name of the module that it is from."""
    section = module.find(SectionId.IMPORT)
    for group in groups(section) if section else ():
        for item in group.imports:
            yield group.module.text, item


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

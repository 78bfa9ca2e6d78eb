"""A custom section of zeros that takes the room which a shorter import section leaves, so that all
that comes after it stays where it was in the file."""

from __future__ import annotations

from rewriter.errors import UnsupportedModule
from rewriter.wasm.custom import PADDING
from rewriter.wasm.leb128 import encode_u32
from rewriter.wasm.names import encode_name
from rewriter.wasm.patch import Patch, growth
from rewriter.wasm.sections import Section, SectionId

__all__ = ["fill_gap", "is_padding"]

_NAME = encode_name(PADDING)
_SMALLEST = 2 + len(_NAME)
"""Bytes: the section's id, its size, its name."""


def is_padding(section: Section) -> bool:
    """Whether a section is one: another tool's of the same name has more in it."""
    return section.name == PADDING and not any(
        section.data[section.content + len(_NAME) : section.end]
    )


def fill_gap(patch: Patch) -> None:
    """Add to the patch what keeps the rest in its place, and take a gap away that is not needed.

    Raises UnsupportedModule where that is not possible: the imports get longer than before, or
    something else changes besides them.
    """
    imports = patch.module.find(SectionId.IMPORT)
    changed = patch.edits()
    if imports is None or not changed:
        return
    after = next((s for s in patch.module.sections if s.start == imports.end), None)
    gap = after if after and is_padding(after) else None
    code = patch.module.find(SectionId.CODE)
    for edit in changed:
        if imports.end <= edit.start and code and edit.start < code.end:
            raise UnsupportedModule(
                "offsets cannot be kept: something other than the imports changes before the end "
                "of the code",
                edit.start,
                "NN323",
            )
    room = (gap.end - gap.start if gap else 0) - growth(e for e in changed if e.end <= imports.end)
    if room and room < _SMALLEST:
        what = f"the imports need {-room} more bytes" if room < 0 else f"{room} bytes are too few"
        raise UnsupportedModule(
            f"offsets cannot be kept: {what}, and a section that fills a gap has at least "
            f"{_SMALLEST}",
            imports.start,
            "NN323",
        )
    if gap:
        patch.drop(gap)
    if room:
        patch.insert(imports.end, _filling(room))


def _filling(room: int) -> bytes:
    """A section of so many bytes, whose size field is as wide as it takes."""
    width = 1
    while len(encode_u32(room - 1 - width)) > width:
        width += 1
    size = room - 1 - width
    return bytes([SectionId.CUSTOM]) + encode_u32(size, width) + _NAME.ljust(size, b"\0")

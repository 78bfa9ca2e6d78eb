"""A custom section of zeros that fills the gap left by a shorter import section, so that everything
after it keeps its file offset."""

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
"""In bytes: the section's id, its size and its name."""


def is_padding(section: Section) -> bool:
    """Whether a section is such padding. A section of another tool with the same name would have
    other content."""
    return section.name == PADDING and not any(
        section.data[section.content + len(_NAME) : section.end]
    )


def fill_gap(patch: Patch) -> None:
    """Add padding to the patch so that the rest keeps its place, and remove padding that is no
    longer needed.

    Raises UnsupportedModule if that is impossible, because the imports get longer than before or
    because something besides the imports changes.
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
        what = (
            f"the imports need {-room} more bytes"
            if room < 0
            else f"{room} bytes are too few for a padding section, which takes at least {_SMALLEST}"
        )
        raise UnsupportedModule(f"offsets cannot be kept: {what}", imports.start, "NN323")
    if gap:
        patch.drop(gap)
    if room:
        patch.insert(imports.end, _filling(room))


def _filling(room: int) -> bytes:
    """A padding section of exactly `room` bytes."""
    width = 1
    while len(encode_u32(room - 1 - width)) > width:
        width += 1
    size = room - 1 - width
    return bytes([SectionId.CUSTOM]) + encode_u32(size, width) + _NAME.ljust(size, b"\0")

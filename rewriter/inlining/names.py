"""The names that a component gives its things by their indices, for those who debug it.

Format: https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md#name-section
"""

from __future__ import annotations

from collections.abc import Callable

from rewriter.components.sections import ComponentCursor, ComponentSection
from rewriter.components.types import sort
from rewriter.errors import ModuleError
from rewriter.wasm.leb128 import encode_u32

__all__ = ["COMPONENT_NAMES", "shifted_names"]

COMPONENT_NAMES = "component-name"
"""The name of the custom section."""

_BY_INDEX = 1
"""The subsection that has names by index. The other one has the name of the component."""


def shifted_names(section: ComponentSection, new: Callable[[str, int], int]) -> bytes:
    """The whole section with the indices that `new` gives for a sort and an index. A section that
    cannot be read, which engines accept, stays as it is."""
    try:
        content = _shifted(section, new)
    except ModuleError:
        return section.data[section.start : section.end]
    return section.data[section.start : section.start + 1] + encode_u32(len(content)) + content


def _shifted(section: ComponentSection, new: Callable[[str, int], int]) -> bytes:
    data = section.data
    pieces = [data[section.content : section.name_end]]
    cursor = ComponentCursor(data, section.name_end, section.end)
    while cursor.pos < cursor.end:
        code = cursor.byte()
        size = cursor.count("bytes")
        start, cursor.pos = cursor.pos, cursor.pos + size
        inside = data[start : cursor.pos]
        if code == _BY_INDEX:
            inside = _names(ComponentCursor(data, start, cursor.pos), new)
        pieces += [bytes([code]), encode_u32(len(inside)), inside]
    return b"".join(pieces)


def _names(cursor: ComponentCursor, new: Callable[[str, int], int]) -> bytes:
    start = cursor.pos
    of = sort(cursor)
    pieces = [cursor.data[start : cursor.pos]]
    number = cursor.count("names")
    pieces.append(encode_u32(number))
    for _ in range(number):
        index = cursor.u32()
        name = cursor.name()
        pieces += [encode_u32(new(of, index)), cursor.data[name.start : name.end]]
    return b"".join(pieces)

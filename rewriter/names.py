"""The names of functions, in the custom section "name".

Specification: https://webassembly.github.io/spec/core/appendix/custom.html#name-section
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rewriter.cursor import Cursor, Data
from rewriter.errors import MalformedModule
from rewriter.leb128 import encode_u32
from rewriter.patch import Edit, Patch, growth, resized
from rewriter.sections import Section, SectionId

__all__ = ["NAME_SECTION", "function_names", "rename_functions"]

NAME_SECTION = "name"
_FUNCTION_NAMES = 1


def rename_functions(
    data: Data, patch: Patch, first: int, dropped: int, added: Sequence[str]
) -> None:
    """Name the last functions of a module anew: from index `first` on, `dropped` of them lose
    their names, and `added` take their place.

    A name section that cannot be read is left alone: it is for people, and no part of the program.
    """
    section = next((s for s in patch.sections if s.name == NAME_SECTION), None)
    entries = [encode_u32(first + i) + _name(text) for i, text in enumerate(added)]
    if section is None:
        if entries:
            patch.add(SectionId.CUSTOM, _name(NAME_SECTION) + _subsection(entries))
        return
    try:
        position, names = _find(data, section)
        if names is not None:
            edits = _replace_last(data, names, first if dropped else None, entries)
        else:
            edits = [Edit(position, position, _subsection(entries) if entries else b"")]
    except MalformedModule:
        return
    if section.size + growth(edits) == len(_name(NAME_SECTION)):
        patch.drop(section)
    else:
        patch.edit(section, edits)


def function_names(data: Data, section: Section) -> tuple[dict[int, bytes], bytes]:
    """The names of functions by index, and whatever else the name section has.

    Where it cannot be read, it is all else.
    """
    cursor = Cursor(data, section.content, section.end)
    cursor.name()
    start = cursor.pos
    try:
        position, names = _find(data, section)
        if names is None:
            return {}, data[start : section.end]
        cursor = Cursor(data, names.content, names.end)
        found = {}
        for _ in range(cursor.count("function names")):
            index, name = cursor.u32(), cursor.name()
            found[index] = data[name.text_start : name.end]
        cursor.finish("the function names")
    except MalformedModule:
        return {}, data[start : section.end]
    return found, data[start:position] + data[names.end : section.end]


@dataclass(frozen=True, slots=True)
class _Subsection:
    start: int
    content: int
    end: int


def _find(data: Data, section: Section) -> tuple[int, _Subsection | None]:
    """Where the function names are, or the position where they belong."""
    cursor = Cursor(data, section.content, section.end)
    cursor.name()
    while cursor.pos < cursor.end:
        start = cursor.pos
        kind, size = cursor.byte(), cursor.u32()
        if kind > _FUNCTION_NAMES:
            return start, None
        content, cursor.pos = cursor.pos, cursor.pos + size
        if kind == _FUNCTION_NAMES:
            return start, _Subsection(start, content, min(cursor.pos, cursor.end))
    return section.end, None


def _replace_last(
    data: Data, names: _Subsection, first: int | None, entries: Sequence[bytes]
) -> list[Edit]:
    """Put `entries` in the place of the names from function `first` on, after all for None."""
    cursor = Cursor(data, names.content, names.end)
    count = cursor.count("function names")
    counted = cursor.pos
    kept, kept_end = (count, names.end) if first is None else _before(cursor, count, first)
    if kept + len(entries) == 0:
        return [Edit(names.start, names.end, b"")]
    edits = resized(names.content, counted, count, kept + len(entries) - count)
    edits.append(Edit(kept_end, names.end, b"".join(entries)))
    size = names.end - names.content
    return [*resized(names.start + 1, names.content, size, growth(edits)), *edits]


def _before(cursor: Cursor, count: int, first: int) -> tuple[int, int]:
    """How many names come before that of function `first`, and where they end."""
    for position in range(count):
        start = cursor.pos
        if cursor.u32() >= first:
            return position, start
        cursor.name()
    return count, cursor.pos


def _subsection(entries: Sequence[bytes]) -> bytes:
    content = encode_u32(len(entries)) + b"".join(entries)
    return bytes([_FUNCTION_NAMES]) + encode_u32(len(content)) + content


def _name(text: str) -> bytes:
    encoded = text.encode()
    return encode_u32(len(encoded)) + encoded

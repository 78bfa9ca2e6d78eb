"""Edits to a module, with the updates of the size fields around them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rewriter.wasm.leb128 import encode_u32, reencode_u32
from rewriter.wasm.module import Module
from rewriter.wasm.reader import Name
from rewriter.wasm.sections import Section, SectionId

__all__ = ["Edit", "Patch", "growth", "renamed", "resized"]


class Edit(NamedTuple):
    """Replace the bytes start..end of the input by `replacement`."""

    start: int
    end: int
    replacement: bytes


class Patch:
    """Collects edits. If a section changes its size, its size field is updated."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self._inside: dict[int, tuple[Section, list[Edit]]] = {}
        """By the start of the section."""
        self._between: list[Edit] = []
        self._dropped: list[Edit] = []

    def edit(self, section: Section, edits: Iterable[Edit]) -> None:
        """Change the content of a section. The edits must not overlap."""
        self._inside.setdefault(section.start, (section, []))[1].extend(edits)

    def drop(self, section: Section) -> None:
        start = section.start
        if self._dropped and self._dropped[-1].end == start:
            start = self._dropped.pop().start
        self._dropped.append(Edit(start, section.end, b""))

    def add(self, section_id: SectionId, content: bytes) -> None:
        """Add a section that the module does not have. A custom section is added at the end."""
        custom = section_id is SectionId.CUSTOM
        position = self.module.size if custom else self.module.sections.place_for(section_id)
        self.insert(position, bytes([section_id]) + encode_u32(len(content)) + content)

    def append(
        self,
        section_id: SectionId,
        items: Sequence[bytes],
        dropped: int = 0,
        end: int | None = None,
    ) -> bool:
        """Put `items` in the place of the last `dropped` items of a section, before which the
        others end at `end`; whether the others have moved."""
        section = self.module.find(section_id)
        if section is None:
            if items:
                self.add(section_id, encode_u32(len(items)) + b"".join(items))
            return False
        cursor = section.cursor()
        count = cursor.u32()
        counted = resized(section.content, cursor.pos, count, len(items) - dropped)
        if end is None:
            end = cursor.pos if dropped else section.end
        self.edit(section, [*counted, Edit(end, section.end, b"".join(items))])
        return count > dropped and growth(counted) != 0

    def insert(self, position: int, content: bytes) -> None:
        """Insert bytes between two sections."""
        self._between.append(Edit(position, position, content))

    def edits(self) -> tuple[Edit, ...]:
        """All edits in order, without those that change nothing."""
        edits: list[Edit] = []
        for section, inside in self._inside.values():
            edits += inside
            edits += resized(section.start + 1, section.content, section.size, growth(inside))
        edits += self._dropped
        edits += self._between  # after the edits that append to the section before
        changing = (e for e in edits if e.replacement or e.end > e.start)
        return tuple(sorted(changing, key=lambda edit: (edit.start, edit.end)))

    def applied(self) -> bytes:
        """The whole module with all edits, in memory."""
        data = self.module.data
        pieces: list[bytes] = []
        at = 0
        for edit in self.edits():
            pieces += [bytes(data[at : edit.start]), edit.replacement]
            at = edit.end
        return b"".join((*pieces, bytes(data[at:])))


def growth(edits: Iterable[Edit]) -> int:
    """The number of bytes that the edits add; negative if they remove more than they add."""
    return sum(len(edit.replacement) - (edit.end - edit.start) for edit in edits)


def resized(start: int, end: int, value: int, more: int) -> list[Edit]:
    """The edit that adds `more` to the size or count `value` at start..end."""
    if not more:
        return []
    return [Edit(start, end, reencode_u32(value + more, old=value, old_width=end - start))]


def renamed(old: Name, new: str) -> bytes:
    """The bytes of the name `new`, its length padded like that of `old`."""
    text, width = new.encode(), old.text_start - old.start
    return reencode_u32(len(text), old=old.end - old.text_start, old_width=width) + text

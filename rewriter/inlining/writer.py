"""Writes a component anew, with more in it, and shifts the indices of what comes behind."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from rewriter.components.component import Component
from rewriter.components.items import Item, items
from rewriter.components.sections import (
    HEADER_SIZE,
    ComponentSection,
    Reference,
    SectionKind,
    sections,
)
from rewriter.inlining import encoding
from rewriter.inlining.names import COMPONENT_NAMES, shifted_names
from rewriter.wasm.leb128 import encode_signed, encode_u32, reencode_u32
from rewriter.wasm.patch import Edit, growth, resized
from rewriter.wasm.reader import Data

__all__ = ["Writer"]


class Writer:
    """Copies the outermost component item by item. `instead` has what is called in the place of
    copying an item, by the item's start; such a function adds whatever comes before, and then
    `put`s one item of the same sort. `edits` change bytes inside items that are copied. `inside`
    has functions that return the new bytes of a component inside, by its start.

    What is not touched stays byte for byte, except for the indices of what has moved.
    """

    def __init__(
        self,
        component: Component,
        instead: Mapping[int, Callable[[], None]],
        edits: Iterable[Edit] = (),
        inside: Mapping[int, Callable[[], bytes]] | None = None,
    ) -> None:
        self.data = component.data
        self.component = component
        self.instead = instead
        self.edited = sorted(edits)
        self.inside = inside or {}
        self.counts: Counter[str] = Counter()
        """How many of each sort the input has up to here."""
        self._starts: defaultdict[str, list[int]] = defaultdict(list)
        self._added: defaultdict[str, list[int]] = defaultdict(list)
        """By sort: from which index on indices shift, and by how much in all."""
        self._pieces: list[bytes] = [self.data[:HEADER_SIZE]]
        self._open: tuple[SectionKind, list[bytes]] | None = None
        self._names: list[tuple[int, ComponentSection]] = []

    def new(self, sort: str, index: int) -> int:
        """The index that something in the input has in the output."""
        at = bisect_right(self._starts[sort], index)
        return index + (self._added[sort][at - 1] if at else 0)

    def add(self, kind: SectionKind, sort: str, item: bytes) -> int:
        """Add an item that the input does not have; return its index among all of its sort."""
        starts, added, count = self._starts[sort], self._added[sort], self.counts[sort]
        before = added[-1] if added else 0
        if starts and starts[-1] == count:
            added[-1] += 1
        else:
            starts.append(count)
            added.append(before + 1)
        if kind is SectionKind.CORE_MODULE:
            self._close()
            self._pieces += [encoding.section(kind, item)]
        else:
            self.put(kind, item)
        return count + before

    def put(self, kind: SectionKind, item: bytes) -> None:
        """Write an item, in the place of one of the input."""
        if self._open is None or self._open[0] is not kind:
            self._close()
            self._open = kind, []
        self._open[1].append(item)

    def written(self) -> bytes:
        """The whole component. Raises ModuleError for what cannot be read."""
        for section in self.component.sections:
            if section.kind in (
                SectionKind.CUSTOM,
                SectionKind.CORE_MODULE,
                SectionKind.COMPONENT,
                SectionKind.START,
            ):
                self._whole(section)
            else:
                self._items(section)
        self._close()
        for at, section in self._names:
            self._pieces[at] = shifted_names(section, self.new)
        return b"".join(self._pieces)

    def _whole(self, section: ComponentSection) -> None:
        self._close()
        [item] = items(section)
        edits: Sequence[Edit] = ()
        if section.kind is SectionKind.COMPONENT:
            make = self.inside.get(section.content)
            if make is not None:
                self._replaced(make())
                self._count(item)
                return
            edits = self._nested(self.data, section.content, section.end, 1)
        elif section.kind is SectionKind.START:
            edits = [*self._moved(item.references)]
        elif section.kind is SectionKind.CUSTOM and section.name == COMPONENT_NAMES:
            self._names.append((len(self._pieces), section))
        size = resized(section.start + 1, section.content, section.size, growth(edits))
        self._pieces += _edited(self.data, section.start, section.end, [*size, *edits])
        self._count(item)

    def _replaced(self, made: bytes) -> None:
        """Write a component inside that has changed."""
        edits = self._nested(made, 0, len(made), 1)
        content = b"".join(_edited(made, 0, len(made), edits))
        self._pieces.append(encoding.section(SectionKind.COMPONENT, content))

    def _items(self, section: ComponentSection) -> None:
        """Copy a section in one piece up to where something else has to stand between its items."""
        cursor = section.cursor()
        cursor.count("items")
        edits: list[Edit] = []
        split, start, number = False, cursor.pos, 0
        for item in items(section):
            instead = self.instead.get(item.start)
            if instead is None:
                edits += self._edits(item)
                number += 1
            else:
                self._piece(section.kind, start, item.start, number, edits)
                instead()
                split, start, number, edits = True, item.end, 0, []
            self._count(item)
        if split:
            self._piece(section.kind, start, section.end, number, edits)
            return
        self._close()
        size = resized(section.start + 1, section.content, section.size, growth(edits))
        self._pieces += _edited(self.data, section.start, section.end, [*size, *edits])

    def _piece(
        self, kind: SectionKind, start: int, end: int, number: int, edits: Sequence[Edit]
    ) -> None:
        """Write some of a section's items as a section of their own."""
        if number:
            self._close()
            content = b"".join((encode_u32(number), *_edited(self.data, start, end, edits)))
            self._pieces.append(encoding.section(kind, content))

    def _close(self) -> None:
        if self._open is not None:
            kind, added = self._open
            self._open = None
            self._pieces.append(encoding.section(kind, encoding.vector(added)))

    def _count(self, item: Item) -> None:
        if item.adds is not None:
            self.counts[item.adds] += 1

    def _edits(self, item: Item) -> Iterator[Edit]:
        own = self.edited
        inside = []
        while own and own[0].start < item.end:
            inside.append(own.pop(0))
        if not inside:
            yield from self._moved(item.references)
            return
        covered = [(edit.start, edit.end) for edit in inside]
        moved = [
            edit
            for edit in self._moved(item.references)
            if not any(start <= edit.start < end for start, end in covered)
        ]
        yield from sorted([*inside, *moved])

    def _moved(self, references: Iterable[Reference]) -> Iterator[Edit]:
        """The edits of the references that have another index in the output."""
        for each in references:
            if each.scope == 0 and (index := self.new(each.sort, each.number)) != each.number:
                yield Edit(each.start, each.end, _index(each, index))

    def _nested(self, data: Data, start: int, end: int, scope: int) -> list[Edit]:
        """The edits inside a component in the outermost one, at data[start:end], `scope` deep."""
        edits: list[Edit] = []
        for inner in sections(data, start, end):
            if inner.kind is SectionKind.COMPONENT:
                found = self._nested(data, inner.content, inner.end, scope + 1)
            else:
                found = [
                    edit for item in items(inner, scope) for edit in self._moved(item.references)
                ]
            edits += resized(inner.start + 1, inner.content, inner.size, growth(found))
            edits += found
        return edits


def _index(reference: Reference, index: int) -> bytes:
    if reference.signed:
        return encode_signed(index)
    width = reference.end - reference.start
    return reencode_u32(index, old=reference.number, old_width=width)


def _edited(data: Data, start: int, end: int, edits: Iterable[Edit]) -> Iterator[bytes]:
    """The pieces of data[start:end] with these edits, which are in order."""
    for edit in edits:
        yield data[start : edit.start]
        yield edit.replacement
        start = edit.end
    yield data[start:end]

"""The sections of a component: where each starts and ends, nothing of what is in it.

Specification: https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

from rewriter.errors import MalformedModule, UnsupportedModule
from rewriter.wasm.limits import check_number
from rewriter.wasm.reader import Cursor, Data
from rewriter.wasm.sections import COMPONENT, skip_content

__all__ = [
    "DEEPEST",
    "HEADER_SIZE",
    "ComponentCursor",
    "ComponentSection",
    "Reference",
    "SectionKind",
    "check_depth",
    "is_component",
    "sections",
]

HEADER_SIZE = 8
"""Bytes: the magic number, the version and the layer."""

DEEPEST = 100
"""How many components may stand inside each other, and how many types."""

_MAGIC, _VERSION, _LAYER = COMPONENT[:4], COMPONENT[4:6], COMPONENT[6:]
"""The version is that of the binary format before its first release, which all tools write."""


class SectionKind(IntEnum):
    CUSTOM = 0
    CORE_MODULE = 1
    CORE_INSTANCE = 2
    CORE_TYPE = 3
    COMPONENT = 4
    INSTANCE = 5
    ALIAS = 6
    TYPE = 7
    CANONICAL_FUNCTION = 8
    START = 9
    IMPORT = 10
    EXPORT = 11
    VALUE = 12


class Reference(NamedTuple):
    """A number of something of this sort (`func`, `core memory`), at data[start:end]. It counts in
    the component or type that is `scope` deep, where the outermost component is 0. A `signed` one
    is a signed number."""

    sort: str
    number: int
    start: int
    end: int
    scope: int
    signed: bool = False


class ComponentCursor(Cursor):
    """A cursor for what is `scope` deep: see Reference. It keeps the first thing it was told of
    that is newer than the component model of WASI 0.2, with its position in bytes; and the
    references that it reads, if `references` is a list."""

    __slots__ = ("newer", "references", "scope")

    def __init__(self, data: Data, pos: int, end: int, scope: int = 0) -> None:
        super().__init__(data, pos, end)
        self.newer: tuple[str, int] | None = None
        self.references: list[Reference] | None = None
        self.scope = scope

    def see_newer(self, what: str, start: int) -> None:
        self.newer = self.newer or (what, start)

    def index(self, sort: str, outwards: int = 0) -> int:
        """Read an index, which counts in the component or type that is `outwards` around this."""
        start = self.pos
        index = self.u32()
        if self.references is not None:
            scope = self.scope - outwards
            self.references.append(Reference(sort, index, start, self.pos, scope))
        return index

    def signed_index(self, sort: str) -> int:
        """Read an index as a signed number of 33 bits. The caller refuses one below 0."""
        start = self.pos
        index = self.s33()
        if self.references is not None:
            self.references.append(Reference(sort, index, start, self.pos, self.scope, True))
        return index


class ComponentSection(NamedTuple):
    """One section of a component; positions are in bytes from the start of the file.

    `start` is the position of the id byte, `content` that after the size field. `name` is set for
    custom sections; theirs stands at `content`, and `name_end` is the position after it.
    """

    data: Data
    kind: SectionKind
    start: int
    content: int
    end: int
    name: str | None = None
    name_end: int = 0

    def cursor(self) -> ComponentCursor:
        """Reads the content."""
        return ComponentCursor(self.data, self.content, self.end)

    @property
    def size(self) -> int:
        """The value of the size field, in bytes."""
        return self.end - self.content


def is_component(data: Data, start: int = 0) -> bool:
    """Whether a component's header stands at `start`, in whatever version."""
    return data[start : start + 4] == _MAGIC and data[start + 6 : start + 8] == _LAYER


def sections(data: Data, start: int, end: int) -> Iterator[ComponentSection]:
    """The sections of the component at data[start:end] in order.

    Raises MalformedModule where the bytes are not a component's header and sections, and
    UnsupportedModule for another version of the format, or for more than a million sections.
    """
    _check_header(data, start, end)
    cursor = Cursor(data, start + HEADER_SIZE, end)
    number = 0
    while cursor.pos < cursor.end:
        number += 1
        check_number(number, "sections", cursor.pos)
        yield _section(cursor)


def _section(cursor: Cursor) -> ComponentSection:
    start = cursor.pos
    code = cursor.byte()
    try:
        kind = SectionKind(code)
    except ValueError:
        raise MalformedModule(f"unknown component section id {code}", start) from None
    content, end = skip_content(cursor, start)
    if kind is not SectionKind.CUSTOM:
        return ComponentSection(cursor.data, kind, start, content, end)
    name = Cursor(cursor.data, content, end).name()
    return ComponentSection(cursor.data, kind, start, content, end, name.text, name.end)


def _check_header(data: Data, start: int, end: int) -> None:
    if end - start < HEADER_SIZE:
        raise MalformedModule("the header of a component is truncated", end, "NN102")
    if not is_component(data, start):
        raise MalformedModule("not a component: its header says something else", start, "NN101")
    version = data[start + 4 : start + 6]
    if version != _VERSION:
        raise UnsupportedModule(
            f"a component in version {version.hex(' ')} of the binary format, not 0d 00",
            start + 4,
            "NN105",
        )


def check_depth(depth: int, offset: int) -> None:
    if depth > DEEPEST:
        raise UnsupportedModule(f"types are nested more than {DEEPEST} deep", offset, "NN104")

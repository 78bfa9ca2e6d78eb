"""The sections of a core module: where each one starts and ends, without its content.

Specification: https://webassembly.github.io/spec/core/binary/modules.html
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from functools import partial
from typing import NamedTuple

from rewriter.errors import MalformedModule, ModuleError, UnsupportedModule
from rewriter.wasm.limits import check_number
from rewriter.wasm.reader import Cursor, Data, Reading

__all__ = [
    "COMPONENT",
    "HEADER_SIZE",
    "MODULE",
    "Section",
    "SectionId",
    "Sections",
    "skip_content",
    "split",
]

HEADER_SIZE = 8
"""In bytes: the magic number and the version."""

_MAGIC = b"\0asm"
_MODULE_VERSION = b"\x01\0\0\0"
_COMPONENT_LAYER = b"\x01\0"
"""Bytes 6 and 7 of a component. A module has zeros there."""

MODULE = _MAGIC + _MODULE_VERSION
"""How a core module begins."""

COMPONENT = _MAGIC + b"\x0d\0" + _COMPONENT_LAYER
"""How a component of WASI 0.2 begins: the magic number, its version, and its layer.

https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md
"""


class SectionId(IntEnum):
    CUSTOM = 0
    TYPE = 1
    IMPORT = 2
    FUNCTION = 3
    TABLE = 4
    MEMORY = 5
    GLOBAL = 6
    EXPORT = 7
    START = 8
    ELEMENT = 9
    CODE = 10
    DATA = 11
    DATA_COUNT = 12
    TAG = 13


_ORDER = (
    SectionId.TYPE,
    SectionId.IMPORT,
    SectionId.FUNCTION,
    SectionId.TABLE,
    SectionId.MEMORY,
    SectionId.TAG,
    SectionId.GLOBAL,
    SectionId.EXPORT,
    SectionId.START,
    SectionId.ELEMENT,
    SectionId.DATA_COUNT,
    SectionId.CODE,
    SectionId.DATA,
)
_RANK = {section_id: rank for rank, section_id in enumerate(_ORDER)}


class Section(NamedTuple):
    """One section of the module with the bytes `data`. All positions are in bytes from the start of
    the file."""

    data: Data
    id: SectionId
    start: int
    """Position of the id byte. The size field follows it."""
    content: int
    """Position after the size field. A custom section has its name here."""
    end: int
    name: str | None = None
    """The name of a custom section, or None for other sections."""

    def __repr__(self) -> str:
        return f"<{self.title} at {self.start:#x}>"

    def cursor(self) -> Cursor:
        """A cursor that reads the content."""
        return Cursor(self.data, self.content, self.end)

    @property
    def size(self) -> int:
        """The value of the size field, in bytes."""
        return self.end - self.content

    @property
    def size_width(self) -> int:
        """The number of bytes that the size field takes."""
        return self.content - self.start - 1

    @property
    def title(self) -> str:
        """The name of the section in messages."""
        if self.name is not None:
            return f"custom section {self.name!r}"
        return f"{self.id.name.lower().replace('_', ' ')} section"


_FEW = 100
"""Sections that are kept in memory."""


class Sections(Reading[Section]):
    """The sections of a module in order. `end` is the end of the last one, and `standard` has the
    non-custom sections by their kind.

    If they are not few, they are read again on every iteration, because a file can have millions of
    sections of three bytes each.
    """

    def __init__(self, data: Data) -> None:
        """Raises MalformedModule if the bytes after the header are not sections, and
        UnsupportedModule if there are too many of them."""
        self.end = len(data)
        self.standard: dict[SectionId, Section] = {}
        rank = -1
        few: list[Section] = []
        number = 0
        for number, section in enumerate(_sections(data), 1):
            check_number(number, "sections", section.start)
            if section.id is not SectionId.CUSTOM:
                if _RANK[section.id] <= rank:
                    reason = f"the {section.title} appears twice or out of order"
                    raise MalformedModule(reason, section.start)
                rank = _RANK[section.id]
                self.standard[section.id] = section
            if number <= _FEW:
                few.append(section)
        super().__init__(partial(iter, few) if number <= _FEW else partial(_sections, data))

    def place_for(self, section_id: SectionId) -> int:
        """The position in bytes where a section that the module does not have belongs."""
        before = (s for s in self.standard.values() if _RANK[s.id] < _RANK[section_id])
        return max((section.end for section in before), default=HEADER_SIZE)


def split(data: Data) -> Sections:
    """Find the sections of a core module.

    Raises UnsupportedModule for a component or a precompiled artifact, and MalformedModule for
    anything else that is not a sequence of known sections in the order of the specification.
    """
    _check_header(data)
    return Sections(data)


def _sections(data: Data) -> Iterator[Section]:
    cursor = Cursor(data, HEADER_SIZE, len(data))
    while cursor.pos < cursor.end:
        yield _section(cursor)


def _section(cursor: Cursor) -> Section:
    start = cursor.pos
    id_byte = cursor.byte()
    try:
        section_id = SectionId(id_byte)
    except ValueError:
        raise MalformedModule(f"unknown section id {id_byte}", start) from None
    content, end = skip_content(cursor, start)
    if section_id is SectionId.CUSTOM:
        name = Cursor(cursor.data, content, end).name().text
        return Section(cursor.data, section_id, start, content, end, name)
    return Section(cursor.data, section_id, start, content, end)


def skip_content(cursor: Cursor, start: int) -> tuple[int, int]:
    """Read the size field of the section at `start` and skip its content, of which this returns the
    first position and the one after it. Raises MalformedModule if fewer bytes are left."""
    size = cursor.u32()
    content, end = cursor.pos, cursor.pos + size
    if end > cursor.end:
        raise MalformedModule(
            f"a section of {size} bytes starts here, but only {cursor.end - content} bytes are"
            " left: the file is truncated",
            start,
            "NN102",
        )
    cursor.pos = end
    return content, end


def _check_header(data: Data) -> None:
    if data[:4] != _MAGIC:
        raise _not_wasm(data)
    version = data[4:HEADER_SIZE]
    if len(version) < 4:
        raise MalformedModule("the header is truncated", len(data), "NN102")
    if version[2:] == _COMPONENT_LAYER:
        raise UnsupportedModule(
            "this is a component, and a core module is expected",
            4,
            "NN105",
            "`nnshim rewrite --to wasi_ephemeral_nn` makes a core module of it, if it was made from"
            " one",
        )
    if version != _MODULE_VERSION:
        raise MalformedModule(f"unknown version {version.hex(' ')}", 4)


def _not_wasm(data: Data) -> ModuleError:
    magic = bytes(data[:4])
    if not magic:
        return MalformedModule("the file is empty", 0, "NN101")
    if _MAGIC.startswith(magic):
        return MalformedModule("the header is truncated", len(magic), "NN102")
    from rewriter.file_kinds import HEAD, Family, kind_of, mistaken

    head = bytes(data[:HEAD])
    kind = kind_of(head)
    if kind is not None and kind.family is Family.ARTIFACT:
        return UnsupportedModule(f"this is {kind.title}", 0, "NN107", kind.remedy)
    reason, remedy = mistaken(head, "WebAssembly") or (
        "not WebAssembly: it does not start with \\0asm",
        None,
    )
    return MalformedModule(reason, 0, "NN101", remedy)

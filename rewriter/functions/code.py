"""Function bodies: the position of each, and of the references to functions in its instructions.

Specification: https://webassembly.github.io/spec/core/binary/modules.html#code-section
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import NamedTuple
from weakref import WeakKeyDictionary

from rewriter.errors import MalformedModule
from rewriter.functions.instructions import (
    BR_TABLE,
    END,
    Reference,
    index_of,
    naming,
    skip,
    skip_but_type,
    step,
)
from rewriter.wasm.leb128 import decode_unsigned
from rewriter.wasm.limits import check_number
from rewriter.wasm.module import Module
from rewriter.wasm.patch import Edit, Patch, growth, resized
from rewriter.wasm.reader import Cursor, Data
from rewriter.wasm.sections import Section, SectionId
from rewriter.wasm.types import value_type

__all__ = [
    "MOST_REFERENCES",
    "Bodies",
    "Body",
    "body_references",
    "bounded",
    "constant_expression",
    "defined_functions",
    "defined_types",
    "may_name_type",
    "redirect_code",
]


class Body(NamedTuple):
    """One function body. Positions are in bytes from the start of the file."""

    start: int
    """Position of the size field."""
    content: int
    """Position after the size field, where the local variables are declared."""
    end: int


MOST_REFERENCES = 10_000
"""The most references to adapted functions. Compilers emit a handful; each takes memory."""

_RUN = 2000
"""Instructions matched at a time. The matcher keeps a record of each until it returns."""


_MOST_COPIED = 4 << 20
"""The most bytes of code that are copied."""


class Bodies:
    """The bodies in a code section, in order. Each is read on access."""

    def __init__(self, section: Section | None) -> None:
        """Raises MalformedModule if the section is not a valid code section."""
        self.data: Data = section.data if section else b""
        self._first = section.content if section else 0
        self._starts = array("I")
        """Offsets from the first body in bytes, which fit into 32 bits; the last is the end."""
        self._contents = array("I")
        """The same for what follows each body's size field."""
        if section is not None:
            self._find(section)

    def __len__(self) -> int:
        return max(0, len(self._starts) - 1)

    def __getitem__(self, index: int) -> Body:
        first, starts = self._first, self._starts
        content = first + self._contents[index]
        return Body(first + starts[index], content, first + starts[index + 1])

    @property
    def contents(self) -> Iterator[tuple[int, int]]:
        """Where each body starts after its size field, and where it ends."""
        first, ends = self._first, self._starts
        for place, content in enumerate(self._contents, 1):
            yield first + content, first + ends[place]

    def at(self, position: int) -> Body:
        """The body that contains a position in the file."""
        return self[self.number_at(position)]

    def number_at(self, position: int) -> int:
        """The number of the body that contains a position in the file."""
        return bisect_right(self._starts, position - self._first) - 1

    def in_memory(self) -> tuple[Data, Iterator[tuple[int, int]]]:
        """Bytes with all bodies in them, and where each body is there, as in `contents`. Bytes are
        read faster than a mapped file, so that what is not large is copied."""
        first, starts = self._first, self._starts
        last = first + (starts[-1] if starts else 0)
        if last - first > _MOST_COPIED:
            return self.data, self.contents
        return self.data[first:last], zip(self._contents, starts[1:], strict=True)

    def _find(self, section: Section) -> None:
        cursor = section.cursor()
        count = cursor.items("function bodies")
        first, end = self._first, cursor.end
        starts, contents = self._starts, self._contents
        is_copied = end - first <= _MOST_COPIED
        data, base = (self.data[first:end], first) if is_copied else (self.data, 0)
        last = end - base
        pos = cursor.pos - base
        offset = first - base
        starts.append(pos - offset)
        for _ in range(count):
            start = pos
            if start < last and (size := data[start]) < 0x80:  # one byte: the usual case
                content = start + 1
            else:
                size, content = decode_unsigned(self.data, start + base, end)
                content -= base
            pos = content + size
            if pos > last:
                raise MalformedModule(
                    f"a function body of {size} bytes runs past its section", start + base
                )
            contents.append(content - offset)
            starts.append(pos - offset)
        cursor.pos = pos + base
        cursor.finish("the function bodies")


_DEFINED: WeakKeyDictionary[Module, tuple[Sequence[int], Bodies]] = WeakKeyDictionary()
"""Cache: several parts of the analysis read the functions, and there may be a million of them."""


def defined_functions(module: Module) -> tuple[Sequence[int], Bodies]:
    """The type indices of the functions that a module defines, and their bodies.

    Raises MalformedModule if their numbers differ.
    """
    if module not in _DEFINED:
        _DEFINED[module] = _read_functions(module)
    return _DEFINED[module]


def _read_functions(module: Module) -> tuple[Sequence[int], Bodies]:
    functions, code = module.find(SectionId.FUNCTION), module.find(SectionId.CODE)
    declared, defined = (
        section.cursor().items("functions") if section else 0 for section in (functions, code)
    )
    if declared != defined:
        there = code or functions
        raise MalformedModule(
            f"{declared} functions are declared, but {defined} have a body",
            there.start if there else 0,
        )
    return defined_types(functions) if functions else (), Bodies(code)


def defined_types(section: Section) -> array[int]:
    """The type indices in a function section."""
    cursor = section.cursor()
    count = cursor.items("functions")
    content = section.data[cursor.pos : section.end]
    if len(content) == count and content.isascii():  # one byte each: the usual case
        return array("B", content)
    indices = array("I", (cursor.u32() for _ in range(count)))
    cursor.finish("the function section")
    return indices


def body_references(
    bodies: Bodies, count: int, wanted: Collection[int]
) -> Iterator[tuple[Body, list[Reference]]]:
    """Yield each of the first `count` bodies that refers to one of the `wanted` functions, with the
    references.

    Only bodies that contain the bytes of such an instruction are decoded. Raises UnsupportedModule
    at an unknown instruction.
    """
    if not count or not wanted:
        return
    search = naming(frozenset(wanted)).search
    data, pos, end = bodies.data, bodies[0].content, bodies[count - 1].end
    while hit := search(data, pos, end):
        body = bodies.at(hit.start())
        references = bounded(_references(data, body, wanted))
        if references:
            yield body, references
        pos = body.end


def redirect_code(
    patch: Patch,
    bodies: Bodies,
    count: int,
    wanted: Collection[int],
    redirect: Callable[[Reference], Edit | None],
) -> tuple[int, bool]:
    """Edit the first `count` bodies where they name one of the `wanted` functions, but for what
    `redirect` answers None of. How many edits there are, and whether code has moved in its body.

    Raises what body_references does, and UnsupportedModule for more than MOST_REFERENCES.
    """
    section = patch.module.find(SectionId.CODE)
    number, moved = 0, False
    for body, references in body_references(bodies, count, wanted):
        edits = [edit for edit in map(redirect, references) if edit is not None]
        number += len(edits)
        more = growth(edits)
        edits += resized(body.start, body.content, body.end - body.content, more)
        if section:
            patch.edit(section, edits)
        moved |= more != 0
        check_number(number, "references", body.start, MOST_REFERENCES)
    return number, moved


def may_name_type(bodies: Bodies, count: int, index: int) -> bool:
    """Whether one of the first `count` bodies may refer to type `index`. False means that none
    does."""
    run = skip_but_type(index, _RUN)
    for place in range(count):
        body = bodies[place]
        cursor = Cursor(bodies.data, body.content, body.end)
        for _ in range(cursor.count("local variables")):
            cursor.u32()
            if value_type(cursor).startswith("("):
                return True
        while cursor.pos < body.end:
            if matched := run.match(bodies.data, cursor.pos, body.end):
                cursor.pos = matched.end()
            elif bodies.data[cursor.pos] == BR_TABLE:
                step(cursor, ())
            else:
                return True
    return False


def bounded(references: Iterable[Reference]) -> list[Reference]:
    """The references as a list. Raises UnsupportedModule if there are more than MOST_REFERENCES."""
    found = []
    for reference in references:
        found.append(reference)
        check_number(len(found), "references", reference.start, MOST_REFERENCES)
    return found


def constant_expression(cursor: Cursor, wanted: Collection[int]) -> list[Reference]:
    """Read a constant expression, and return its references to the `wanted` functions."""
    references = []
    while cursor.pos >= cursor.end or cursor.data[cursor.pos] != END:
        if reference := step(cursor, wanted):
            references.append(reference)
    cursor.pos += 1
    return references


def _references(data: Data, body: Body, wanted: Collection[int]) -> Iterator[Reference]:
    cursor = Cursor(data, body.content, body.end)
    for _ in range(cursor.count("local variables")):
        cursor.u32()
        value_type(cursor)
    match, pos, end = skip().match, cursor.pos, body.end
    while pos < end:
        matched = match(data, pos, end)
        if matched is None or matched.end() == pos:
            cursor.pos = pos
            if reference := step(cursor, wanted):
                yield reference
            pos = cursor.pos
            continue
        pos, index = matched.end(), matched[1]
        if index is not None and (number := index_of(index)) in wanted:
            yield Reference(pos - len(index), pos, number)

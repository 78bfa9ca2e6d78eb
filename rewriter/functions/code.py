"""Function bodies: the position of each, and of the references to functions in its instructions.

Specification: https://webassembly.github.io/spec/core/binary/modules.html#code-section
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from heapq import merge
from itertools import groupby, pairwise
from operator import sub
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
        if section is not None:
            self._find(section)

    def __len__(self) -> int:
        return max(0, len(self._starts) - 1)

    def __getitem__(self, index: int) -> Body:
        first, starts = self._first, self._starts
        start = first + starts[index]
        content = start + 1
        while self.data[content - 1] > 0x7F:
            content += 1
        return Body(start, content, first + starts[index + 1])

    @property
    def contents(self) -> Iterator[tuple[int, int]]:
        """Where each body starts after its size field, and where it ends."""
        return ((body.content, body.end) for body in map(self.__getitem__, range(len(self))))

    def at(self, position: int) -> Body:
        """The body that contains a position in the file."""
        return self[self.number_at(position)]

    def number_at(self, position: int) -> int:
        """The number of the body that contains a position in the file."""
        return bisect_right(self._starts, position - self._first) - 1

    @property
    def sizes(self) -> Iterator[int]:
        """The bytes that each body takes, with its size field."""
        return map(sub, self._starts[1:], self._starts)

    def in_memory(self) -> tuple[Data, Iterator[tuple[int, int]]]:
        """Bytes with all bodies in them, and where each body is there, with its size field. Bytes
        are read faster than a mapped file, so that what is not large is copied."""
        data, base = self._copied(self._first + (self._starts[-1] if self._starts else 0))
        first = self._first - base
        places = array("Q", (first + start for start in self._starts)) if first else self._starts
        return data, pairwise(places)

    def _copied(self, end: int) -> tuple[Data, int]:
        """The section's bytes up to `end`, copied if they are few, and where they start in the
        file."""
        first = self._first
        small = end - first <= _MOST_COPIED
        return (self.data[first:end], first) if small else (self.data, 0)

    def _find(self, section: Section) -> None:
        cursor = section.cursor()
        count = cursor.items("function bodies")
        data, base = self._copied(cursor.end)
        last, pos, offset = cursor.end - base, cursor.pos - base, self._first - base
        add = self._starts.append
        add(pos - offset)
        try:
            for _ in range(count):
                start, size = pos, data[pos]
                if size < 0x80:  # one byte or two: the usual cases
                    pos += size + 1
                elif (more := data[pos + 1]) < 0x80:
                    pos += size - 0x80 + (more << 7) + 2
                else:
                    size, content = decode_unsigned(self.data, start + base, cursor.end)
                    pos = content - base + size
                if pos > last:
                    raise IndexError
                add(pos - offset)
        except IndexError:
            size, _ = decode_unsigned(self.data, start + base, cursor.end)
            raise MalformedModule(
                f"a function body of {size} bytes runs past its section", start + base
            ) from None
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
    numbers = merge(*(_with(bodies, count, pattern) for pattern in naming(frozenset(wanted))))
    for number, _ in groupby(numbers):
        body = bodies[number]
        references = bounded(_references(bodies.data, body, wanted))
        if references:
            yield body, references


def _with(bodies: Bodies, count: int, pattern: re.Pattern[bytes]) -> Iterator[int]:
    """The numbers of those of the first `count` bodies in which the pattern is found."""
    data, pos, end = bodies.data, bodies[0].content, bodies[count - 1].end
    while hit := pattern.search(data, pos, end):
        number = bodies.number_at(hit.start())
        yield number
        pos = bodies[number].end


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
        if index is None:
            continue
        number = index[0] if len(index) == 1 else index_of(index)
        if number in wanted:
            yield Reference(pos - len(index), pos, number)

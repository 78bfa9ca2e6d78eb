"""Function bodies: where each one stands, and where in its instructions a function is named.

An instruction matters here by its length alone, so that one regular expression passes over
thousands of them at a time; it stops at what names a function that is looked for, and at the few
instructions whose length takes a count.

Specification: https://webassembly.github.io/spec/core/binary/instructions.html, with the
instructions of the proposals for threads, exceptions (both forms), stack switching, custom
descriptors and wide arithmetic.
"""

from __future__ import annotations

import functools
import re
from array import array
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rewriter.errors import MalformedModule, UnsupportedModule
from rewriter.wasm.leb128 import decode_unsigned
from rewriter.wasm.module import Module
from rewriter.wasm.reader import Cursor, Data, check_number
from rewriter.wasm.sections import Section, SectionId
from rewriter.wasm.types import value_type

__all__ = [
    "MOST_REFERENCES",
    "Bodies",
    "Body",
    "Reference",
    "body_references",
    "bounded",
    "constant_expression",
    "defined_functions",
    "defined_types",
]


class Body(NamedTuple):
    """One function body; positions in bytes from the start of the file."""

    start: int
    """Position of the size field."""
    content: int
    """Position after the size field: of the local variables."""
    end: int


@dataclass(frozen=True, slots=True)
class Reference:
    """A function index at start..end, as an unsigned LEB128."""

    start: int
    end: int
    index: int


MOST_REFERENCES = 10_000
"""To functions that are adapted. Compilers make a handful; each takes memory."""

_RUN = 2000
"""Instructions matched at a time: the matcher keeps a record of each until it is done."""

# What follows an opcode.
_LEB = rb"[\x80-\xff]{0,9}[\x00-\x7f]"
_HEAP_TYPE = rb"(?:\x62%b|\x65.|%b)" % (_LEB, _LEB)
_BLOCK_TYPE = rb"(?:[\x63\x64]%b|\x65.|%b)" % (_HEAP_TYPE, _LEB)
_MEMARG = rb"(?:(?:[\x40-\x7f]|[\xc0-\xff]%b)%b|[\x00-\x3f]|[\x80-\xbf]%b)%b" % ((_LEB,) * 4)
"""Alignment, with 0x40 set a memory index, and the offset."""

_FUNCTION_OPCODES = rb"[\x10\x12\xd2]"
"""call, return_call, ref.func."""

_INSTRUCTIONS = (
    (rb"[\x20-\x26\x41\x42\x0c\x0d\x07-\x09\x14\x15\x18\x3f\x40\xd5\xd6\xe0\xe2]", _LEB),
    (rb"[\x45-\xc4\x0b\x1a\x1b\x00\x01\x05\x0a\x0f\x19\xd1\xd3\xd4]", b""),
    (rb"[\x28-\x3e]", _MEMARG),
    (rb"[\x02-\x04\x06]", _BLOCK_TYPE),
    (rb"[\x11\x13\xe1\xe6]", _LEB + _LEB),
    (rb"\x43", rb".{4}"),
    (rb"\x44", rb".{8}"),
    (rb"\xd0", _HEAP_TYPE),
    # Saturating conversions and wide arithmetic; bulk memory and tables
    (rb"\xfc[\x00-\x07\x13-\x16]", b""),
    (rb"\xfc[\x09\x0b\x0d\x0f-\x12]", _LEB),
    (rb"\xfc[\x08\x0a\x0c\x0e]", _LEB + _LEB),
    # Vectors, with the relaxed ones
    (rb"\xfd[\x00-\x0b\x5c\x5d]", _MEMARG),
    (rb"\xfd[\x0c\x0d]", rb".{16}"),
    (rb"\xfd[\x15-\x22]", rb"."),
    (rb"\xfd[\x54-\x5b]", _MEMARG + rb"."),
    (rb"\xfd(?:[\x0e-\x14\x23-\x53\x5e-\x7f]|[\x80-\xff][\x01\x02])", b""),
    # Atomics
    (rb"\xfe[\x00-\x02\x10-\x4e]", _MEMARG),
    (rb"\xfe\x03", rb"."),
    # Structures, arrays and casts
    (rb"\xfb[\x0f\x1a-\x1e]", b""),
    (rb"\xfb[\x00\x01\x06\x07\x0b-\x0e\x10\x20\x21]", _LEB),
    (rb"\xfb[\x02-\x05\x08-\x0a\x11-\x13]", _LEB + _LEB),
    (rb"\xfb[\x14-\x17\x22-\x24]", _HEAP_TYPE),
    (rb"\xfb[\x18\x19\x25\x26]", rb"." + _LEB + _HEAP_TYPE + _HEAP_TYPE),
)
"""Opcodes and what follows them, the frequent ones first."""

_END, _BR_TABLE, _SELECT, _TRY_TABLE = 0x0B, 0x0E, 0x1C, 0x1F
_RESUME, _RESUME_THROW, _RESUME_THROW_REF = 0xE3, 0xE4, 0xE5
_CALL, _RETURN_CALL, _REF_FUNC = 0x10, 0x12, 0xD2


class Bodies:
    """The bodies in a code section in order, each made when it is asked for."""

    def __init__(self, section: Section | None) -> None:
        """Raises MalformedModule where the section holds anything else."""
        self.data: Data = section.data if section else b""
        self._first = section.content if section else 0
        self._starts = array("I")
        """In bytes after the first, as a section has no more than 4 GB; the last is the end."""
        if section is not None:
            self._find(section)

    def __len__(self) -> int:
        return max(0, len(self._starts) - 1)

    def __getitem__(self, index: int) -> Body:
        start, end = self._first + self._starts[index], self._first + self._starts[index + 1]
        _, content = decode_unsigned(self.data, start, end)
        return Body(start, content, end)

    def at(self, position: int) -> Body:
        """The body that a position in the file is in."""
        return self[bisect_right(self._starts, position - self._first) - 1]

    def _find(self, section: Section) -> None:
        cursor = section.cursor()
        count = cursor.items("function bodies")
        pos, end = cursor.pos, cursor.end
        self._starts.append(pos - self._first)
        for _ in range(count):
            start = pos
            size, content = decode_unsigned(self.data, start, end)
            pos = content + size
            if pos > end:
                raise MalformedModule(
                    f"a function body of {size} bytes runs past its section", start
                )
            self._starts.append(pos - self._first)
        cursor.pos = pos
        cursor.finish("the function bodies")


def defined_functions(module: Module) -> tuple[Sequence[int], Bodies]:
    """The type indices of the functions that a module defines, and their bodies.

    Raises MalformedModule where those are not as many as these.
    """
    functions, code = module.find(SectionId.FUNCTION), module.find(SectionId.CODE)
    declared, defined = (
        section.cursor().items("functions") if section else 0 for section in (functions, code)
    )
    if declared != defined:
        there = code or functions
        raise MalformedModule(
            f"{declared} functions are declared, and {defined} have a body",
            there.start if there else 0,
        )
    return defined_types(functions) if functions else (), Bodies(code)


def defined_types(section: Section) -> array[int]:
    """The type indices in a function section."""
    cursor = section.cursor()
    count = cursor.items("functions")
    content = section.data[cursor.pos : section.end]
    if len(content) == count and content.isascii():  # one byte each, as nearly always
        return array("B", content)
    indices = array("I", (cursor.u32() for _ in range(count)))
    cursor.finish("the function section")
    return indices


def body_references(
    bodies: Bodies, count: int, wanted: Collection[int]
) -> Iterator[tuple[Body, list[Reference]]]:
    """Those of the first `count` bodies whose instructions name one of the `wanted` functions, and
    where.

    Only bodies that have the bytes of such an instruction somewhere are decoded. Raises
    UnsupportedModule at an instruction that is not known.
    """
    if not count or not wanted:
        return
    search = re.compile(_FUNCTION_OPCODES + _any_of(frozenset(wanted)), re.DOTALL).search
    data, pos, end = bodies.data, bodies[0].content, bodies[count - 1].end
    while hit := search(data, pos, end):
        body = bodies.at(hit.start())
        references = bounded(_references(data, body, wanted))
        if references:
            yield body, references
        pos = body.end


def bounded(references: Iterable[Reference]) -> list[Reference]:
    """All of them. Raises UnsupportedModule for more than MOST_REFERENCES."""
    found = []
    for reference in references:
        found.append(reference)
        check_number(len(found), "references", reference.start, MOST_REFERENCES)
    return found


def constant_expression(cursor: Cursor, wanted: Collection[int]) -> list[Reference]:
    """Pass over a constant expression; the `wanted` functions that it names."""
    references = []
    one = _skip(frozenset(wanted), 1)
    while cursor.pos >= cursor.end or cursor.data[cursor.pos] != _END:
        if not _match(cursor, one) and (reference := _special(cursor)):
            references.append(reference)
    cursor.pos += 1
    return references


def _references(data: Data, body: Body, wanted: Collection[int]) -> Iterator[Reference]:
    cursor = Cursor(data, body.content, body.end)
    for _ in range(cursor.count("local variables")):
        cursor.u32()
        value_type(cursor)
    run = _skip(frozenset(wanted), _RUN)
    while cursor.pos < body.end:
        if not _match(cursor, run) and (reference := _special(cursor)):
            yield reference


def _special(cursor: Cursor) -> Reference | None:
    """Pass over one instruction on which the regular expression has stopped."""
    start = cursor.pos
    opcode = cursor.byte()
    if opcode in (_CALL, _RETURN_CALL, _REF_FUNC):
        index_start = cursor.pos
        index = cursor.u32()
        return Reference(index_start, cursor.pos, index)
    if opcode == _BR_TABLE:
        for _ in range(cursor.count("labels") + 1):
            cursor.u32()
    elif opcode == _SELECT:
        for _ in range(cursor.count("types")):
            value_type(cursor)
    elif opcode == _TRY_TABLE:
        if not _match(cursor, re.compile(_BLOCK_TYPE, re.DOTALL)):
            raise MalformedModule("unexpected end inside an instruction", start, "NN102")
        for _ in range(cursor.count("catch clauses")):
            _clause(cursor, two_indices=(0, 1))
    elif opcode in (_RESUME, _RESUME_THROW, _RESUME_THROW_REF):
        for _ in range(2 if opcode == _RESUME_THROW else 1):
            cursor.u32()
        for _ in range(cursor.count("handlers")):
            _clause(cursor, two_indices=(0,))
    else:
        raise UnsupportedModule(
            f"unknown instruction {opcode:#04x}: where it ends, and so what comes after it, cannot"
            " be told",
            start,
            "NN111",
        )
    return None


def _clause(cursor: Cursor, two_indices: tuple[int, ...]) -> None:
    for _ in range(2 if cursor.byte() in two_indices else 1):
        cursor.u32()


def _match(cursor: Cursor, pattern: re.Pattern[bytes]) -> bool:
    """Pass over what the pattern matches here, if it does."""
    matched = pattern.match(cursor.data, cursor.pos, cursor.end)
    if matched is None:
        return False
    cursor.pos = matched.end()
    return True


@functools.lru_cache(maxsize=8)
def _skip(wanted: frozenset[int], most: int) -> re.Pattern[bytes]:
    """Matches up to `most` instructions that name none of the `wanted` functions."""
    functions = _FUNCTION_OPCODES + (rb"(?!%b)" % _any_of(wanted) if wanted else b"") + _LEB
    known = [opcode + immediates for opcode, immediates in _INSTRUCTIONS]
    known.insert(2, functions)
    return re.compile(rb"(?:%b){1,%d}" % (b"|".join(known), most), re.DOTALL)


def _any_of(indices: frozenset[int]) -> bytes:
    """Matches any of these numbers in every encoding of at most five bytes that it has."""
    return rb"(?:%b)" % b"|".join(map(_encodings, sorted(indices)))


def _encodings(index: int) -> bytes:
    shortest = bytearray()
    while index >= 0x80:
        shortest.append(index & 0x7F | 0x80)
        index >>= 7
    last, padding = bytes([index]), 3 - len(shortest)
    padded = re.escape(bytes([index | 0x80])) + rb"\x80{0,%d}\x00" % padding
    either = rb"(?:%b|%b)" % (re.escape(last), padded) if padding >= 0 else re.escape(last)
    return re.escape(bytes(shortest)) + either

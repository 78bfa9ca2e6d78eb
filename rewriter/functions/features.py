"""The features of WebAssembly that instructions and value types belong to.

Specification: https://webassembly.github.io/spec/core/binary/instructions.html, and the proposals
that rewriter.functions.instructions names.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping

from rewriter.errors import MalformedModule
from rewriter.functions.feature import Feature
from rewriter.functions.instructions import (
    BASE,
    BLOCK_TYPE,
    HEAP_TYPE,
    INDEX,
    LEB,
    MEMARG,
)
from rewriter.wasm.reader import Cursor
from rewriter.wasm.types import value_type

__all__ = ["CELLS", "PARTS", "Found", "add", "cells", "in_expression", "newer", "of_value_type"]

Found = dict[Feature, int]
"""The features seen, each with the byte offset of its first use."""


def _typed(codes: bytes) -> bytes:
    """block, loop, if and ref.null of heap types with these codes."""
    return rb"[\x02-\x04][%b]|\xd0[%b]" % (codes, codes)


def _reference(heap: bytes) -> bytes:
    """block, loop and if of a reference to a heap type that `heap` matches."""
    return rb"[\x02-\x04][\x63\x64]%b" % heap


_MANAGED = rb"\x6a-\x6e\x71-\x73"
"""The codes of heap types that belong to garbage collection."""

PARTS: tuple[tuple[tuple[Feature, ...], bytes], ...] = (
    # memory.init, data.drop, memory.copy and .fill, in the first memory
    (
        (Feature.BULK_MEMORY,),
        rb"\xfc(?:\x08%b\x00|\x09%b|\x0a\x00\x00|\x0b\x00)" % (LEB, LEB),
    ),
    # table.get and .set, ref.is_null, ref.func; call_indirect in another table; select with a type;
    # table.init and .copy; elem.drop, table.grow, .size and .fill
    (
        (Feature.REFERENCE_TYPES,),
        rb"[\x25\x26\xd2]%b|\xd1|\x1c\x01[\x6f\x70\x7c-\x7f]|\x11%b%b|\xfc[\x0c\x0e]%b%b|\xfc[\x0d\x0f-\x11]%b|%b"
        % (*(LEB,) * 6, _typed(rb"\x6f\x70")),
    ),
    # v128.load* and .store; const, shuffle; lanes; the rest
    (
        (Feature.SIMD,),
        rb"\xfd(?:[\x00-\x0b\x5c\x5d]%b|[\x0c\x0d].{16}|[\x15-\x22].|[\x54-\x5b]%b."
        rb"|[\x0e-\x14\x23-\x53\x5e-\x7f]|[\x80-\xff]\x01)|[\x02-\x04]\x7b" % (MEMARG, MEMARG),
    ),
    ((Feature.RELAXED_SIMD, Feature.SIMD), rb"\xfd[\x80-\x93]\x02"),
    # return_call, return_call_indirect
    ((Feature.TAIL_CALLS,), rb"\x12%b|\x13%b\x00" % (LEB, LEB)),
    ((Feature.TAIL_CALLS, Feature.REFERENCE_TYPES), rb"\x13%b%b" % (LEB, LEB)),
    # throw, throw_ref
    ((Feature.EXCEPTIONS,), rb"\x08%b|\x0a|%b" % (LEB, _typed(rb"\x69\x74"))),
    # try; catch, rethrow, delegate; catch_all
    ((Feature.LEGACY_EXCEPTIONS,), rb"\x06%b|[\x07\x09\x18]%b|\x19" % (BLOCK_TYPE, LEB)),
    # Loads, stores and other memory instructions that use another memory
    ((Feature.MEMORIES,), rb"[\x28-\x3e]%b|[\x3f\x40]%b" % (MEMARG, LEB)),
    (
        (Feature.MEMORIES, Feature.BULK_MEMORY),
        rb"\xfc[\x08\x0a]%b%b|\xfc\x0b%b" % (LEB, LEB, LEB),
    ),
    # call_ref, return_call_ref; ref.as_non_null; br_on_null, br_on_non_null
    (
        (Feature.FUNCTION_REFERENCES,),
        rb"[\x14\x15]%b|\xd4|[\xd5\xd6]%b|\xd0%b|%b"
        % (LEB, LEB, INDEX, _reference(rb"(?:[\x6f\x70]|%b)" % INDEX)),
    ),
    # ref.eq; array.len, any.convert_extern, extern.convert_any, ref.i31, i31.get_*; those of
    # structures and arrays; ref.test, ref.cast; br_on_cast, br_on_cast_fail
    (
        (Feature.GC,),
        rb"\xd3|\xfb(?:[\x0f\x1a-\x1e]|[\x00\x01\x06\x07\x0b-\x0e\x10]%b"
        rb"|[\x02-\x05\x08-\x0a\x11-\x13]%b%b|[\x14-\x17]%b|[\x18\x19].%b%b%b)|%b|%b"
        % (
            *(LEB, LEB, LEB, HEAP_TYPE, LEB, HEAP_TYPE, HEAP_TYPE),
            *(_typed(_MANAGED), _reference(rb"[%b]" % _MANAGED)),
        ),
    ),
    ((Feature.EXCEPTIONS, Feature.FUNCTION_REFERENCES), _reference(rb"[\x69\x74]")),
    # Loads, stores, rmw, notify and wait; atomic.fence
    ((Feature.ATOMICS,), rb"\xfe[\x00-\x02\x10-\x4e]" + MEMARG),
    ((Feature.FENCE,), rb"\xfe\x03."),
    ((Feature.WIDE_ARITHMETIC,), rb"\xfc[\x13-\x16]"),
    # memory.discard
    ((Feature.MEMORY_CONTROL,), rb"\xfc\x12" + LEB),
    # cont.new, suspend; cont.bind, switch
    (
        (Feature.STACK_SWITCHING,),
        rb"[\xe0\xe2]%b|[\xe1\xe6]%b%b|%b|%b"
        % (LEB, LEB, LEB, _typed(rb"\x68\x75"), _reference(rb"[\x68\x75]")),
    ),
    # struct.new_desc and .new_default_desc; ref.get_desc, ref.cast_desc; br_on_cast_desc*
    (
        (Feature.DESCRIPTORS,),
        rb"\xfb(?:[\x20\x21]%b|[\x22-\x24]%b|[\x25\x26].%b%b%b)|\xd0\x62%b|%b"
        % (LEB, HEAP_TYPE, LEB, HEAP_TYPE, HEAP_TYPE, LEB, _reference(rb"\x62" + LEB)),
    ),
    (
        (Feature.SHARED_EVERYTHING,),
        rb"\xd0\x65.|[\x02-\x04]\x65.|" + _reference(rb"\x65."),
    ),
)
"""The instructions of each feature. A pattern is tried only if those before it did not match."""

_SELECT, _TRY_TABLE, _END, _GLOBAL_GET = 0x1C, 0x1F, 0x0B, 0x23
_RESUME, _RESUME_THROW, _RESUME_THROW_REF = 0xE3, 0xE4, 0xE5


@functools.cache
def _patterns() -> tuple[tuple[tuple[Feature, ...], re.Pattern[bytes]], ...]:
    return tuple((features, re.compile(pattern, re.DOTALL)) for features, pattern in PARTS)


CELLS: Mapping[str, int] = {"i64": 2, "f64": 2, "v128": 4}
"""The number of 32-bit cells of each type, as WAMR counts them."""


def cells(types: Iterable[str]) -> int:
    """The number of 32-bit cells that values of these types take."""
    return sum(CELLS.get(spelled, 1) for spelled in types)


def in_expression(cursor: Cursor, found: Found, imported_globals: int) -> None:
    """Read a constant expression, and add the features that it uses. Reading a global that is not
    imported counts as garbage collection, which introduced it. Raises MalformedModule if the
    expression is truncated or has an unknown instruction."""
    while True:
        start = cursor.pos
        opcode = cursor.byte()
        if opcode == _END:
            return
        if opcode in _CONST_ARITHMETIC:
            add(found, (Feature.EXTENDED_CONST,), start)
            continue
        if opcode == _GLOBAL_GET:
            if cursor.u32() >= imported_globals:
                add(found, (Feature.GC,), start)
            continue
        cursor.pos = start
        if matched := _one_of_base().match(cursor.data, start, cursor.end):
            cursor.pos = matched.end()
        elif not newer(cursor, found):
            raise MalformedModule(f"unknown instruction {opcode:#04x} in an expression", start)


_CONST_ARITHMETIC = frozenset((0x6A, 0x6B, 0x6C, 0x7C, 0x7D, 0x7E))
"""add, sub and mul of i32 and i64."""


@functools.cache
def _one_of_base() -> re.Pattern[bytes]:
    return re.compile(b"|".join(BASE), re.DOTALL)


def newer(cursor: Cursor, found: Found) -> bool:
    """Read an instruction that is not in the first release, and add its features. Returns false if
    the instruction is unknown, because then its end is unknown too."""
    start = cursor.pos
    for features, pattern in _patterns():
        if matched := pattern.match(cursor.data, start, cursor.end):
            cursor.pos = matched.end()
            add(found, features, start)
            return True
    opcode = cursor.byte()
    if opcode == _SELECT:
        for _ in range(cursor.count("types")):
            add(found, of_value_type(value_type(cursor)), start)
        add(found, (Feature.REFERENCE_TYPES,), start)
    elif opcode == _TRY_TABLE:
        _block_type(cursor, found)
        for _ in range(cursor.count("catch clauses")):
            for _ in range(2 if cursor.byte() in (0, 1) else 1):
                cursor.u32()
        add(found, (Feature.EXCEPTIONS,), start)
    elif opcode in (_RESUME, _RESUME_THROW, _RESUME_THROW_REF):
        for _ in range(2 if opcode == _RESUME_THROW else 1):
            cursor.u32()
        for _ in range(cursor.count("handlers")):
            for _ in range(2 if cursor.byte() == 0 else 1):
                cursor.u32()
        add(found, (Feature.STACK_SWITCHING,), start)
    else:
        add(found, (Feature.UNKNOWN,), start)
        return False
    return True


def _block_type(cursor: Cursor, found: Found) -> None:
    start = cursor.pos
    if cursor.s33() == _EMPTY_BLOCK or cursor.data[start] < _NEGATIVE or cursor.pos > start + 1:
        return
    cursor.pos = start
    add(found, of_value_type(value_type(cursor)), start)


_EMPTY_BLOCK, _NEGATIVE = -64, 0x40


def add(found: Found, features: Iterable[Feature], offset: int) -> None:
    """Note features that are used at an offset, unless they were used before it."""
    for feature in features:
        found.setdefault(feature, offset)


_NUMBERS = frozenset(("i32", "i64", "f32", "f64"))
_SIMPLE = frozenset(("funcref", "externref"))
_HEAPS = (
    ("shared", Feature.SHARED_EVERYTHING),
    ("exact", Feature.DESCRIPTORS),
    ("exn", Feature.EXCEPTIONS),
    ("cont", Feature.STACK_SWITCHING),
)
_MANAGED_HEAPS = re.compile("any|eq|i31|struct|array|none|nofunc|noextern|null.*ref")


def of_value_type(spelled: str) -> tuple[Feature, ...]:
    """The features that a value type belongs to. `spelled` is its spelling by
    rewriter.wasm.types."""
    if spelled in _NUMBERS:
        return ()
    if spelled == "v128":
        return (Feature.SIMD,)
    if spelled in _SIMPLE:
        return (Feature.REFERENCE_TYPES,)
    for word, feature in _HEAPS:
        if word in spelled:
            return (feature,)
    if _MANAGED_HEAPS.search(spelled.replace("ref null ", "")):
        return (Feature.GC,)
    return (Feature.FUNCTION_REFERENCES,)

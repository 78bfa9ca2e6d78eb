"""Instructions: the length of each, and the ones that refer to a function.

Only the length of an instruction matters here, so one regular expression can skip thousands of them
at a time. It stops at references to functions, and at the few instructions whose length depends on
a count.

Specification: https://webassembly.github.io/spec/core/binary/instructions.html, with the
instructions of the proposals for threads, exceptions (both forms), stack switching, custom
descriptors and wide arithmetic.
"""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Collection
from dataclasses import dataclass

from rewriter.errors import MalformedModule, UnsupportedModule
from rewriter.wasm.reader import Cursor, Data
from rewriter.wasm.types import value_type

__all__ = [
    "ALL",
    "BASE",
    "BLOCK_TYPE",
    "BR_TABLE",
    "END",
    "HEAP_TYPE",
    "INDEX",
    "LEB",
    "MEMARG",
    "Reference",
    "index_of",
    "naming",
    "several",
    "skip",
    "skip_but_type",
    "skip_one",
    "step",
]


_CAN_POSSESS = sys.version_info >= (3, 11, 5)
"""Earlier releases can match wrongly: https://github.com/python/cpython/issues/106052"""


def several(one: bytes, least: int = 1, then: bytes = b"") -> re.Pattern[bytes]:
    """Matches `least` or more of what `one` matches, which are alternatives, and `then` something
    else. It may stop after 2000.

    There is only one way to match an instruction. So possessive repetition is the same as greedy
    repetition, except that it keeps no record of each instruction."""
    often = (b"*+", b"++")[least] if _CAN_POSSESS else b"{%d,2000}" % least
    return re.compile(b"(?:%b)%b%b" % (one, often, then), re.DOTALL)


@dataclass(frozen=True, slots=True)
class Reference:
    """A function index, encoded as an unsigned LEB128 at start..end."""

    start: int
    end: int
    index: int


# The immediates of instructions.
LEB = rb"[\x80-\xff]{0,9}+[\x00-\x7f]"
HEAP_TYPE = rb"(?:\x62%b|\x65.|%b)" % (LEB, LEB)
BLOCK_TYPE = rb"(?:[\x63\x64]%b|\x65.|%b)" % (HEAP_TYPE, LEB)
MEMARG = rb"(?:(?:[\x40-\x7f]|[\xc0-\xff]%b)%b|[\x00-\x3f]|[\x80-\xbf]%b)%b" % ((LEB,) * 4)
"""The alignment, a memory index if its bit 0x40 is set, and the offset."""

INDEX = rb"(?:[\x00-\x3f]|[\x80-\xff]%b)" % LEB
"""A type index: a signed number that is not negative, because negative ones stand for other
types."""

BASE = (
    # local.*, global.get and .set; i32.const, i64.const; br, br_if; call
    rb"[\x20-\x24\x41\x42\x0c\x0d\x10]" + LEB,
    # Comparisons, arithmetic, conversions; end, drop, select, unreachable, nop, else, return
    rb"[\x45-\xc4\x0b\x1a\x1b\x00\x01\x05\x0f]",
    # Loads and stores in the first memory
    rb"[\x28-\x3e](?:[\x00-\x3f]|[\x80-\xbf]%b)%b" % (LEB, LEB),
    # block, loop, if
    rb"[\x02-\x04](?:[\x40\x7c-\x7f]|%b)" % INDEX,
    # call_indirect in the first table
    rb"\x11%b\x00" % LEB,
    # f32.const, f64.const
    rb"\x43.{4}|\x44.{8}",
    # memory.size and .grow; saturating conversions; br_table with few labels
    rb"[\x3f\x40]\x00|\xfc[\x00-\x07]",
    rb"\x0e(?:\x00%b|\x01%b%b|\x02%b%b%b)" % ((LEB,) * 6),
)
"""The instructions that all hosts support, the frequent ones first."""

_REFERRING = b"\x10\x12\xd2"
"""call, return_call, ref.func."""

_FUNCTION_OPCODES = rb"[%b]" % _REFERRING

_BLOCKS, _INDIRECT, _NULL = rb"[\x02-\x04\x06]", rb"[\x11\x13]", rb"\xd0"

_INSTRUCTIONS = (
    # local.*, global.*, table.get and .set; i32.const, i64.const; br, br_if; catch, throw, rethrow;
    # delegate; memory.size and .grow; br_on_null, br_on_non_null; suspend
    (rb"[\x20-\x26\x41\x42\x0c\x0d\x07-\x09\x18\x3f\x40\xd5\xd6\xe2]", LEB),
    # Comparisons, arithmetic, conversions; end, drop, select, unreachable, nop, else, throw_ref,
    # return, catch_all; ref.is_null, ref.eq, ref.as_non_null
    (rb"[\x45-\xc4\x0b\x1a\x1b\x00\x01\x05\x0a\x0f\x19\xd1\xd3\xd4]", b""),
    # call, return_call, ref.func
    (_FUNCTION_OPCODES, LEB),
    # Loads and stores
    (rb"[\x28-\x3e]", MEMARG),
    # block, loop, if, try
    (_BLOCKS, BLOCK_TYPE),
    # call_indirect, return_call_indirect
    (_INDIRECT, LEB + LEB),
    # f32.const, f64.const
    (rb"\x43", rb".{4}"),
    (rb"\x44", rb".{8}"),
    # ref.null
    (_NULL, HEAP_TYPE),
    # Saturating conversions; wide arithmetic
    (rb"\xfc[\x00-\x07\x13-\x16]", b""),
    # data.drop, memory.fill, elem.drop, table.grow, .size and .fill, memory.discard
    (rb"\xfc[\x09\x0b\x0d\x0f-\x12]", LEB),
    # memory.init, memory.copy, table.init, table.copy
    (rb"\xfc[\x08\x0a\x0c\x0e]", LEB + LEB),
    # v128.load*, v128.store, v128.load32_zero and load64_zero
    (rb"\xfd[\x00-\x0b\x5c\x5d]", MEMARG),
    # v128.const, i8x16.shuffle
    (rb"\xfd[\x0c\x0d]", rb".{16}"),
    # extract_lane, replace_lane
    (rb"\xfd[\x15-\x22]", rb"."),
    # v128.load*_lane, v128.store*_lane
    (rb"\xfd[\x54-\x5b]", MEMARG + rb"."),
    # All other vector instructions, with the relaxed ones
    (rb"\xfd(?:[\x0e-\x14\x23-\x53\x5e-\x7f]|[\x80-\xff][\x01\x02])", b""),
    # Atomic loads, stores, rmw, notify and wait
    (rb"\xfe[\x00-\x02\x10-\x4e]", MEMARG),
    # atomic.fence
    (rb"\xfe\x03", rb"."),
    # array.len; any.convert_extern, extern.convert_any, ref.i31, i31.get_*
    (rb"\xfb[\x0f\x1a-\x1e]", b""),
)
"""Opcodes and their immediates, the frequent ones first, without those of _OF_TYPES."""

_OF_TYPES = (
    # call_ref, return_call_ref; cont.new; cont.bind, switch
    (rb"[\x14\x15\xe0]", LEB),
    (rb"[\xe1\xe6]", LEB + LEB),
    # struct.new and .new_default, array.new, .new_default, .get, .set and .fill;
    # struct.new_desc and .new_default_desc
    (rb"\xfb[\x00\x01\x06\x07\x0b-\x0e\x10\x20\x21]", LEB),
    # struct.get and .set, array.new_fixed, .new_data, .new_elem, .copy, .init_data and .init_elem
    (rb"\xfb[\x02-\x05\x08-\x0a\x11-\x13]", LEB + LEB),
    # ref.test, ref.cast; ref.get_desc, ref.cast_desc
    (rb"\xfb[\x14-\x17\x22-\x24]", HEAP_TYPE),
    # br_on_cast, br_on_cast_fail; br_on_cast_desc, br_on_cast_desc_fail
    (rb"\xfb[\x18\x19\x25\x26]", rb"." + LEB + HEAP_TYPE + HEAP_TYPE),
)
"""Instructions with type immediates, which are rare."""

ALL = tuple(opcode + immediates for opcode, immediates in _INSTRUCTIONS + _OF_TYPES)
"""The instructions of both."""

END, BR_TABLE, _SELECT, _TRY_TABLE = 0x0B, 0x0E, 0x1C, 0x1F
_RESUME, _RESUME_THROW, _RESUME_THROW_REF = 0xE3, 0xE4, 0xE5
_CALL, _RETURN_CALL, _REF_FUNC = 0x10, 0x12, 0xD2


def step(cursor: Cursor, wanted: Collection[int]) -> Reference | None:
    """Skip one instruction. Returns the reference if it refers to one of the `wanted` functions.

    Raises UnsupportedModule at an unknown instruction, and MalformedModule at a truncated one.
    """
    if reference := _named(cursor.data, cursor.pos, cursor.end):
        cursor.pos = reference.end
        return reference if reference.index in wanted else None
    return None if _match(cursor, skip_one()) else _special(cursor)


def _special(cursor: Cursor) -> Reference | None:
    """Read the instruction at which the regular expression has stopped."""
    start = cursor.pos
    opcode = cursor.byte()
    if opcode in (_CALL, _RETURN_CALL, _REF_FUNC):
        index_start = cursor.pos
        index = cursor.u32()
        return Reference(index_start, cursor.pos, index)
    if opcode == BR_TABLE:
        for _ in range(cursor.count("labels") + 1):
            cursor.u32()
    elif opcode == _SELECT:
        for _ in range(cursor.count("types")):
            value_type(cursor)
    elif opcode == _TRY_TABLE:
        if not _match(cursor, re.compile(BLOCK_TYPE, re.DOTALL)):
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
            f"unknown instruction {opcode:#04x}: without its length, the rest of the code cannot be"
            " read",
            start,
            "NN111",
        )
    return None


def _clause(cursor: Cursor, two_indices: tuple[int, ...]) -> None:
    for _ in range(2 if cursor.byte() in two_indices else 1):
        cursor.u32()


def _match(cursor: Cursor, pattern: re.Pattern[bytes]) -> bool:
    """Skip what the pattern matches here, and return whether it matched."""
    matched = pattern.match(cursor.data, cursor.pos, cursor.end)
    if matched is None:
        return False
    cursor.pos = matched.end()
    return True


@functools.cache
def skip() -> re.Pattern[bytes]:
    """Matches instructions up to one that refers to a function, and that one, with its index as a
    group. It stops at instructions whose length depends on a count, and may match nothing."""
    others = b"|".join(one for one in ALL if not one.startswith(_FUNCTION_OPCODES))
    return several(others, 0, b"(?:%b)?" % _REFERENCE)


@functools.cache
def skip_one() -> re.Pattern[bytes]:
    """Matches one instruction, unless its length depends on a count."""
    return re.compile(b"|".join(ALL), re.DOTALL)


def skip_but_type(index: int, most: int) -> re.Pattern[bytes]:
    """Matches up to `most` instructions that do not refer to type `index`. It stops at instructions
    whose length depends on a count, and at those that refer to types, except for blocks and
    indirect calls."""
    another = rb"(?!%b)%b" % (_encodings(index), LEB)
    known = {
        **dict(_INSTRUCTIONS),
        _BLOCKS: rb"(?:[\x40-\x7f]|%b)" % another,
        _INDIRECT: another + LEB,
        _NULL: rb"[\x40-\x7f]",
        _FUNCTION_OPCODES: LEB,
    }
    every = b"|".join(opcode + immediates for opcode, immediates in known.items())
    return re.compile(rb"(?:%b){1,%d}" % (every, most), re.DOTALL)


@functools.lru_cache(maxsize=32)
def naming(wanted: frozenset[int]) -> tuple[re.Pattern[bytes], ...]:
    """Each finds the bytes of one instruction that refers to one of the `wanted` functions, whose
    index takes at most five bytes. The same bytes can also be something else.

    Three patterns that start with one byte each are searched for several times as fast as one that
    starts with any of three.
    """
    small = bytes(sorted(index for index in wanted if index < 0x80))
    padded = bytes(index | 0x80 for index in small)
    of_small = rb"[%b]|[%b]\x80{0,3}\x00" % (re.escape(small), re.escape(padded))
    of_large = [_encodings(index) for index in sorted(wanted) if index >= 0x80]
    indices = b"|".join([of_small, *of_large] if small else of_large)
    return tuple(
        re.compile(rb"%b(?:%b)" % (re.escape(bytes([opcode])), indices), re.DOTALL)
        for opcode in _REFERRING
    )


def _named(data: Data, pos: int, end: int) -> Reference | None:
    """The reference of an instruction at `pos` that refers to a function, whose index takes at most
    five bytes; None if the bytes there are something else."""
    matched = _reference().match(data, pos, end)
    return None if matched is None else Reference(pos + 1, matched.end(), index_of(matched[1]))


def index_of(encoded: bytes) -> int:
    """The number that is encoded as LEB128."""
    index = 0
    for place, byte in enumerate(encoded):
        index |= (byte & 0x7F) << 7 * place
    return index


_REFERENCE = rb"%b([\x80-\xff]{0,4}+[\x00-\x7f])" % _FUNCTION_OPCODES


@functools.cache
def _reference() -> re.Pattern[bytes]:
    return re.compile(_REFERENCE, re.DOTALL)


def _encodings(index: int) -> bytes:
    shortest = bytearray()
    while index >= 0x80:
        shortest.append(index & 0x7F | 0x80)
        index >>= 7
    last, padding = bytes([index]), 3 - len(shortest)
    padded = re.escape(bytes([index | 0x80])) + rb"\x80{0,%d}\x00" % padding
    either = rb"(?:%b|%b)" % (re.escape(last), padded) if padding >= 0 else re.escape(last)
    return re.escape(bytes(shortest)) + either

"""Decodes function bodies into lists of instructions, with the number of operands and results.

Specification: https://webassembly.github.io/spec/core/binary/instructions.html. Of the later
proposals, only relaxed vectors and wide arithmetic are decoded. Functions that use others are not
followed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from rewriter.errors import MalformedModule, NNShimError
from rewriter.wasm.reader import Cursor, Data
from rewriter.wasm.types import FuncType, value_type

__all__ = [
    "EFFECTS",
    "LANE_STORES",
    "LAST_VECTOR",
    "LOADS",
    "STORES",
    "Code",
    "Instruction",
    "NotFollowed",
    "Op",
    "decode",
    "number_at",
]


class NotFollowed(NNShimError):
    """A function is too long to follow, or has an instruction that is not followed."""


class Op:
    """Opcodes that are handled one by one. If there is a prefix byte, it is the high byte."""

    UNREACHABLE, NOP, BLOCK, LOOP, IF, ELSE, END = 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x0B
    BR, BR_IF, BR_TABLE, RETURN = 0x0C, 0x0D, 0x0E, 0x0F
    CALL, CALL_INDIRECT, RETURN_CALL, RETURN_CALL_INDIRECT = 0x10, 0x11, 0x12, 0x13
    DROP, SELECT, SELECT_TYPED = 0x1A, 0x1B, 0x1C
    LOCAL_GET, LOCAL_SET, LOCAL_TEE, GLOBAL_GET, GLOBAL_SET = 0x20, 0x21, 0x22, 0x23, 0x24
    I32_CONST, I64_CONST, F32_CONST, F64_CONST = 0x41, 0x42, 0x43, 0x44
    I32_ADD = 0x6A
    MEMORY_INIT, MEMORY_COPY, MEMORY_FILL = 0xFC08, 0xFC0A, 0xFC0B
    V128_CONST = 0xFD0C


Instruction = tuple[int, int, int, int]
"""One instruction: its opcode, its offset from the start of the body in bytes, and two numbers.
These depend on the opcode: an index; a number; an offset and the index of a memory; for blocks the
number of operands and results."""


class Code(NamedTuple):
    """A function body. `locals` are the types of its local variables, without the parameters.

    By the place of an instruction in the list, `to` has the end of a block or loop, the end of an
    `if` or the place after its `else`, and for `else` the end; `labels` has those of `br_table`."""

    locals: tuple[str, ...]
    instructions: list[Instruction]
    to: Mapping[int, int]
    labels: Mapping[int, tuple[int, ...]]


LOADS = dict(
    zip(
        (*range(0x28, 0x36), 0xFD00),
        (4, 8, 4, 8, -1, 1, -2, 2, -1, 1, -2, 2, -4, 4, 16),
        strict=True,
    )
)
"""The number of bytes that are read; negative if they are sign-extended."""

STORES = dict(zip((*range(0x36, 0x3F), 0xFD0B), (4, 8, 4, 8, 1, 2, 1, 2, 4, 16), strict=True))
"""The number of bytes that are written."""

_MOST_LOCALS = 10_000
_MOST_INSTRUCTIONS = 100_000
"""Limits for a function that is followed."""

_UNARY = (
    *(0x45, 0x50, *range(0x67, 0x6A), *range(0x79, 0x7C), *range(0x8B, 0x92)),
    *(*range(0x99, 0xA0), *range(0xA7, 0xC5)),
)
EFFECTS = {
    **dict.fromkeys(range(0x45, 0xC5), (2, 1)),
    **dict.fromkeys((*_UNARY, *range(0xFC00, 0xFC08), 0x25, 0x40, 0xD1), (1, 1)),
    **dict.fromkeys((0x00, 0x01, 0xFC09, 0xFC0D), (0, 0)),
    **dict.fromkeys((0x3F, 0xD0, 0xD2, 0xFC10), (0, 1)),
    **dict.fromkeys((0xFC08, 0xFC0A, 0xFC0B, 0xFC0C, 0xFC0E, 0xFC11), (3, 0)),
    **dict.fromkeys((0xFC13, 0xFC14), (4, 2)),
    **dict.fromkeys((0xFC15, 0xFC16), (2, 2)),
    0x1A: (1, 0),
    0x26: (2, 0),
    0xFC0F: (2, 1),
}
"""The number of operands and results of instructions other than loads, stores and vectors."""

_LANE_LOADS, _LANE_STORES = range(0x54, 0x58), range(0x58, 0x5C)
LANE_STORES = frozenset(0xFD00 + number for number in _LANE_STORES)
LAST_VECTOR = 0x113


def decode(body: bytes, type_of: Callable[[int], FuncType]) -> Code:
    """Decode a function body, without its size field. Raises MalformedModule if it cannot be read,
    and NotFollowed if it is too long or has an instruction that is not followed."""
    cursor = Cursor(body, 0, len(body))
    variables: list[str] = []
    for _ in range(cursor.count("local variables")):
        number, kind = cursor.u32(), value_type(cursor)
        if len(variables) + number > _MOST_LOCALS:
            raise NotFollowed("too many local variables to follow")
        variables += [kind] * number
    labels: dict[int, tuple[int, ...]] = {}
    found = _instructions(cursor, type_of, labels)
    return Code(tuple(variables), found, _nesting(found), labels)


def _instructions(
    cursor: Cursor, type_of: Callable[[int], FuncType], labels: dict[int, tuple[int, ...]]
) -> list[Instruction]:
    """All instructions. Those with one immediate of one byte, or none, are decoded here."""
    body, pos, end = cursor.data, cursor.pos, cursor.end
    found: list[Instruction] = []
    add = found.append
    for _ in range(_MOST_INSTRUCTIONS + 1):
        if pos >= end:
            return found
        opcode = body[pos]
        form = _FORMS[opcode]
        if form == _ALONE:
            add((opcode, pos, 0, 0))
            pos += 1
            continue
        if form >= _INDEX and pos + 1 < end and (number := body[pos + 1]) < 0x80:
            if number >= 0x40 and form != _INDEX:  # negative
                number += _NEGATIVE[form]
            add((opcode, pos, number, 0))
            pos += 2
            continue
        if form in _SHORT and pos + 2 < end and body[pos + 1] in _SHORT[form]:
            if form == _BLOCK:
                add((opcode, pos, 0, body[pos + 1] != _EMPTY))
                pos += 2
                continue
            if body[pos + 2] < 0x80:
                add((opcode, pos, body[pos + 2], 0))
                pos += 3
                continue
        cursor.pos = pos
        if opcode == Op.BR_TABLE:
            cursor.pos += 1
            labels[len(found)] = tuple(cursor.u32() for _ in range(cursor.count("labels") + 1))
            add((opcode, pos, 0, 0))
        else:
            add(_instruction(cursor, type_of))
        pos = cursor.pos
    if pos < end:
        raise NotFollowed("too many instructions to follow")
    return found


def _nesting(code: list[Instruction]) -> dict[int, int]:
    """Where blocks and their arms lead: see Code."""
    to: dict[int, int] = {}
    opened: list[int] = []
    last = len(code) - 1
    for place, (opcode, at, _, _) in enumerate(code):
        if opcode > Op.END:
            continue
        if opcode in (Op.BLOCK, Op.LOOP, Op.IF):
            opened.append(place)
        elif opcode == Op.ELSE and opened and code[opened[-1]][0] == Op.IF:
            to[opened[-1]] = place + 1
            opened[-1] = place
        elif opcode == Op.END and opened:
            to[opened.pop()] = place
        elif opcode in (Op.ELSE, Op.END) and place != last:
            raise MalformedModule("the end of a block without its start", at)
    if opened or not code or code[last][0] != Op.END:
        raise MalformedModule("a function does not end", 0)
    return to


_INDEXED = frozenset((Op.BR, Op.BR_IF, Op.CALL, Op.RETURN_CALL, 0x3F, 0x40, 0xD2))
_PLAIN = frozenset((Op.ELSE, Op.END, Op.RETURN, Op.SELECT))

_OTHER, _BLOCK, _MEMORY, _ALONE, _INDEX, _I32, _I64 = range(7)
"""Forms of instructions: blocks; loads and stores; those without an immediate, with an index, or
with a number of 32 or 64 bits."""

_EMPTY = 0x40
_SHORT = {_BLOCK: (_EMPTY, 0x7F, 0x7E, 0x7D, 0x7C), _MEMORY: range(_EMPTY)}
"""The first bytes of the usual immediates: the type of a block that takes no operands and has no
result, or a number; the alignment of an access to the first memory."""

_NEGATIVE = {_I32: (1 << 32) - 0x80, _I64: (1 << 64) - 0x80}
"""What makes a byte with the sign bit the unsigned number with the same bits."""


def _form(opcode: int) -> int:
    if opcode in (Op.BLOCK, Op.LOOP, Op.IF):
        return _BLOCK
    if 0x28 <= opcode <= 0x3E:
        return _MEMORY
    if opcode in (Op.I32_CONST, Op.I64_CONST):
        return _I32 if opcode == Op.I32_CONST else _I64
    if 0x20 <= opcode <= 0x26 or opcode in _INDEXED:
        return _INDEX
    prefixed = (Op.BR_TABLE, Op.SELECT_TYPED, 0xD0, 0xFC, 0xFD)
    alone = opcode not in prefixed and (opcode in _PLAIN or opcode in EFFECTS)
    return _ALONE if alone else _OTHER


_FORMS = bytes(map(_form, range(256)))


def _instruction(cursor: Cursor, type_of: Callable[[int], FuncType]) -> Instruction:
    at = cursor.pos
    opcode = cursor.byte()
    if opcode in (Op.BLOCK, Op.LOOP, Op.IF):
        return opcode, at, *_block_type(cursor, type_of)
    if opcode in (Op.CALL_INDIRECT, Op.RETURN_CALL_INDIRECT):
        return opcode, at, cursor.u32(), cursor.u32()
    if 0x20 <= opcode <= 0x26 or opcode in _INDEXED:
        return opcode, at, cursor.u32(), 0
    if 0x28 <= opcode <= 0x3E:
        return opcode, at, *_memory_argument(cursor)
    if opcode in (Op.I32_CONST, Op.I64_CONST):
        return opcode, at, _signed(cursor, 32 if opcode == Op.I32_CONST else 64), 0
    if opcode in (Op.F32_CONST, Op.F64_CONST):
        return opcode, at, _fixed(cursor, 4 if opcode == Op.F32_CONST else 8), 0
    if opcode == Op.SELECT_TYPED:
        for _ in range(cursor.count("types")):
            value_type(cursor)
        return Op.SELECT, at, 0, 0
    if opcode == 0xD0:
        cursor.s33()
        return opcode, at, 0, 0
    if opcode == 0xFC:
        return _with_prefix(cursor, at)
    if opcode == 0xFD:
        return _vector(cursor, at)
    raise NotFollowed(f"instruction {opcode:#04x} is not followed")


def _block_type(cursor: Cursor, type_of: Callable[[int], FuncType]) -> tuple[int, int]:
    """The number of operands and results of a block."""
    start = cursor.pos
    first = cursor.byte()
    if first == 0x40:
        return 0, 0
    cursor.pos = start
    if first & 0xC0 == 0x40 or first in (0x63, 0x64):
        value_type(cursor)
        return 0, 1
    index = cursor.s33()
    if index < 0:
        raise MalformedModule("a block has a type that is not a function type", start)
    found = type_of(index)
    return len(found.params), len(found.results)


def _memory_argument(cursor: Cursor) -> tuple[int, int]:
    """The offset and the index of the memory."""
    alignment = cursor.u32()
    memory = cursor.u32() if alignment & 0x40 else 0
    return cursor.u64(), memory


def _signed(cursor: Cursor, bits: int) -> int:
    """Read a signed LEB128. Returns the unsigned number with the same bits."""
    value, shift = 0, 0
    while True:
        byte = cursor.byte()
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
        if shift > bits + 7:
            raise MalformedModule(f"integer does not fit in {bits} bits", cursor.pos)
    if byte & 0x40:
        value -= 1 << shift
    return value & (1 << bits) - 1


def _fixed(cursor: Cursor, size: int) -> int:
    start = cursor.pos
    for _ in range(size):
        cursor.byte()
    return int.from_bytes(cursor.data[start : cursor.pos], "little")


def _with_prefix(cursor: Cursor, at: int) -> Instruction:
    opcode = 0xFC00 + cursor.u32()
    indices = {0xFC08: 2, 0xFC09: 1, 0xFC0A: 2, 0xFC0B: 1, 0xFC0C: 2, 0xFC0D: 1, 0xFC0E: 2}
    if opcode not in EFFECTS:
        raise NotFollowed(f"instruction {opcode:#06x} is not followed")
    more = indices.get(opcode, 1 if 0xFC0F <= opcode <= 0xFC11 else 0)
    first = cursor.u32() if more else 0
    return opcode, at, first, cursor.u32() if more > 1 else 0


def _vector(cursor: Cursor, at: int) -> Instruction:
    number = cursor.u32()
    if number > LAST_VECTOR:
        raise NotFollowed(f"vector instruction {number:#x} is not followed")
    opcode = 0xFD00 + number
    if number <= 0x0B or number in (0x5C, 0x5D):
        return opcode, at, *_memory_argument(cursor)
    if number in (0x0C, 0x0D):
        return opcode, at, _fixed(cursor, 16), 0
    if number in _LANE_LOADS or number in _LANE_STORES:
        argument = _memory_argument(cursor)
        cursor.byte()
        return opcode, at, *argument
    if 0x15 <= number <= 0x22:
        cursor.byte()
    return opcode, at, 0, 0


def number_at(data: Data, start: int, end: int) -> int | None:
    """The value of the constant expression at start..end if it is a single `i32.const`, else
    None."""
    cursor = Cursor(data, start, end)
    if cursor.byte() != Op.I32_CONST:
        return None
    value = _signed(cursor, 32)
    return value if cursor.byte() == Op.END and cursor.pos == end else None

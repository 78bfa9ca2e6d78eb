"""The depth of a function's operand stack and blocks, for engines that count these in 16 bits.

Specification: https://webassembly.github.io/spec/core/appendix/algorithm.html. Only the stack
heights are followed here. Source of the limits:
https://github.com/bytecodealliance/wasm-micro-runtime, core/iwasm/interpreter/wasm_loader.c
(max_stack_cell_num, max_dynamic_offset, max_csp_num).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from rewriter.functions.feature import Feature
from rewriter.functions.instructions import skip_one
from rewriter.wasm.reader import Cursor
from rewriter.wasm.types import FuncType, value_type

__all__ = ["MOST_SLOTS", "Around", "depths", "too_deep"]

MOST_CELLS, MOST_SLOTS, MOST_BLOCKS = 0xFFFF, 0x7FFE, 0xFFFF
"""The limits: 32-bit cells on the stack; slots, which are the cells of local variables and of all
operands other than constants and copies of local variables; and nested blocks, including the
function itself."""


class Around(Protocol):
    """What the bodies of a module refer to. `widest` is the largest number of cells in the results
    of any function or block."""

    widest: int

    def of_body(self, place: int) -> FuncType | None:
        """The type of the function with the body number `place`."""

    def type(self, index: int) -> FuncType | None:
        """The type with this index."""

    def function(self, index: int) -> FuncType | None:
        """The type of the function with this index."""

    def width(self, index: int) -> int:
        """The number of cells of the global with this index."""


_WIDTHS = {"i64": 2, "f64": 2, "v128": 4}


def _widths(types: Sequence[str]) -> list[int]:
    return [_WIDTHS.get(spelled, 1) for spelled in types]


class _Block(NamedTuple):
    height: int
    params: list[int]
    results: list[int]


_FREE = 8
"""A bit in the width of an operand that takes no slot."""

_UNREACHABLE, _BLOCK, _LOOP, _IF, _ELSE, _END = 0x00, 0x02, 0x03, 0x04, 0x05, 0x0B
_BR, _BR_IF, _BR_TABLE, _RETURN, _CALL, _CALL_INDIRECT = 0x0C, 0x0D, 0x0E, 0x0F, 0x10, 0x11
_DROP, _SELECT, _TYPED_SELECT = 0x1A, 0x1B, 0x1C
_LOCAL_GET, _LOCAL_SET, _LOCAL_TEE, _GLOBAL_GET, _GLOBAL_SET = 0x20, 0x21, 0x22, 0x23, 0x24
_I32_CONST, _I64_CONST, _F32_CONST, _F64_CONST = 0x41, 0x42, 0x43, 0x44


@functools.cache
def _simple() -> Mapping[int, tuple[int, int]]:
    """By opcode: the number of operands, and the number of cells of the result."""
    found = {0x01: (0, 0), 0x3F: (0, 1), 0x40: (1, 1), 0xD1: (1, 1), 0xD2: (0, 1)}
    found |= {0x25: (1, 1), 0x26: (2, 0), 0xD0: (0, 1)}
    found |= dict.fromkeys((0x28, 0x2A, 0x2C, 0x2D, 0x2E, 0x2F), (1, 1))
    found |= dict.fromkeys((0x29, 0x2B, *range(0x30, 0x36)), (1, 2))
    found |= dict.fromkeys(range(0x36, 0x3F), (2, 0))
    found |= dict.fromkeys((0x45, 0x50, 0x67, 0x68, 0x69, *range(0x8B, 0x92)), (1, 1))
    found |= dict.fromkeys((*range(0x46, 0x50), *range(0x51, 0x67)), (2, 1))
    found |= dict.fromkeys((*range(0x6A, 0x79), *range(0x92, 0x99)), (2, 1))
    found |= dict.fromkeys((0x79, 0x7A, 0x7B, *range(0x99, 0xA0)), (1, 2))
    found |= dict.fromkeys((*range(0x7C, 0x8B), *range(0xA0, 0xA7)), (2, 2))
    one = (*range(0xA7, 0xAC), *range(0xB2, 0xB7), 0xBC, 0xBE, 0xC0, 0xC1)
    found |= dict.fromkeys(one, (1, 1))
    two = (*range(0xAC, 0xB2), *range(0xB7, 0xBC), 0xBD, 0xBF, 0xC2, 0xC3, 0xC4)
    return found | dict.fromkeys(two, (1, 2))


_MISCELLANEOUS = 0xFC
_MISCELLANEA = {
    **dict.fromkeys(range(4), (0, 1, 1)),
    **dict.fromkeys(range(4, 8), (0, 1, 2)),
    **dict.fromkeys((8, 10, 12, 14), (2, 3, 0)),
    **dict.fromkeys((9, 13), (1, 0, 0)),
    **dict.fromkeys((11, 17), (1, 3, 0)),
    15: (1, 2, 1),
    16: (1, 0, 1),
}
"""By the opcode after the prefix: the number of indices in the instruction, of operands, and of
cells of the result."""


class _Following:
    """Follows the stack heights of one function, up to an instruction that is not followed."""

    def __init__(self, variables: list[int], around: Around) -> None:
        self.stack: list[int] = []
        self.blocks: list[_Block] = []
        self.cells = 0
        self.slots = sum(variables)
        self.most_cells = self.most_slots = self.most_blocks = 0
        self._variables = variables
        self._around = around

    def push(self, width: int, free: int = 0) -> None:
        self.stack.append(width | free)
        self.cells += width
        if self.cells > self.most_cells:
            self.most_cells = self.cells
        if not free:
            self.slots += width
            if self.slots > self.most_slots:
                self.most_slots = self.slots

    def pop(self, count: int) -> None:
        for _ in range(min(count, len(self.stack) - self.blocks[-1].height)):
            width = self.stack.pop()
            if width & _FREE:
                self.cells -= width ^ _FREE
            else:
                self.cells -= width
                self.slots -= width

    def open(self, type_: FuncType) -> None:
        params = _widths(type_.params)
        self.pop(len(params))
        self.blocks.append(_Block(len(self.stack), params, _widths(type_.results)))
        self.most_blocks = max(self.most_blocks, len(self.blocks))
        for width in params:
            self.push(width)

    def leave(self) -> None:
        self.pop(len(self.stack))

    def step(self, opcode: int, cursor: Cursor) -> bool:
        """Follow one instruction. Returns false if nothing is known from here on."""
        if opcode == _LOCAL_GET:
            self.push(self._variables[cursor.u32()], _FREE)
        elif opcode in (_I32_CONST, _I64_CONST):
            cursor.pos = _past_number(cursor)
            self.push(opcode - 0x40, _FREE)
        elif opcode in (_F32_CONST, _F64_CONST):
            cursor.pos += 4 if opcode == _F32_CONST else 8
            self.push(opcode - 0x42, _FREE)
        elif opcode == _LOCAL_TEE:
            self.pop(1)
            self.push(self._variables[cursor.u32()], _FREE)
        elif opcode in (_LOCAL_SET, _DROP, _BR_IF, _GLOBAL_SET):
            if opcode != _DROP:
                cursor.u32()
            self.pop(1)
        elif opcode == _GLOBAL_GET:
            self.push(self._around.width(cursor.u32()))
        elif opcode in (_SELECT, _TYPED_SELECT):
            self._select(opcode, cursor)
        elif opcode in (_CALL, _CALL_INDIRECT):
            return self._call(opcode, cursor)
        elif opcode == _MISCELLANEOUS:
            return self._miscellaneous(cursor)
        else:
            return self._control(opcode, cursor)
        return True

    def _miscellaneous(self, cursor: Cursor) -> bool:
        """Saturating conversions, and operations on memories and tables."""
        indices, operands, width = _MISCELLANEA.get(cursor.u32(), (0, 0, -1))
        for _ in range(indices):
            cursor.u32()
        self.pop(operands)
        if width > 0:
            self.push(width)
        return width >= 0

    def _select(self, opcode: int, cursor: Cursor) -> None:
        for _ in range(cursor.count("types") if opcode == _TYPED_SELECT else 0):
            value_type(cursor)
        self.pop(1)
        width = self.stack[-1] & ~_FREE if len(self.stack) > self.blocks[-1].height else 1
        self.pop(2)
        self.push(width)

    def _call(self, opcode: int, cursor: Cursor) -> bool:
        index = cursor.u32()
        if opcode == _CALL:
            type_ = self._around.function(index)
        else:
            cursor.u32()
            self.pop(1)
            type_ = self._around.type(index)
        if type_ is None:
            return False
        self.pop(len(type_.params))
        for width in _widths(type_.results):
            self.push(width)
        return True

    def _control(self, opcode: int, cursor: Cursor) -> bool:
        if opcode in (_BLOCK, _LOOP, _IF):
            if opcode == _IF:
                self.pop(1)
            type_ = self._block_type(cursor)
            if type_ is None:
                return False
            self.open(type_)
        elif opcode in (_END, _ELSE):
            self.leave()
            block = self.blocks[-1] if opcode == _ELSE else self.blocks.pop()
            if not self.blocks:
                return False
            for width in block.params if opcode == _ELSE else block.results:
                self.push(width)
        elif opcode in (_UNREACHABLE, _RETURN, _BR):
            if opcode == _BR:
                cursor.u32()
            self.leave()
        elif opcode == _BR_TABLE:
            for _ in range(cursor.count("labels") + 1):
                cursor.u32()
            self.leave()
        else:
            return False
        return True

    def _block_type(self, cursor: Cursor) -> FuncType | None:
        start = cursor.pos
        index = cursor.s33()
        if index >= 0:
            return self._around.type(index)
        if index == _EMPTY:
            return FuncType((), ())
        cursor.pos = start
        return FuncType((), (value_type(cursor),))


_EMPTY = -64


def _past_number(cursor: Cursor) -> int:
    pos = cursor.pos
    while cursor.data[pos] & 0x80:
        pos += 1
    return pos + 1


class Depths(NamedTuple):
    """The largest number of each at a time, counted as for the limits."""

    cells: int
    slots: int
    blocks: int


def too_deep(cursor: Cursor, variables: list[int], around: Around) -> list[Feature]:
    """The limits that a function's body exceeds. For the arguments, see `depths`.

    Raises MalformedModule for a body that is cut off.
    """
    found = depths(cursor, variables, around)
    limits = (
        (Feature.MANY_OPERANDS, found.cells > MOST_CELLS),
        (Feature.MANY_SLOTS, found.slots > MOST_SLOTS),
        (Feature.DEEP_BLOCKS, found.blocks > MOST_BLOCKS),
    )
    return [feature for feature, is_beyond in limits if is_beyond]


def depths(cursor: Cursor, variables: list[int], around: Around) -> Depths:
    """The depth of a function's body. The cursor is after the declarations of local variables;
    `variables` has the cells of each parameter and local variable. Nothing is counted after the
    first vector or garbage collection instruction.

    Raises MalformedModule for a body that is cut off.
    """
    following = _Following(variables, around)
    following.blocks.append(_Block(0, [], []))
    simple, one = _simple(), skip_one()
    known = True
    while known and cursor.pos < cursor.end:
        opcode = cursor.data[cursor.pos]
        effect = simple.get(opcode)
        if effect is None:
            cursor.pos += 1
            known = following.step(opcode, cursor)
            continue
        matched = one.match(cursor.data, cursor.pos, cursor.end)
        if matched is None:
            break
        cursor.pos = matched.end()
        following.pop(effect[0])
        if effect[1]:
            following.push(effect[1])
    return Depths(following.most_cells, following.most_slots, following.most_blocks)

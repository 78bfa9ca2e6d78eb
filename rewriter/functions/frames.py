"""How much of an interpreter's stack functions take, and what is to be known around a body for
that: types, functions and globals, by their indices.

Source: https://github.com/bytecodealliance/wasm-micro-runtime, core/iwasm/interpreter
(wasm_interp_fast.c: the frame of a call; wasm_loader.c: wasm_loader_get_const_offset).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import NamedTuple
from weakref import WeakKeyDictionary

from rewriter.functions.code import Body, defined_functions
from rewriter.functions.depth import MOST_SLOTS, depths
from rewriter.functions.features import cells, in_expression
from rewriter.functions.instructions import BR_TABLE, LEB, skip
from rewriter.wasm.imports import ExternKind, groups
from rewriter.wasm.module import Module
from rewriter.wasm.reader import Cursor
from rewriter.wasm.sections import SectionId
from rewriter.wasm.types import FuncType, value_type

__all__ = ["Surroundings", "Wanted", "largest_frame", "wanted_stack"]

_SMALL = 2048
"""Cells of 32 bits up to which constants are not counted: in a frame of so many, no host runs out
of its stack."""


class Surroundings:
    """See rewriter.functions.depth.Around. Few modules have bodies that it matters for."""

    def __init__(self, module: Module, indices: Sequence[int]) -> None:
        self._types = module.types
        self._module = module
        self._indices = indices
        results = {type_.results for type_ in module.types if type_ is not None}
        self.widest = max(map(cells, results), default=0)

    def type(self, index: int) -> FuncType | None:
        return self._types[index] if index < len(self._types) else None

    def of_body(self, place: int) -> FuncType | None:
        return self.type(self._indices[place])

    def function(self, index: int) -> FuncType | None:
        imported = self._imported[0]
        if index < len(imported):
            return self.type(imported[index])
        place = index - len(imported)
        return self.of_body(place) if place < len(self._indices) else None

    def width(self, index: int) -> int:
        globals_ = self._imported[1]
        return globals_[index] if index < len(globals_) else 1

    @functools.cached_property
    def _imported(self) -> tuple[list[int], list[int]]:
        """The types of imported functions, and the cells of all globals."""
        functions, globals_ = [], []
        section = self._module.find(SectionId.IMPORT)
        for group in groups(section) if section else ():
            for item in group.imports:
                if item.extern.is_func:
                    functions.append(item.extern.type_index or 0)
                elif item.extern.kind is ExternKind.GLOBAL:
                    cursor = Cursor(self._module.data, item.extern_start + 1, item.extern_end)
                    globals_.append(cells((value_type(cursor),)))
        if section := self._module.find(SectionId.GLOBAL):
            cursor = section.cursor()
            for _ in range(cursor.count("globals")):
                globals_.append(cells((value_type(cursor),)))
                cursor.byte()
                in_expression(cursor, {}, 0)
        return functions, globals_


class _Frame(NamedTuple):
    """The cells of 32 bits that a function takes, at least, and where it is in the file."""

    cells: int
    start: int


_FOUND: WeakKeyDictionary[Module, _Frame] = WeakKeyDictionary()
"""A module is held against many hosts, and read once."""


def largest_frame(module: Module) -> _Frame:
    """That of the function which takes most: for its parameters and local variables, for its
    constants, each once, and in a long function for results that it holds at a time.

    Raises MalformedModule for what cannot be read.
    """
    if module not in _FOUND:
        _FOUND[module] = _read(module)
    return _FOUND[module]


class Wanted(NamedTuple):
    """The bytes that a function at `start` takes of a stack, and a size of the stack that is enough
    for this one."""

    taken: int
    enough: int
    start: int


_CELL = 4
"""Bytes."""


def wanted_stack(module: Module, stack_bytes: int) -> Wanted | None:
    """What a module wants of a stack where `stack_bytes` by default are too few: a frame takes half
    of them at most. None where they are not, or there is no such stack and they are 0.

    Raises MalformedModule for what cannot be read.
    """
    if not stack_bytes:
        return None
    frame = largest_frame(module)
    taken = frame.cells * _CELL
    if taken <= stack_bytes // 2:
        return None
    return Wanted(taken, 1 << (2 * taken + stack_bytes).bit_length(), frame.start)


def _read(module: Module) -> _Frame:
    indices, bodies = defined_functions(module)
    around = Surroundings(module, indices)
    largest = _Frame(0, 0)
    for place in range(len(bodies)):
        body = bodies[place]
        cursor = Cursor(bodies.data, body.content, body.end)
        variables = []
        for _ in range(cursor.count("local variables")):
            count = cursor.u32()
            variables.append((count, cells((value_type(cursor),))))
        type_ = around.of_body(place)
        params = [cells((spelled,)) for spelled in type_.params] if type_ else []
        taken = sum(params) + sum(count * width for count, width in variables)
        if taken <= MOST_SLOTS < (body.end - cursor.pos) * max(around.widest, 4) // 2:
            widths = params + [width for count, width in variables for _ in range(count)]
            inside = Cursor(bodies.data, cursor.pos, body.end)
            taken = max(taken, depths(inside, widths, around).slots)
        if taken + _at_most(cursor, body) > _SMALL:
            taken += _constants(cursor, body)
        if taken > largest.cells:
            largest = _Frame(taken, body.start)
    return largest


_I64, _F64 = 0x42, 0x44


def _at_most(cursor: Cursor, body: Body) -> int:
    """The cells of constants, as if each byte that could be one's opcode was one."""
    if body.end - cursor.pos <= _SMALL // 2:
        return body.end - cursor.pos
    code = cursor.data[cursor.pos : body.end]
    return sum(code.count(op) * width for op, width in ((b"A", 1), (b"B", 2), (b"C", 1), (b"D", 2)))


@functools.cache
def _constant() -> re.Pattern[bytes]:
    return re.compile(rb"([\x41\x42]%b|\x43.{4}|\x44.{8})" % LEB, re.DOTALL)


def _constants(cursor: Cursor, body: Body) -> int:
    """The cells of all different ones, up to an instruction that is not known. One that is spelled
    in two ways counts twice."""
    found: set[bytes] = set()
    constant, others = _constant(), skip(frozenset(), 1)
    while cursor.pos < body.end:
        if matched := constant.match(cursor.data, cursor.pos, body.end):
            found.add(matched[0])
        elif not (matched := others.match(cursor.data, cursor.pos, body.end)):
            if cursor.data[cursor.pos] != BR_TABLE:
                break
            cursor.byte()
            for _ in range(cursor.count("labels") + 1):
                cursor.u32()
            continue
        cursor.pos = matched.end()
    return sum(2 if each[0] in (_I64, _F64) else 1 for each in found)

"""The stack that functions need in WAMR's interpreter.

Source: https://github.com/bytecodealliance/wasm-micro-runtime, core/iwasm/interpreter
(wasm_interp_fast.c: the frame of a call; wasm_loader.c: wasm_loader_get_const_offset).
"""

from __future__ import annotations

import functools
import re
from array import array
from collections.abc import Sequence
from operator import add
from typing import NamedTuple
from weakref import WeakKeyDictionary

from rewriter.functions.code import Bodies, Body, defined_functions
from rewriter.functions.depth import MOST_SLOTS, depths
from rewriter.functions.features import cells, in_expression
from rewriter.functions.instructions import ALL, BR_TABLE, LEB, several
from rewriter.functions.survey.small_cells import not_small, small_cells
from rewriter.wasm.imports import ExternKind, imports_of
from rewriter.wasm.module import Module
from rewriter.wasm.reader import Cursor
from rewriter.wasm.sections import SectionId
from rewriter.wasm.types import FuncType, value_type

__all__ = ["Surroundings", "Wanted", "largest_frame", "wanted_stack"]

_SMALL = 2048
"""In 32-bit cells. Constants are not counted in frames up to this size, because frames that small
do not exhaust the stack of any host."""


class Surroundings:
    """The types, functions and globals of a module: an implementation of
    rewriter.functions.depth.Around. Few modules have bodies that need it."""

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
        """The type indices of imported functions, and the number of cells of each global."""
        functions, globals_ = [], []
        for _, item in imports_of(self._module):
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
    """The least number of 32-bit cells that a function takes, and its position in the file."""

    cells: int
    start: int


_FOUND: WeakKeyDictionary[Module, _Frame] = WeakKeyDictionary()
"""A cache, because a module is checked against many hosts."""


def largest_frame(module: Module) -> _Frame:
    """The largest frame of any function. A frame holds the parameters and local variables, each
    different constant once, and in a long function the results that are held at a time.

    Raises MalformedModule if the module cannot be read.
    """
    if module not in _FOUND:
        _FOUND[module] = _read(module)
    return _FOUND[module]


class Wanted(NamedTuple):
    """The stack that the function at `start` takes, and a stack size that is enough for it, both in
    bytes."""

    taken: int
    enough: int
    start: int


_CELL = 4
"""Bytes."""


def wanted_stack(module: Module, stack_bytes: int) -> Wanted | None:
    """The stack that a module needs if the default of `stack_bytes` is too small for it: one frame
    may take at most half of the stack. None if the default is enough, or is 0 because the host does
    not have such a stack.

    Raises MalformedModule if the module cannot be read.
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
    if around.widest <= _SMALL_RESULTS:
        largest, others = _small_frames(indices, bodies, around)
    else:
        largest, others = _Frame(0, 0), range(len(bodies))
    for place in others:
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


def _small_frames(
    indices: Sequence[int], bodies: Bodies, around: Surroundings
) -> tuple[_Frame, Sequence[int]]:
    """The first of the largest frames of small bodies, which their parameters and local variables
    take, and the numbers of the other bodies."""
    types = ((index, around.type(index)) for index in set(indices))
    params = {index: cells(found.params) if found else 0 for index, found in types}
    taken = list(map(add, map(params.__getitem__, indices), small_cells(bodies)))
    sizes = array("I", bodies.sizes)
    longest = (_SMALL - max(taken, default=0)) // _WIDEST
    long = [place for place, size in enumerate(sizes) if size > longest]
    others = {place for place in long if taken[place] + _WIDEST * sizes[place] > _SMALL}
    others.update(not_small(bodies))
    for place in others:
        taken[place] = 0
    most = max(taken, default=0)
    return _Frame(most, bodies[taken.index(most)].start if most else 0), sorted(others)


_SMALL_RESULTS = 32
"""In cells. With results up to this size, a body of at most _SMALL // 2 bytes has few operands."""

_WIDEST = 2
"""The most cells of a constant, which takes at least as many bytes."""

_I64, _F64 = 0x42, 0x44


def _at_most(cursor: Cursor, body: Body) -> int:
    """An upper bound for the cells of constants: every byte that may be the opcode of a constant
    counts as one."""
    if body.end - cursor.pos <= _SMALL // 2:
        return body.end - cursor.pos
    code = cursor.data[cursor.pos : body.end]
    return sum(code.count(op) * width for op, width in ((b"A", 1), (b"B", 2), (b"C", 1), (b"D", 2)))


@functools.cache
def _next_constant() -> re.Pattern[bytes]:
    """Matches instructions up to a constant, and the constant as a group."""
    others = rb"(?![\x41-\x44])(?:%b)" % b"|".join(ALL)
    return several(others, 0, rb"([\x41\x42]%b|\x43.{4}|\x44.{8})?" % LEB)


def _constants(cursor: Cursor, body: Body) -> int:
    """The cells of all different constants, up to the first unknown instruction. A constant that is
    encoded in two ways counts twice."""
    found: set[bytes] = set()
    following = _next_constant()
    while cursor.pos < body.end:
        matched = following.match(cursor.data, cursor.pos, body.end)
        if matched and matched.end() > cursor.pos:
            cursor.pos = matched.end()
            if matched[1] is not None:
                found.add(matched[1])
            continue
        if cursor.data[cursor.pos] != BR_TABLE:
            break
        cursor.byte()
        for _ in range(cursor.count("labels") + 1):
            cursor.u32()
    return sum(2 if each[0] in (_I64, _F64) else 1 for each in found)

"""Where a module's functions are called, and what those that are called do."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

from rewriter.constants.decoding import Code, NotFollowed, decode, number_at
from rewriter.constants.following import follow
from rewriter.constants.state import Budget, Callee, Effect, Followed, Surroundings
from rewriter.errors import MalformedModule, ModuleError
from rewriter.functions.code import body_references, constant_expression, defined_functions
from rewriter.functions.references import REFERRING_SECTIONS, section_references
from rewriter.wasm.module import Module
from rewriter.wasm.sections import SectionId
from rewriter.wasm.types import FuncType, value_type

__all__ = ["Calls", "Functions", "Imported", "StandIn"]

_STEPS = 250_000
"""Instructions that are decoded and followed in one module: about a second."""

_DEEPEST = 3
"""Functions in functions that are looked through for what they do to memory."""

_LONGEST_SILENT = 400
"""Bytes of the body of one."""

_CALL, _RETURN_CALL = 0x10, 0x12


class Imported(NamedTuple):
    """An imported function; `number_of_globals` are of imports."""

    type: FuncType
    effect: Effect


class StandIn(NamedTuple):
    """A function that a module defines, and calls in the place of an import, the index of which is
    `before`. What it does is known, and nobody calls it by the exports that end at these offsets,
    in bytes."""

    before: int
    effect: Effect
    exports: Collection[int] = ()


class Calls(NamedTuple):
    """Where functions are called: the indices of the functions that call each, and those that are
    named in another way, by which they can be called with anything."""

    callers: Mapping[int, list[int]]
    open: Collection[int]


class Functions:
    """The functions of a module whose first ones are `imported`. `imported_globals` counts the
    imported globals, `memory` is the one that is shared with the host. Some functions, by their
    indices, are `stand_ins`."""

    def __init__(
        self,
        module: Module,
        imported: list[Imported],
        imported_globals: int,
        memory: int,
        stand_ins: Mapping[int, StandIn],
    ) -> None:
        self._module = module
        self._imported = imported
        self._uncalled = {end for one in stand_ins.values() for end in one.exports}
        self._types, self._bodies = defined_functions(module)
        self._budget = Budget(_STEPS)
        self._effects = {index: one.effect for index, one in stand_ins.items()}
        self._depth = 0
        self._around = Surroundings(
            self._callee, self._type, dict(_fixed_globals(module, imported_globals)), memory
        )

    def calls_of(self, wanted: Collection[int]) -> Calls:
        """Who calls these functions."""
        callers: dict[int, list[int]] = {}
        named: set[int] = set()
        data = self._bodies.data
        places = self._places
        for body, references in body_references(self._bodies, len(self._bodies), wanted):
            caller = places[body.start]
            for reference in references:
                if data[reference.start - 1] in (_CALL, _RETURN_CALL):
                    known = callers.setdefault(reference.index, [])
                    if caller not in known:
                        known.append(caller)
                else:
                    named.add(reference.index)
        for section_id in REFERRING_SECTIONS:
            if section := self._module.find(section_id):
                references = section_references(section, wanted)
                named.update(r.index for r in references if r.end not in self._uncalled)
        return Calls(callers, named)

    def follow(self, index: int, wanted: Collection[int]) -> Followed | None:
        """What is known where function `index` calls those that are wanted; None where it cannot be
        followed."""
        try:
            return self._follow(index, wanted, self._budget)
        except (ModuleError, NotFollowed):
            return None

    def start_of(self, index: int) -> int:
        """Where the body of a function stands, in bytes."""
        return self._bodies[index - len(self._imported)].content

    def _follow(self, index: int, wanted: Collection[int], budget: Budget) -> Followed:
        budget.take(0)
        code, func_type = self._code(index), self._type_of_function(index)
        budget.take(len(code.instructions))
        return follow(code, func_type, self._around, wanted, budget)

    def _code(self, index: int) -> Code:
        body = self._bodies[index - len(self._imported)]
        return decode(self._bodies.data, body, self._module.types)

    @cached_property
    def _places(self) -> Mapping[int, int]:
        first = len(self._imported)
        return {self._bodies[i].start: first + i for i in range(len(self._bodies))}

    def _type(self, index: int) -> FuncType:
        found = (
            self._module.types.of_function(index, 0) if index < len(self._module.types) else None
        )
        if found is None:
            raise MalformedModule(f"a call has type {index}, which no function has", 0)
        return found

    def _type_of_function(self, index: int) -> FuncType:
        if index < len(self._imported):
            return self._imported[index].type
        place = index - len(self._imported)
        if place >= len(self._types):
            raise MalformedModule(f"function {index} is called, and is not there", 0)
        return self._type(self._types[place])

    def _callee(self, index: int) -> Callee:
        if index < len(self._imported):
            return Callee(*self._imported[index])
        return Callee(self._type_of_function(index), self._effect(index))

    def _effect(self, index: int) -> Effect:
        """Whether a function does anything to memory; a long one is taken to do so."""
        known = self._effects.get(index)
        if known is not None:
            return known
        body = self._bodies[index - len(self._imported)]
        if self._depth >= _DEEPEST or body.end - body.content > _LONGEST_SILENT:
            return Effect.ANY
        self._effects[index] = Effect.ANY  # to itself, and if it cannot be followed
        self._depth += 1
        try:
            if self._follow(index, (), self._budget).silent:
                self._effects[index] = Effect.NOTHING
        except (ModuleError, NotFollowed):
            pass
        finally:
            self._depth -= 1
        return self._effects[index]


def _fixed_globals(module: Module, imported: int) -> Iterator[tuple[int, int]]:
    """The globals that are always one number."""
    section = module.find(SectionId.GLOBAL)
    if section is None:
        return
    cursor = section.cursor()
    for place in range(cursor.items("globals")):
        kind, mutable = value_type(cursor), cursor.byte()
        start = cursor.pos
        constant_expression(cursor, ())
        if (
            not mutable
            and kind == "i32"
            and (value := number_at(cursor.data, start, cursor.pos)) is not None
        ):
            yield imported + place, value

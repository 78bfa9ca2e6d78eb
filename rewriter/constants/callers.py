"""Finds where a module's functions are called, and what the called functions do to memory."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Set
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
"""The most instructions that are decoded and followed in one module. They take about a second."""

_DEEPEST = 3
"""The deepest nesting of calls that is followed to find the effect of a function on memory."""

_LONGEST_SILENT = 400
"""The longest body, in bytes, of a function whose effect is looked for."""

_CALL, _RETURN_CALL = 0x10, 0x12


class Imported(NamedTuple):
    """An imported function: its type and its effect on memory."""

    type: FuncType
    effect: Effect


class StandIn(NamedTuple):
    """A function that a module defines and calls instead of an import: an adapter.

    `before` is the index of the import, and `effect` the known effect of the function. `exports`
    are the end offsets, in bytes, of exports through which it is never called.
    """

    before: int
    effect: Effect
    exports: Collection[int] = ()


class Calls(NamedTuple):
    """The calls of functions. `callers` has the indices of the functions that call each function.
    `open` has the functions that are referred to in other ways, through which they can be called
    with any arguments."""

    callers: Mapping[int, list[int]]
    open: Collection[int]


class _Once(NamedTuple):
    """The result of following a function, and the `steps` that it took, without those to find the
    effects of the functions that it calls, which are found once."""

    wanted: Set[int]
    found: Followed | None
    steps: int


class Functions:
    """The functions of a module. The first ones are `imported`. `imported_globals` is the number of
    imported globals, and `memory` the index of the memory that is shared with the host.
    `stand_ins` are adapters by function index."""

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
        self._followed: dict[int, _Once] = {}
        self._depth = 0
        self._for_effects = 0
        self._around = Surroundings(
            self._callee, self._type, dict(_fixed_globals(module, imported_globals)), memory
        )

    def calls_of(self, wanted: Collection[int]) -> Calls:
        """The calls of these functions."""
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

    def follow(self, index: int, wanted: Set[int]) -> Followed | None:
        """What is known at each call of a `wanted` function in function `index`, or None if that
        function cannot be followed. All callers share the budget, as if each followed it anew."""
        once = self._followed.get(index)
        if once is None or not wanted <= once.wanted:
            once = self._followed[index] = self._follow_once(index, wanted)
        else:
            self._budget.left -= once.steps
        return once.found if self._budget.left > 0 else None

    def _follow_once(self, index: int, wanted: Set[int]) -> _Once:
        left, for_effects = self._budget.left, self._for_effects
        try:
            found = self._follow(index, wanted, self._budget)
        except (ModuleError, NotFollowed):
            found = None
        steps = left - self._budget.left - (self._for_effects - for_effects)
        return _Once(wanted, found, steps)

    def start_of(self, index: int) -> int:
        """The position of a function's body in bytes."""
        return self._bodies[index - len(self._imported)].content

    def _follow(self, index: int, wanted: Collection[int], budget: Budget) -> Followed:
        budget.take(0)
        code, func_type = self._code(index), self._type_of_function(index)
        budget.take(len(code.instructions))
        return follow(code, func_type, self._around, wanted, budget)

    def _code(self, index: int) -> Code:
        body = self._bodies[index - len(self._imported)]
        return decode(self._bodies.data[body.content : body.end], self._module.types)

    @cached_property
    def _places(self) -> Mapping[int, int]:
        first = len(self._imported)
        return {self._bodies[i].start: first + i for i in range(len(self._bodies))}

    def _type(self, index: int) -> FuncType:
        found = (
            self._module.types.of_function(index, 0) if index < len(self._module.types) else None
        )
        if found is None:
            raise MalformedModule(f"a call has type {index}, which is not a function type", 0)
        return found

    def _type_of_function(self, index: int) -> FuncType:
        if index < len(self._imported):
            return self._imported[index].type
        place = index - len(self._imported)
        if place >= len(self._types):
            raise MalformedModule(f"function {index} is called, but does not exist", 0)
        return self._type(self._types[place])

    def _callee(self, index: int) -> Callee:
        if index < len(self._imported):
            return Callee(*self._imported[index])
        return Callee(self._type_of_function(index), self._effect(index))

    def _effect(self, index: int) -> Effect:
        """The effect of a function on memory. A long function is assumed to have any effect."""
        known = self._effects.get(index)
        if known is not None:
            return known
        body = self._bodies[index - len(self._imported)]
        if self._depth >= _DEEPEST or body.end - body.content > _LONGEST_SILENT:
            return Effect.ANY
        self._effects[index] = Effect.ANY  # for recursive calls, and if it cannot be followed
        self._depth += 1
        left = self._budget.left
        try:
            if self._follow(index, (), self._budget).silent:
                self._effects[index] = Effect.NOTHING
        except (ModuleError, NotFollowed):
            pass
        finally:
            self._depth -= 1
            if not self._depth:
                self._for_effects += left - self._budget.left
        return self._effects[index]


def _fixed_globals(module: Module, imported: int) -> Iterator[tuple[int, int]]:
    """The immutable globals whose value is a constant, by index."""
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

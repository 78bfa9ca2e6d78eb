"""Finds where a module's functions are called, and what the called functions do to memory."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Set
from typing import NamedTuple

from rewriter.constants.decoding import NotFollowed, decode, number_at
from rewriter.constants.following import follow
from rewriter.constants.state import Budget, Callee, Effect, Followed, Surroundings
from rewriter.errors import MalformedModule, ModuleError
from rewriter.functions.code import body_references, constant_expression, defined_functions
from rewriter.functions.references import REFERRING_SECTIONS, section_references
from rewriter.functions.survey.remembered import Remembered
from rewriter.wasm.module import Module
from rewriter.wasm.sections import SectionId
from rewriter.wasm.types import FuncType, value_type

__all__ = ["REMEMBERED", "Calls", "Functions", "Imported", "StandIn"]

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


class _Key(NamedTuple):
    """What following a function depends on, besides what it asks for: the bytes of its body, its
    type, the index of the memory, the immutable globals, and the functions whose calls count."""

    body: bytes
    type: FuncType
    memory: int
    fixed: frozenset[tuple[int, int]]
    wanted: frozenset[int]


class _Answers(NamedTuple):
    """The types and the called functions that a function asked for, by index, in order."""

    types: tuple[tuple[int, FuncType], ...]
    callees: tuple[tuple[int, Callee], ...]


class _Known(NamedTuple):
    """The result of following a function, and the steps that it took, without those for effects."""

    answers: _Answers
    found: Followed
    steps: int


REMEMBERED: Remembered[_Key, _Known] = Remembered(4 << 20)
_EACH_ANSWER, _EACH_CALL = 400, 20_000
"""Bytes that an answer and the snapshot of a call may take."""


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
        self._read_types: dict[int, FuncType] = {}
        self._depth = 0
        self._own_steps = self._steps_inside = 0
        """The steps of the function that was followed last, and of those inside the current one."""
        fixed = dict(_fixed_globals(module, imported_globals))
        self._fixed = frozenset(fixed.items())
        self._around = Surroundings(self._callee, self._type, fixed, memory)

    def calls_of(self, wanted: Collection[int]) -> Calls:
        """The calls of these functions."""
        callers: dict[int, list[int]] = {}
        named: set[int] = set()
        data = self._bodies.data
        for body, references in body_references(self._bodies, len(self._bodies), wanted):
            caller = len(self._imported) + self._bodies.number_at(body.start)
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
        try:
            found = self._follow(index, frozenset(wanted))
        except (ModuleError, NotFollowed):
            found = None
        return _Once(wanted, found, self._own_steps)

    def follow_given(self, index: int, given: Mapping[int, int], wanted: Set[int]) -> Followed:
        """What is known at each call of a `wanted` function in function `index` where it gets the
        numbers `given` for parameters. Raises ModuleError or NotFollowed if that cannot be followed
        or read."""
        body = self._bodies[index - len(self._imported)]
        code = decode(self._bodies.data[body.content : body.end], self._type)
        self._budget.take(len(code.instructions))
        kind = self._type_of_function(index)
        return follow(code, kind, self._around, wanted, self._budget, given)

    def start_of(self, index: int) -> int:
        """The position of a function's body in bytes."""
        return self._bodies[index - len(self._imported)].content

    def _follow(self, index: int, wanted: frozenset[int]) -> Followed:
        """Follow a function, unless one with the same bytes was followed before, and got the same
        answers when it asked for types and effects. The steps are used up anyway."""
        left, steps_inside = self._budget.left, self._steps_inside
        self._own_steps = self._steps_inside = 0
        try:
            self._budget.take(0)
            body = self._bodies[index - len(self._imported)]
            code, func_type = (
                self._bodies.data[body.content : body.end],
                self._type_of_function(index),
            )
            key = _Key(code, func_type, self._around.memory, self._fixed, wanted)
            known = REMEMBERED.known.get(key)
            if known is not None and self._gives(known.answers):
                self._budget.take(known.steps)
                return known.found
            return self._anew(key)
        finally:
            taken = left - self._budget.left
            self._own_steps = taken - self._steps_inside
            self._steps_inside = steps_inside + taken

    def _anew(self, key: _Key) -> Followed:
        before = self._budget.left + self._steps_inside
        types: dict[int, FuncType] = {}
        callees: dict[int, Callee] = {}

        def type_of(index: int) -> FuncType:
            return types.get(index) or types.setdefault(index, self._type(index))

        def callee(index: int) -> Callee:
            return callees.get(index) or callees.setdefault(index, self._callee(index))

        code = decode(key.body, type_of)
        self._budget.take(len(code.instructions))
        around = self._around._replace(callee=callee, type_of=type_of)
        found = follow(code, key.type, around, key.wanted, self._budget)
        steps = before - self._budget.left - self._steps_inside
        answers = _Answers(tuple(types.items()), tuple(callees.items()))
        size = len(key.body) + _EACH_ANSWER * (len(types) + len(callees))
        REMEMBERED.keep(key, size + _EACH_CALL * len(found.calls), _Known(answers, found, steps))
        return found

    def _gives(self, answers: _Answers) -> bool:
        """Whether these are the answers of this module. They are looked for in the same order."""
        try:
            return all(self._type(index) == answer for index, answer in answers.types) and all(
                self._callee(index) == answer for index, answer in answers.callees
            )
        except ModuleError:
            return False

    def _type(self, index: int) -> FuncType:
        found = self._read_types.get(index)
        if found is None and index < len(self._module.types):
            found = self._module.types.of_function(index, 0)
        if found is None:
            raise MalformedModule(f"a call has type {index}, which is not a function type", 0)
        self._read_types[index] = found
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
        try:
            if self._follow(index, frozenset()).silent:
                self._effects[index] = Effect.NOTHING
        except (ModuleError, NotFollowed):
            pass
        finally:
            self._depth -= 1
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

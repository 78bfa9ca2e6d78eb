"""What is known at one place of a function, and what a function is followed with: values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import NamedTuple

from rewriter.constants.decoding import NotFollowed
from rewriter.constants.memory import Memory
from rewriter.constants.values import Origin, Root, Symbol, Value, join, mentions
from rewriter.wasm.types import FuncType

__all__ = ["Budget", "Callee", "Effect", "Followed", "Label", "Snapshot", "State", "Surroundings"]


class Label(NamedTuple):
    """What a branch out of a block does: goes on at place `to` with `arity` operands on the lowest
    `height` of before."""

    to: int
    height: int
    arity: int
    is_loop: bool


class State:
    """`globals` has those that were set; others are as the call at `called` has left them, or as
    when the function was entered if that is -1; None is not known. Of `made` are the instructions
    that have given what may still be known."""

    __slots__ = ("called", "globals", "labels", "locals", "made", "memory", "stack")

    def __init__(self, variables: list[Value]) -> None:
        self.locals = variables
        self.stack: list[Value] = []
        self.labels: tuple[Label, ...] = ()
        self.globals: dict[int, Value] = {}
        self.called: int | None = -1
        self.memory = Memory()
        self.made: set[int] = set()

    def copy(self) -> State:
        made = State(list(self.locals))
        made.stack = list(self.stack)
        made.labels, made.called = self.labels, self.called
        made.globals = dict(self.globals)
        made.memory = self.memory.copy()
        made.made = set(self.made)
        return made

    def get_global(self, index: int) -> Value:
        """A global that can be set."""
        if index in self.globals:
            return self.globals[index]
        if self.called is None:
            return None
        if self.called < 0:
            return Symbol(Origin(Root.GLOBAL, index))
        return Symbol(Origin(Root.MADE, self.called, of=index))

    def redefine(self, position: int) -> None:
        """The instruction there is executed, and what it gave before is no longer known."""
        if position not in self.made:
            self.made.add(position)
            return
        for values in (self.locals, self.stack):
            for place, value in enumerate(values):
                if mentions(value, position):
                    values[place] = None
        for index, value in self.globals.items():
            if mentions(value, position):
                self.globals[index] = None
        if self.called == position:
            self.called = None
        self.memory.redefine(position)

    def join(self, other: State) -> bool:
        """Keep what is so of both; whether that is less than it was."""
        changed = False
        self.made |= other.made
        for mine, its in ((self.locals, other.locals), (self.stack, other.stack)):
            if mine == its:
                continue
            for place, (one, two) in enumerate(zip(mine, its, strict=True)):
                if one != two and (now := join(one, two)) != one:
                    mine[place] = now
                    changed = True
        for index in {**self.globals, **other.globals}:
            was, now = self.get_global(index), join(self.get_global(index), other.get_global(index))
            if now != was or index not in self.globals:
                changed |= now != was
                self.globals[index] = now
        if self.called not in (other.called, None):
            self.called = None
            changed = True
        return self.memory.join(other.memory) or changed


class Effect(Enum):
    """What a function that is called does to memory that its caller knows of."""

    ANY = "anything that it has an address of"
    NOTHING = "nothing"
    HANDLE = "four bytes at its last argument"
    OUTPUT = "bytes at its third argument and at its last one"


class Callee(NamedTuple):
    """A function that is called."""

    type: FuncType
    effect: Effect


class Budget:
    """How many instructions may still be followed in a module."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def take(self, steps: int) -> None:
        """Raises NotFollowed where there are not so many left."""
        self.left -= steps
        if self.left <= 0:
            raise NotFollowed("too many instructions to follow")


class Surroundings(NamedTuple):
    """What a module has around a function: those that it calls, by index; the types of functions
    by the index of the type; the globals that are always one number; the memory that counts."""

    callee: Callable[[int], Callee]
    type_of: Callable[[int], FuncType]
    fixed: Mapping[int, int]
    memory: int


class Snapshot(NamedTuple):
    """What is known before a call, which stands at `at` in the file, and its arguments."""

    at: int
    arguments: tuple[Value, ...]
    state: State


class Followed(NamedTuple):
    """`calls` by where they stand; `silent` says that the function stores to nothing, leaves all
    globals as they were, and calls only such functions."""

    calls: Mapping[int, Snapshot]
    silent: bool

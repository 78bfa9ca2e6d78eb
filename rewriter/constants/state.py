"""The state of following a function: what is known at one place, and the data around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import NamedTuple

from rewriter.constants.decoding import NotFollowed
from rewriter.constants.memory import Memory
from rewriter.constants.values import Origin, Root, Symbol, Value, join, mentions
from rewriter.wasm.types import FuncType

__all__ = ["Budget", "Callee", "Effect", "Followed", "Label", "Snapshot", "State", "Surroundings"]


Label = tuple[int, int, int, bool]
"""The target of a branch: the place at which it goes on; the number of operands at the bottom of
the stack that stay; the number at the top that are put on these; and whether it is a loop."""


class State:
    """What is known at one place.

    `globals` has the globals that were set. The others are as the call at position `called` left
    them, as at the entry of the function if `called` is -1, and unknown if it is None. `made` has
    the positions of instructions whose results may still be known.
    """

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
        made = self.view(list(self.stack), self.labels)
        made.locals = list(self.locals)
        made.globals = dict(self.globals)
        made.memory = self.memory.copy()
        made.made = set(self.made)
        return made

    def view(self, stack: list[Value], labels: tuple[Label, ...]) -> State:
        """The same state with another stack and other labels. It shares the rest, so only one of
        the two may be changed."""
        made: State = State.__new__(State)
        made.locals, made.globals, made.called = self.locals, self.globals, self.called
        made.memory, made.made = self.memory, self.made
        made.stack, made.labels = stack, labels
        return made

    def get_global(self, index: int) -> Value:
        """The value of a mutable global."""
        if index in self.globals:
            return self.globals[index]
        if self.called is None:
            return None
        if self.called < 0:
            return Symbol(Origin(Root.GLOBAL, index))
        return Symbol(Origin(Root.MADE, self.called, of=index))

    def redefine(self, position: int) -> None:
        """Forget the previous result of the instruction at a position, which is executed now."""
        if position not in self.made:
            self.made.add(position)
            return
        for values in (self.locals, self.stack):
            for place, value in enumerate(values):
                if value is not None and type(value) is not int and mentions(value, position):
                    values[place] = None
        for index, value in self.globals.items():
            if mentions(value, position):
                self.globals[index] = None
        if self.called == position:
            self.called = None
        self.memory.redefine(position)

    def join(self, other: State) -> bool:
        """Keep what is true in both. Returns whether less is known than before."""
        changed = False
        self.made |= other.made
        for mine, its in ((self.locals, other.locals), (self.stack, other.stack)):
            if mine == its:
                continue
            for place, (one, two) in enumerate(zip(mine, its, strict=True)):
                if one != two and (now := join(one, two)) != one:
                    mine[place] = now
                    changed = True
        both = {**self.globals, **other.globals} if self.globals or other.globals else ()
        for index in both:
            was, now = self.get_global(index), join(self.get_global(index), other.get_global(index))
            if now != was or index not in self.globals:
                changed |= now != was
                self.globals[index] = now
        if self.called not in (other.called, None):
            self.called = None
            changed = True
        return self.memory.join(other.memory) or changed


class Effect(Enum):
    """The effect of a called function on memory that its caller knows of."""

    ANY = "anything that it has an address of"
    NOTHING = "nothing"
    HANDLE = "four bytes at its last argument"
    OUTPUT = "bytes at its third argument and at its last one"


class Callee(NamedTuple):
    """A called function: its type and its effect on memory."""

    type: FuncType
    effect: Effect


class Budget:
    """The number of instructions that may still be followed in a module."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def take(self, steps: int) -> None:
        """Use up `steps`. Raises NotFollowed if nothing is left, then and ever after. So the order
        in which steps are used up does not matter."""
        self.left -= steps
        if self.left <= 0:
            raise NotFollowed("too many instructions to follow")


class Surroundings(NamedTuple):
    """The module around a function: the functions that it calls, by index; function types by type
    index; the values of constant globals; and the index of the memory that is followed."""

    callee: Callable[[int], Callee]
    type_of: Callable[[int], FuncType]
    fixed: Mapping[int, int]
    memory: int


class Snapshot(NamedTuple):
    """What is known before a call: the index of the called function, the call's offset in bytes
    from the start of the calling function's body, the arguments, and the state."""

    function: int
    at: int
    arguments: tuple[Value, ...]
    state: State


class Followed(NamedTuple):
    """The result of following a function. `calls` are by their offset. `silent` says that the
    function does not store to memory, leaves all globals as they were, and calls only such
    functions."""

    calls: Mapping[int, Snapshot]
    silent: bool

"""What a function is followed with, and what is found: values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import NamedTuple

from rewriter.constants.decoding import NotFollowed
from rewriter.constants.state import State
from rewriter.constants.values import Value
from rewriter.wasm.types import FuncType

__all__ = ["Budget", "Callee", "Effect", "Followed", "Snapshot", "Surroundings"]


class Effect(Enum):
    """What a function that is called does to memory that its caller knows of."""

    ANY = "anything that it has an address of"
    NOTHING = "nothing, and what it returns has no address"
    SILENT = "nothing, and it may return an address that it was given"
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
        if self.left < 0:
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
    """`calls` by where they stand; `silent` says that the function stores to nothing but its own
    frame, and calls only such functions."""

    calls: Mapping[int, Snapshot]
    silent: bool

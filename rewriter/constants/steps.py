"""The effects of instructions that do not branch: on operands, variables and memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from rewriter.constants.arithmetic import binary, extended, select, unary
from rewriter.constants.decoding import (
    EFFECTS,
    LANE_STORES,
    LAST_VECTOR,
    LOADS,
    STORES,
    Instruction,
    Op,
)
from rewriter.constants.state import Callee, Effect, Snapshot, State, Surroundings
from rewriter.constants.values import (
    Origin,
    Root,
    Symbol,
    Value,
    bytes_of,
    joined,
)
from rewriter.wasm.types import FuncType

__all__ = ["HANDLERS", "Steps"]

_VECTORS_OF_ONE = frozenset(
    (
        *range(0x0F, 0x17),
        *(0x18, 0x19, 0x1B, 0x1D, 0x1F, 0x21, 0x4D, 0x53, 0x5E, 0x5F, *range(0x60, 0x65)),
        *(*range(0x67, 0x6B), 0x74, 0x75, 0x7A, *range(0x7C, 0x82), 0x83, 0x84),
        *(*range(0x87, 0x8B), 0x94, 0xA0, 0xA1, 0xA3, 0xA4, *range(0xA7, 0xAB)),
        *(0xC0, 0xC1, 0xC3, 0xC4, *range(0xC7, 0xCB), 0xE0, 0xE1, 0xE3, 0xEC, 0xED, 0xEF),
        *(*range(0xF8, 0x100), *range(0x101, 0x105)),
    )
)
_VECTORS_OF_THREE = frozenset((0x52, *range(0x105, 0x10D), 0x113))
_VECTOR_LOADS = frozenset(0xFD00 + number for number in (*range(0x01, 0x0B), 0x5C, 0x5D))
"""Loads of less than a whole vector, and those that extend what they read."""


def _effect(opcode: int) -> tuple[int, int] | None:
    if opcode < 0xFD00 or opcode in (Op.V128_CONST, *LOADS, *STORES):
        return EFFECTS.get(opcode)
    number = opcode - 0xFD00
    if number in _VECTORS_OF_ONE or opcode in _VECTOR_LOADS:
        return 1, 1
    if opcode in LANE_STORES:
        return None
    return (3, 1) if number in _VECTORS_OF_THREE else (2, 1)


_TAKEN: Mapping[int, tuple[int, int]] = {
    opcode: taken
    for opcode in (*EFFECTS, *range(0xFD00, 0xFD01 + LAST_VECTOR))
    if (taken := _effect(opcode)) is not None
}
"""The number of operands and results of each instruction that does not write memory, except for
those that are handled one by one."""

_LARGEST_COPY = 64
"""The most bytes whose values are followed through `memory.copy`."""


class Steps:
    """Executes instructions one by one. `calls` are the calls of wanted functions by position.
    `silent` says that nothing was stored."""

    def __init__(self, around: Surroundings, wanted: Collection[int]) -> None:
        self._around = around
        self._wanted = wanted
        self.calls: dict[int, Snapshot] = {}
        self.silent = True

    def plain(self, instruction: Instruction, state: State) -> None:
        takes, gives = _TAKEN[instruction[0]]
        del state.stack[len(state.stack) - takes :]
        state.stack += [None] * gives

    def unary(self, instruction: Instruction, state: State) -> None:
        stack = state.stack
        stack.append(unary(instruction[0], stack.pop()))

    def binary(self, instruction: Instruction, state: State) -> None:
        stack = state.stack
        other, one = stack.pop(), stack.pop()
        stack.append(binary(instruction[0], one, other))

    def load_vector(self, _instruction: Instruction, state: State) -> None:
        state.stack[-1] = None

    def store_lane(self, _instruction: Instruction, state: State) -> None:
        del state.stack[-2:]
        self._forget(state)

    def globals(self, instruction: Instruction, state: State) -> None:
        opcode, _, index, _ = instruction
        if opcode == Op.GLOBAL_GET:
            fixed = self._around.fixed.get(index)
            state.stack.append(state.get_global(index) if fixed is None else fixed)
            return
        state.globals[index] = state.stack.pop()

    def constant(self, instruction: Instruction, state: State) -> None:
        state.stack.append(instruction[2])

    def drop(self, _instruction: Instruction, state: State) -> None:
        state.stack.pop()

    def select(self, _instruction: Instruction, state: State) -> None:
        condition, other, one = state.stack.pop(), state.stack.pop(), state.stack.pop()
        state.stack.append(select(one, other, condition))

    def bulk(self, instruction: Instruction, state: State) -> None:
        """memory.copy, .fill and .init."""
        size, source, to = state.stack.pop(), state.stack.pop(), state.stack.pop()
        memory = state.memory
        opcode, _, first, second = instruction
        into = second if opcode == Op.MEMORY_INIT else first
        if into != self._around.memory or not isinstance(size, int) or size > _LARGEST_COPY:
            self._forget(state)
        elif size:
            value: Value = None
            if opcode == Op.MEMORY_COPY and second == self._around.memory:
                value = memory.load(source, size)
            elif opcode == Op.MEMORY_FILL:
                value = joined(bytes_of(source, 1) * size)
            memory.store(to, size, value)
            self.silent = False

    def call(self, instruction: Instruction, state: State) -> None:
        _, at, index, _ = instruction
        callee = self._around.callee(index)
        arguments = self._arguments(callee.type, state)
        if index in self._wanted:
            self.calls[at] = Snapshot(index, at, arguments, state.copy())
        self._called(instruction, callee, arguments, state)

    def call_indirect(self, instruction: Instruction, state: State) -> None:
        state.stack.pop()
        callee = Callee(self._around.type_of(instruction[2]), Effect.ANY)
        self._called(instruction, callee, self._arguments(callee.type, state), state)

    def _called(
        self, instruction: Instruction, callee: Callee, arguments: tuple[Value, ...], state: State
    ) -> None:
        taken, at = callee.effect, instruction[1]
        if taken is Effect.HANDLE and arguments:
            state.memory.store(arguments[-1], 4, None)
            self.silent = False
        elif taken is not Effect.NOTHING:
            self._forget(state)
        if taken is Effect.ANY:
            state.globals = {}
        state.redefine(at)
        if taken is Effect.ANY:
            state.called = at
        for number, kind in enumerate(callee.type.results):
            made = Symbol(Origin(Root.MADE, at, of=-1 - number)) if kind == "i32" else None
            state.stack.append(made)

    def _arguments(self, func_type: FuncType, state: State) -> tuple[Value, ...]:
        first = len(state.stack) - len(func_type.params)
        if first < 0:
            raise IndexError(first)
        arguments = tuple(state.stack[first:])
        del state.stack[first:]
        return arguments

    def store(self, instruction: Instruction, state: State) -> None:
        value, address = state.stack.pop(), state.stack.pop()
        opcode, _, offset, memory = instruction
        if memory == self._around.memory:
            state.memory.store(address, STORES[opcode], value, offset)
            self.silent = False
        else:
            self._forget(state)

    def load(self, instruction: Instruction, state: State) -> None:
        opcode, at, offset, memory = instruction
        signed = LOADS[opcode]
        size = abs(signed)
        address = state.stack.pop()
        value: Value = None
        if memory == self._around.memory:
            value = state.memory.load(address, size, offset)
        width = 8 if 0x30 <= opcode <= 0x35 else 4
        if size < width and signed > 0:
            value = joined((*bytes_of(value, size), *(0,) * (width - size)))
        elif size < width:
            value = extended(value, 8 * size, 8 * width)
        if value is None and size in (4, 8) and opcode in (0x28, 0x29):
            state.redefine(at)
            value = Symbol(Origin(Root.MADE, at))
        state.stack.append(value)

    def _forget(self, state: State) -> None:
        """Note a store to an unknown address, or to a memory that may be the followed one under
        another index."""
        state.memory.forget()
        self.silent = False


_Handler = Callable[[Steps, Instruction, State], None]

_BY_EFFECT: Mapping[tuple[int, int], _Handler] = {(1, 1): Steps.unary, (2, 1): Steps.binary}

HANDLERS: Mapping[int, _Handler] = {
    **{
        opcode: _BY_EFFECT.get(taken, Steps.plain)
        for opcode, taken in _TAKEN.items()
        if opcode != Op.UNREACHABLE
    },
    **dict.fromkeys(LANE_STORES, Steps.store_lane),
    **dict.fromkeys(_VECTOR_LOADS, Steps.load_vector),
    **dict.fromkeys(STORES, Steps.store),
    **dict.fromkeys(LOADS, Steps.load),
    Op.CALL: Steps.call,
    Op.CALL_INDIRECT: Steps.call_indirect,
    Op.DROP: Steps.drop,
    Op.SELECT: Steps.select,
    Op.GLOBAL_GET: Steps.globals,
    Op.GLOBAL_SET: Steps.globals,
    **dict.fromkeys(
        (Op.I32_CONST, Op.I64_CONST, Op.F32_CONST, Op.F64_CONST, Op.V128_CONST), Steps.constant
    ),
    **dict.fromkeys((Op.MEMORY_INIT, Op.MEMORY_COPY, Op.MEMORY_FILL), Steps.bulk),
}
"""The instructions that do not branch, except for those that access local variables."""

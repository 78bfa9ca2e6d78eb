"""The effects of instructions that do not branch: on operands, variables and memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from rewriter.constants.arithmetic import binary, extended, select, unary
from rewriter.constants.decoding import LOADS, STORES, VECTOR_LOADS, Instruction, Op, effect
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

__all__ = ["Steps"]

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

    def step(self, instruction: Instruction, state: State) -> None:
        """Execute an instruction that does not branch, or a call."""
        handler = _HANDLERS.get(instruction.opcode, Steps.plain)
        handler(self, instruction, state)

    def plain(self, instruction: Instruction, state: State) -> None:
        taken = effect(instruction.opcode)
        stack = state.stack
        opcode = instruction.opcode
        if opcode in STORES:
            value, address = stack.pop(), stack.pop()
            self._store(instruction, state, address, value)
        elif opcode in LOADS:
            self._load(instruction, state)
        elif taken is None:  # a store of a vector lane
            del stack[-2:]
            self._forget(state)
        elif opcode in VECTOR_LOADS:
            stack[-1] = None
        elif taken == (1, 1):
            stack.append(unary(opcode, stack.pop()))
        elif taken == (2, 1):
            other, one = stack.pop(), stack.pop()
            stack.append(binary(opcode, one, other))
        else:
            takes, gives = taken
            del stack[len(stack) - takes :]
            stack += [None] * gives

    def local(self, instruction: Instruction, state: State) -> None:
        if instruction.opcode == Op.LOCAL_GET:
            state.stack.append(state.locals[instruction.first])
        elif instruction.opcode == Op.LOCAL_SET:
            state.locals[instruction.first] = state.stack.pop()
        else:
            state.locals[instruction.first] = state.stack[-1]

    def globals(self, instruction: Instruction, state: State) -> None:
        index = instruction.first
        if instruction.opcode == Op.GLOBAL_GET:
            fixed = self._around.fixed.get(index)
            state.stack.append(state.get_global(index) if fixed is None else fixed)
            return
        state.globals[index] = state.stack.pop()

    def constant(self, instruction: Instruction, state: State) -> None:
        state.stack.append(instruction.first)

    def drop(self, _instruction: Instruction, state: State) -> None:
        state.stack.pop()

    def select(self, _instruction: Instruction, state: State) -> None:
        condition, other, one = state.stack.pop(), state.stack.pop(), state.stack.pop()
        state.stack.append(select(one, other, condition))

    def bulk(self, instruction: Instruction, state: State) -> None:
        """memory.copy, .fill and .init."""
        size, source, to = state.stack.pop(), state.stack.pop(), state.stack.pop()
        memory, opcode = state.memory, instruction.opcode
        into = instruction.second if opcode == Op.MEMORY_INIT else instruction.first
        if into != self._around.memory or not isinstance(size, int) or size > _LARGEST_COPY:
            self._forget(state)
        elif size:
            value: Value = None
            if opcode == Op.MEMORY_COPY and instruction.second == self._around.memory:
                value = memory.load(source, size)
            elif opcode == Op.MEMORY_FILL:
                value = joined(bytes_of(source, 1) * size)
            memory.store(to, size, value)
            self.silent = False

    def call(self, instruction: Instruction, state: State) -> None:
        index = instruction.first
        callee = self._around.callee(index)
        arguments = self._arguments(callee.type, state)
        if index in self._wanted:
            self.calls[instruction.at] = Snapshot(instruction.at, arguments, state.copy())
        self._called(instruction, callee, arguments, state)

    def call_indirect(self, instruction: Instruction, state: State) -> None:
        state.stack.pop()
        callee = Callee(self._around.type_of(instruction.first), Effect.ANY)
        self._called(instruction, callee, self._arguments(callee.type, state), state)

    def _called(
        self, instruction: Instruction, callee: Callee, arguments: tuple[Value, ...], state: State
    ) -> None:
        taken = callee.effect
        if taken is Effect.HANDLE and arguments:
            state.memory.store(arguments[-1], 4, None)
            self.silent = False
        elif taken is not Effect.NOTHING:
            self._forget(state)
        if taken is Effect.ANY:
            state.globals = {}
        state.redefine(instruction.at)
        if taken is Effect.ANY:
            state.called = instruction.at
        for number, kind in enumerate(callee.type.results):
            made = Symbol(Origin(Root.MADE, instruction.at, of=-1 - number))
            state.stack.append(made if kind == "i32" else None)

    def _arguments(self, func_type: FuncType, state: State) -> tuple[Value, ...]:
        first = len(state.stack) - len(func_type.params)
        if first < 0:
            raise IndexError(first)
        arguments = tuple(state.stack[first:])
        del state.stack[first:]
        return arguments

    def _store(self, instruction: Instruction, state: State, address: Value, value: Value) -> None:
        if instruction.second == self._around.memory:
            state.memory.store(address, STORES[instruction.opcode], value, instruction.first)
            self.silent = False
        else:
            self._forget(state)

    def _load(self, instruction: Instruction, state: State) -> None:
        signed = LOADS[instruction.opcode]
        size = abs(signed)
        address = state.stack.pop()
        value: Value = None
        if instruction.second == self._around.memory:
            value = state.memory.load(address, size, instruction.first)
        width = 8 if 0x30 <= instruction.opcode <= 0x35 else 4
        if size < width and signed > 0:
            value = joined((*bytes_of(value, size), *(0,) * (width - size)))
        elif size < width:
            value = extended(value, 8 * size, 8 * width)
        if value is None and size in (4, 8) and instruction.opcode in (0x28, 0x29):
            state.redefine(instruction.at)
            value = Symbol(Origin(Root.MADE, instruction.at))
        state.stack.append(value)

    def _forget(self, state: State) -> None:
        """Note a store to an unknown address, or to a memory that may be the followed one under
        another index."""
        state.memory.forget()
        self.silent = False


_Handler = Callable[[Steps, Instruction, State], None]

_HANDLERS: Mapping[int, _Handler] = {
    Op.CALL: Steps.call,
    Op.RETURN_CALL: Steps.call,
    Op.CALL_INDIRECT: Steps.call_indirect,
    Op.RETURN_CALL_INDIRECT: Steps.call_indirect,
    Op.DROP: Steps.drop,
    Op.SELECT: Steps.select,
    Op.LOCAL_GET: Steps.local,
    Op.LOCAL_SET: Steps.local,
    Op.LOCAL_TEE: Steps.local,
    Op.GLOBAL_GET: Steps.globals,
    Op.GLOBAL_SET: Steps.globals,
    **dict.fromkeys(
        (Op.I32_CONST, Op.I64_CONST, Op.F32_CONST, Op.F64_CONST, Op.V128_CONST), Steps.constant
    ),
    **dict.fromkeys((Op.MEMORY_INIT, Op.MEMORY_COPY, Op.MEMORY_FILL), Steps.bulk),
}

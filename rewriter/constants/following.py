"""Abstract interpretation of one function, to find what is known at its calls of wanted functions.

All paths through the function count. Where paths meet, values that differ become unknown. Loops are
repeated until nothing changes any more.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Callable, Collection, Mapping

from rewriter.constants.arithmetic import binary
from rewriter.constants.decoding import Code, Instruction, NotFollowed, Op
from rewriter.constants.state import Budget, Followed, State, Surroundings
from rewriter.constants.steps import HANDLERS, Steps
from rewriter.constants.values import MASK, Compared, Origin, Root, Symbol, Value, symbol
from rewriter.wasm.types import NUMBERS, FuncType

__all__ = ["follow"]

_MOST_VISITS = 100
"""The most visits to one place. A value that keeps changing would take long to become unknown."""


_NOTHING: Mapping[int, int] = {}


def follow(
    code: Code,
    func_type: FuncType,
    around: Surroundings,
    wanted: Collection[int],
    budget: Budget,
    given: Mapping[int, int] = _NOTHING,
) -> Followed:
    """Follow a function. `wanted` are the functions whose calls are looked for, and `given` are the
    numbers that it gets for some of its parameters, by index.

    Raises NotFollowed for a body that is invalid or takes too long.
    """
    try:
        return _Follower(code, func_type, around, wanted, budget, given).run()
    except (IndexError, ValueError) as error:
        raise NotFollowed("a function's operands do not fit its instructions") from error


class _Follower:
    def __init__(
        self,
        code: Code,
        func_type: FuncType,
        around: Surroundings,
        wanted: Collection[int],
        budget: Budget,
        given: Mapping[int, int],
    ) -> None:
        self._code, self._to, self._labels = code.instructions, code.to, code.labels
        self._steps = Steps(around, wanted)
        self._budget = budget
        self._pending: dict[int, State] = {}
        self._due: list[int] = []
        self._visits: dict[int, int] = {}
        self._meeting = sorted(self._meeting_places())
        params: list[Value] = [
            given.get(index, Symbol(Origin(Root.PARAMETER, index)))
            if kind in ("i32", "i64")
            else None
            for index, kind in enumerate(func_type.params)
        ]
        zeros: list[Value] = [0 if kind in (*NUMBERS, "v128") else None for kind in code.locals]
        self._first = State(params + zeros)
        end = len(code.instructions) - 1
        self._first.labels = ((end, 0, len(func_type.results), False),)

    def _meeting_places(self) -> set[int]:
        """The places where several paths may meet: the starts of loops, and after blocks."""
        found = set[int]()
        for place in self._to:
            opcode = self._code[place][0]
            if opcode == Op.LOOP:
                found.add(place + 1)
            elif opcode in (Op.BLOCK, Op.IF):
                found.add(self._end(place) + 1)
        return found

    def _end(self, place: int) -> int:
        """The end of the block that starts at a place."""
        to = self._to[place]
        is_if = self._code[place][0] == Op.IF
        return self._to[to - 1] if is_if and self._code[to - 1][0] == Op.ELSE else to

    def run(self) -> Followed:
        self._meet(0, self._first, is_own=True)
        while self._due:
            place = heapq.heappop(self._due)
            self._visits[place] = self._visits.get(place, 0) + 1
            if self._visits[place] > _MOST_VISITS:
                raise NotFollowed("a loop that changes too much")
            self._straight(place, self._pending[place].copy())
        self._budget.take(0)
        return Followed(self._steps.calls, self._steps.silent)

    def _meet(self, place: int, state: State, *, is_own: bool = False) -> None:
        """Merge the state of a path into the state at a place. The path ends there if the state
        `is_own`; otherwise it is not changed."""
        known = self._pending.get(place)
        self._budget.take(1 + (len(state.locals) + state.memory.size) // 8)
        if known is None:
            self._pending[place] = state if is_own else state.copy()
        elif not known.join(state):
            return
        if place not in self._due:
            heapq.heappush(self._due, place)

    def _straight(self, start: int, state: State) -> None:
        """Follow instructions until they branch, or until a place where paths meet."""
        number = bisect_right(self._meeting, start)
        end = self._meeting[number] if number < len(self._meeting) else len(self._code) + 1
        code, steps, stack, variables = self._code, self._steps, state.stack, state.locals
        push, pop, place = stack.append, stack.pop, start
        try:
            for place in range(start, end):
                instruction = code[place]
                opcode, _, first, _ = instruction
                if opcode == Op.LOCAL_GET:
                    push(variables[first])
                elif opcode == Op.I32_CONST:
                    push(first)
                elif opcode == Op.I32_ADD:
                    other, one = pop(), pop()
                    if type(other) is int and type(one) is Symbol:
                        push(symbol(one.origin, one.plus + other & MASK))
                    else:
                        push(binary(opcode, one, other))
                elif opcode == Op.LOCAL_SET:
                    variables[first] = pop()
                elif opcode == Op.LOCAL_TEE:
                    variables[first] = stack[-1]
                elif (handler := HANDLERS.get(opcode)) is not None:
                    handler(steps, instruction, state)
                elif _CONTROL[opcode](self, instruction, place, state):
                    return
        finally:
            self._budget.left -= place - start + 1
        self._meet(end, state, is_own=True)

    def block(self, instruction: Instruction, place: int, state: State) -> bool:
        opcode, _, takes, gives = instruction
        height = len(state.stack) - takes
        if opcode == Op.LOOP:
            label = (place + 1, height, takes, True)
        else:
            label = (self._end(place) + 1, height, gives, False)
        state.labels = (*state.labels, label)
        return False

    def condition(self, instruction: Instruction, place: int, state: State) -> bool:
        _, _, takes, gives = instruction
        condition = state.stack.pop()
        end, to = self._end(place), self._to[place]
        labels = (*state.labels, (end + 1, len(state.stack) - takes, gives, False))
        if not isinstance(condition, int) or not condition:
            has_arm = self._code[to - 1][0] == Op.ELSE
            other = state.view(state.stack, labels if has_arm else state.labels)
            if isinstance(condition, Compared):
                other = other.copy()
                other.memory.bound(*condition)
            self._meet(to if has_arm else end + 1, other)
        state.labels = labels
        return isinstance(condition, int) and not condition

    def otherwise(self, _instruction: Instruction, place: int, state: State) -> bool:
        """Go on after the first arm of an `if`, where paths meet."""
        state.labels = state.labels[:-1]
        self._meet(self._to[place] + 1, state, is_own=True)
        return True

    def end(self, _instruction: Instruction, _place: int, state: State) -> bool:
        if len(state.labels) == 1:
            self._leave(state)
            return True
        state.labels = state.labels[:-1]
        return False

    def branch(self, instruction: Instruction, _place: int, state: State) -> bool:
        self._branch(instruction[2], state, is_last=True)
        return True

    def branch_if(self, instruction: Instruction, _place: int, state: State) -> bool:
        condition = state.stack.pop()
        if not isinstance(condition, int) or condition:
            self._branch(instruction[2], state)
        if isinstance(condition, Compared):
            state.memory.bound(*condition)
        return isinstance(condition, int) and bool(condition)

    def branch_table(self, _instruction: Instruction, place: int, state: State) -> bool:
        index, labels = state.stack.pop(), self._labels[place]
        chosen = labels if not isinstance(index, int) else (labels[min(index, len(labels) - 1)],)
        for label in dict.fromkeys(chosen):
            self._branch(label, state)
        return True

    def leave(self, _instruction: Instruction, _place: int, state: State) -> bool:
        self._leave(state)
        return True

    def unreachable(self, _instruction: Instruction, _place: int, _state: State) -> bool:
        """End the path."""
        return True

    def tail_call(self, instruction: Instruction, _place: int, state: State) -> bool:
        if instruction[0] == Op.RETURN_CALL:
            self._steps.call(instruction, state)
        else:
            self._steps.call_indirect(instruction, state)
        self._leave(state)
        return True

    def _leave(self, state: State) -> None:
        self._steps.silent &= all(
            value == Symbol(Origin(Root.GLOBAL, index)) for index, value in state.globals.items()
        )

    def _branch(self, depth: int, state: State, *, is_last: bool = False) -> None:
        """Follow a branch. The path ends with it if it `is_last`."""
        labels, stack = state.labels, state.stack
        to, height, arity, is_loop = labels[-1 - depth]
        if depth == len(labels) - 1:
            self._leave(state)
            return
        kept = stack[:height] + stack[len(stack) - arity :]
        through = len(labels) - depth
        there = state.view(kept, labels[: through if is_loop else through - 1])
        self._meet(to, there, is_own=is_last)


_Handler = Callable[[_Follower, Instruction, int, State], bool]

_CONTROL: Mapping[int, _Handler] = {
    Op.UNREACHABLE: _Follower.unreachable,
    Op.BLOCK: _Follower.block,
    Op.LOOP: _Follower.block,
    Op.IF: _Follower.condition,
    Op.ELSE: _Follower.otherwise,
    Op.END: _Follower.end,
    Op.BR: _Follower.branch,
    Op.BR_IF: _Follower.branch_if,
    Op.BR_TABLE: _Follower.branch_table,
    Op.RETURN: _Follower.leave,
    Op.RETURN_CALL: _Follower.tail_call,
    Op.RETURN_CALL_INDIRECT: _Follower.tail_call,
}
"""The instructions that can end a path, which the result says."""

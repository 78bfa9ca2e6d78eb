"""Abstract interpretation of one function, to find what is known at its calls of wanted functions.

All paths through the function count. Where paths meet, values that differ become unknown. Loops are
repeated until nothing changes any more.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Mapping

from rewriter.constants.decoding import Code, Instruction, NotFollowed, Op
from rewriter.constants.state import Budget, Followed, Label, State, Surroundings
from rewriter.constants.steps import Steps
from rewriter.constants.values import Compared, Origin, Root, Symbol, Value
from rewriter.wasm.types import NUMBERS, FuncType

__all__ = ["follow"]

_MOST_VISITS = 100
"""The most visits to one place. A value that keeps changing would take long to become unknown."""


def follow(
    code: Code, func_type: FuncType, around: Surroundings, wanted: Collection[int], budget: Budget
) -> Followed:
    """Follow a function. `wanted` are the functions whose calls are looked for.

    Raises NotFollowed for a body that is invalid or takes too long.
    """
    try:
        return _Follower(code, func_type, around, wanted, budget).run()
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
    ) -> None:
        self._code = code.instructions
        self._steps = Steps(around, wanted)
        self._budget = budget
        self._pending: dict[int, State] = {}
        self._due: list[int] = []
        self._visits: dict[int, int] = {}
        self._meeting = _meeting_places(code.instructions)
        params: list[Value] = [
            Symbol(Origin(Root.PARAMETER, index)) if kind in ("i32", "i64") else None
            for index, kind in enumerate(func_type.params)
        ]
        zeros: list[Value] = [0 if kind in (*NUMBERS, "v128") else None for kind in code.locals]
        self._first = State(params + zeros)
        end = len(code.instructions) - 1
        self._first.labels = (Label(end, 0, len(func_type.results), False),)

    def run(self) -> Followed:
        self._meet(0, self._first)
        while self._due:
            place = heapq.heappop(self._due)
            self._visits[place] = self._visits.get(place, 0) + 1
            if self._visits[place] > _MOST_VISITS:
                raise NotFollowed("a loop that changes too much")
            self._straight(place, self._pending[place].copy())
        return Followed(self._steps.calls, self._steps.silent)

    def _meet(self, place: int, state: State) -> None:
        """Merge the state of a path into the state at a place."""
        known = self._pending.get(place)
        self._budget.take(1 + (len(state.locals) + state.memory.size) // 8)
        if known is None:
            self._pending[place] = state.copy()
        elif not known.join(state):
            return
        if place not in self._due:
            heapq.heappush(self._due, place)

    def _straight(self, place: int, state: State) -> None:
        """Follow instructions until they branch, or until a place where paths meet."""
        first = True
        while True:
            if not first and place in self._meeting:
                self._meet(place, state)
                return
            first = False
            self._budget.take(1)
            instruction = self._code[place]
            handler = _HANDLERS.get(instruction.opcode)
            if handler is not None:
                following = handler(self, instruction, place, state)
                if following is None:
                    return
                place = following
            else:
                self._steps.step(instruction, state)
                place += 1

    def block(self, instruction: Instruction, place: int, state: State) -> int | None:
        takes, gives = instruction.first, instruction.second
        height = len(state.stack) - takes
        if instruction.opcode == Op.LOOP:
            label = Label(place + 1, height, takes, True)
        else:
            label = Label(_end(self._code, place) + 1, height, gives, False)
        state.labels = (*state.labels, label)
        return place + 1

    def condition(self, instruction: Instruction, place: int, state: State) -> int | None:
        condition = state.stack.pop()
        end = _end(self._code, place)
        height = len(state.stack) - instruction.first
        label = Label(end + 1, height, instruction.second, False)
        to = instruction.to
        if not isinstance(condition, int) or not condition:
            other = state.copy()
            _not(condition, other)
            if self._code[to - 1].opcode == Op.ELSE:
                other.labels = (*state.labels, label)
                self._meet(to, other)
            else:
                self._meet(end + 1, other)
        if isinstance(condition, int) and not condition:
            return None
        state.labels = (*state.labels, label)
        return place + 1

    def otherwise(self, instruction: Instruction, _place: int, state: State) -> int | None:
        """Go on after the first arm of an `if`."""
        state.labels = state.labels[:-1]
        return instruction.to + 1

    def end(self, _instruction: Instruction, place: int, state: State) -> int | None:
        if len(state.labels) == 1:
            self._leave(state)
            return None
        state.labels = state.labels[:-1]
        return place + 1

    def branch(self, instruction: Instruction, _place: int, state: State) -> None:
        self._branch(instruction.first, state)

    def branch_if(self, instruction: Instruction, place: int, state: State) -> int | None:
        condition = state.stack.pop()
        if not isinstance(condition, int) or condition:
            self._branch(instruction.first, state.copy())
        _not(condition, state)
        return None if isinstance(condition, int) and condition else place + 1

    def branch_table(self, instruction: Instruction, _place: int, state: State) -> None:
        index = state.stack.pop()
        labels = instruction.labels
        chosen = labels if not isinstance(index, int) else (labels[min(index, len(labels) - 1)],)
        for label in dict.fromkeys(chosen):
            self._branch(label, state.copy())

    def leave(self, _instruction: Instruction, _place: int, state: State) -> None:
        self._leave(state)

    def unreachable(self, _instruction: Instruction, _place: int, _state: State) -> None:
        """End the path."""

    def tail_call(self, instruction: Instruction, _place: int, state: State) -> None:
        self._steps.step(instruction, state)
        self._leave(state)

    def _leave(self, state: State) -> None:
        self._steps.silent &= all(
            value == Symbol(Origin(Root.GLOBAL, index)) for index, value in state.globals.items()
        )

    def _branch(self, depth: int, state: State) -> None:
        label = state.labels[-1 - depth]
        if depth == len(state.labels) - 1:
            self._leave(state)
            return
        kept = state.stack[len(state.stack) - label.arity :]
        del state.stack[label.height :]
        state.stack += kept
        through = len(state.labels) - depth
        state.labels = state.labels[: through if label.is_loop else through - 1]
        self._meet(label.to, state)


_Handler = Callable[[_Follower, Instruction, int, State], int | None]

_HANDLERS: Mapping[int, _Handler] = {
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


def _not(condition: Value, state: State) -> None:
    """Note what is known if a condition is zero."""
    if isinstance(condition, Compared):
        state.memory.bound(*condition)


def _end(code: list[Instruction], place: int) -> int:
    """The end of the block that starts at a place."""
    to = code[place].to
    if code[place].opcode == Op.IF and code[to - 1].opcode == Op.ELSE:
        return code[to - 1].to
    return to


def _meeting_places(code: list[Instruction]) -> frozenset[int]:
    """The places where several paths may meet: the starts of loops, and after blocks."""
    found = set[int]()
    for place, instruction in enumerate(code):
        if instruction.opcode == Op.LOOP:
            found.add(place + 1)
        elif instruction.opcode in (Op.BLOCK, Op.IF):
            found.add(_end(code, place) + 1)
    return frozenset(found)

"""Finds the constants that reach wasi-nn's functions, through all functions that call them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import NamedTuple

from rewriter.constants.arithmetic import binary, wrapped
from rewriter.constants.callers import Calls, Functions
from rewriter.constants.constant import Place
from rewriter.constants.memory import LARGEST_FRAME
from rewriter.constants.state import Snapshot
from rewriter.constants.values import (
    MASK,
    Byte,
    Origin,
    Pieces,
    Root,
    Symbol,
    Value,
    bytes_of,
    is_numbers,
    joined,
)

__all__ = ["Reached", "Wanted", "reached"]

_MOST_LEVELS = 6
"""The deepest nesting of calls through which an argument is followed."""

_I32_ADD = 0x6A

_MOST_QUESTIONS = 2000
"""The most calls with different arguments that are followed."""


class Wanted(NamedTuple):
    """A number of `size` bytes that is looked for at the calls of a function.

    `path[0]` is the index of the argument. If offsets follow, the argument is an address, and each
    offset is added to it and read from memory: (2, 0, 4) is the second word at the address that is
    stored in the first word at argument 2.
    """

    path: tuple[int, ...]
    size: int = 4


class Reached(NamedTuple):
    """One call of a wanted function, or of a function that passes its arguments on to one.

    `numbers` has the possible values of each wanted number, or None if they are unknown. `place` is
    None if a function may be called in a way that cannot be seen.
    """

    imported: int
    place: Place | None
    numbers: tuple[tuple[int, ...] | None, ...]


class _Question(NamedTuple):
    """The values to find at the calls of `function`, for the import `imported`."""

    function: int
    imported: int
    values: tuple[Value, ...]
    place: Place | None


def reached(functions: Functions, wanted: Mapping[int, Sequence[Wanted]]) -> list[Reached]:
    """The numbers that reach the wanted functions, which are given by index."""
    questions = [_Question(index, index, (), None) for index in wanted]
    found: list[Reached] = []
    asked: set[_Question] = set()
    for _ in range(_MOST_LEVELS):
        if not questions:
            break
        asked_about = {question.function for question in questions}
        calls = functions.calls_of(asked_about)
        following: list[_Question] = []
        for question in questions:
            for answer in _callers(functions, calls, question, wanted, asked_about):
                if isinstance(answer, Reached):
                    found.append(answer)
                elif answer not in asked:
                    asked.add(answer)
                    following.append(answer)
        questions = following
        if len(asked) > _MOST_QUESTIONS:
            break
    found += (_answer(question) for question in questions)
    return found


def _callers(
    functions: Functions,
    calls: Calls,
    question: _Question,
    wanted: Mapping[int, Sequence[Wanted]],
    asked_about: Set[int],
) -> Iterator[Reached | _Question]:
    """The result of each call of a function, or the question to ask about the calling function.
    `asked_about` are the functions of all questions, so that no caller is followed twice."""
    callers = calls.callers.get(question.function, ())
    nothing = (None,) * len(wanted[question.imported])
    if question.function in calls.open or (not callers and question.place is not None):
        yield _answer(question) if question.place else Reached(question.imported, None, nothing)
    for caller in callers:
        followed = functions.follow(caller, asked_about)
        snapshots = list(followed.calls.values()) if followed else []
        if followed is None:
            yield Reached(question.imported, Place(caller, functions.start_of(caller)), nothing)
        start = functions.start_of(caller)
        for snapshot in snapshots:
            if snapshot.function != question.function:
                continue
            if question.place is None:
                values = tuple(_word(snapshot, one) for one in wanted[question.imported])
            else:
                values = tuple(_seen_from(snapshot, value) for value in question.values)
            place = Place(caller, start + snapshot.at)
            asked = _Question(caller, question.imported, values, place)
            yield asked if any(map(_is_passed_on, values)) else _answer(asked)


def _answer(question: _Question) -> Reached:
    return Reached(question.imported, question.place, tuple(map(_numbers, question.values)))


def _word(snapshot: Snapshot, wanted: Wanted) -> Value:
    first, *offsets = wanted.path
    value = snapshot.arguments[first] if first < len(snapshot.arguments) else None
    for number, offset in enumerate(offsets, 1):
        size = wanted.size if number == len(offsets) else 4
        value = snapshot.state.memory.load(value, size, offset)
    return value


def _seen_from(snapshot: Snapshot, value: Value) -> Value:
    """A value in a called function, expressed by the values of its caller."""
    if isinstance(value, Pieces):
        return joined(tuple(_byte_seen_from(snapshot, part) for part in value.parts))
    if not isinstance(value, Symbol):
        return value
    origin = value.origin
    if origin.root is Root.PARAMETER:
        arguments = snapshot.arguments
        base = arguments[origin.number] if origin.number < len(arguments) else None
    elif origin.root is Root.GLOBAL:
        base = snapshot.state.get_global(origin.number)
    elif origin.root is Root.MEMORY:
        base = _word_seen_from(snapshot, origin)
    else:
        return None
    return binary(_I32_ADD, wrapped(base), value.plus) if value.plus else wrapped(base)


def _word_seen_from(snapshot: Snapshot, origin: Origin) -> Value:
    """A word that was in memory when a function was called, if it is still there where it is
    needed."""
    address = _seen_from(snapshot, origin.of)
    word = snapshot.state.memory.load(address, 4)
    if not origin.number:
        return word
    top = snapshot.state.get_global(origin.number - 1)
    if _is_above(address, top):
        return word
    if not isinstance(address, int | Symbol) or not isinstance(top, Symbol):
        return None
    still = Origin(Root.MEMORY, origin.number, address)
    unchanged = word in (Symbol(still), Symbol(still._replace(number=0)))
    entered = Origin(Root.GLOBAL, origin.number - 1)
    return Symbol(still) if unchanged and top.origin == entered and _is_below(top.plus) else None


def _is_above(address: Value, top: Value) -> bool:
    """Whether a word at an address is certain to be above another address, so that it does not
    overlap what called functions write below that address."""
    if isinstance(address, Symbol) and isinstance(top, Symbol) and address.origin == top.origin:
        return (address.plus - top.plus) & MASK <= MASK >> 2
    return False


def _is_below(plus: int) -> bool:
    return not plus or MASK + 1 - plus <= LARGEST_FRAME


def _byte_seen_from(snapshot: Snapshot, part: Byte) -> Byte:
    if not isinstance(part, tuple):
        return part
    symbol, place = part
    return bytes_of(_seen_from(snapshot, symbol), 4)[place]


def _is_passed_on(value: Value) -> bool:
    """Whether a value comes from outside of the function, so that its callers may know it."""
    if isinstance(value, Pieces):
        return any(isinstance(part, tuple) and _is_passed_on(part[0]) for part in value.parts)
    return isinstance(value, Symbol) and value.origin.root is not Root.MADE


def _numbers(value: Value) -> tuple[int, ...] | None:
    if not is_numbers(value):
        return None
    return (value,) if isinstance(value, int) else tuple(sorted(value))

"""How many ways there are to read a text by a grammar, known before llama.cpp follows them.

llama.cpp keeps a stack of places in rules for each way. A grammar of a line can double them with
each character, and llama.cpp takes a whole token at once.

https://github.com/ggml-org/llama.cpp/blob/master/src/llama-grammar.cpp
(llama_grammar_advance_stack, llama_grammar_accept_token)
"""

from __future__ import annotations

from typing import NamedTuple, NoReturn

from rewriter.abi.dialects import Errno
from runtime_shim.backends.ggml.gbnf.items import Chars, TokenItem
from runtime_shim.backends.ggml.gbnf.rules import Rules
from runtime_shim.errors import HostError

__all__ = ["Stacks", "stacks_bytes"]

_MOST_STEPS = 500_000
"""Stacks that are looked at for one token: a second or two."""

_PLACE_BYTES, _STACK_BYTES = 8, 128
"""The most that llama.cpp takes for each place and each stack: a vector, in a vector that has grown
by doubling, and in a set."""

_DEEPEST = 500
"""How many places one stack may have: a JSON value within another one takes about four."""


class _Stack(NamedTuple):
    """What is on top, what is under it, how many places there are, and the most places of the
    stacks that follow if nothing fits what is on top."""

    place: int
    under: _Stack | None
    depth: int
    within: int


def _most(rules: Rules) -> tuple[int, int]:
    """How many stacks, and places in all of them, there may be at a time: after a character, and
    while llama.cpp goes on from one of them. A rule with many alternatives may have as many."""
    ways = max(rules.ways)
    return max(4000, 2 * ways), max(40_000, 50 * ways)


def stacks_bytes(rules: Rules) -> int:
    """The most that stacks take. llama.cpp has those before a token and after it, and a set in
    between; and while it looks for the tokens that fit, those after each character of one token."""
    stacks, places = _most(rules)
    return _STACK_BYTES * stacks + _PLACE_BYTES * places


class _Found:
    """Stacks that llama.cpp has at the same time. Raises HostError if there are too many."""

    def __init__(self, most: tuple[int, int]) -> None:
        self.stacks: set[_Stack | None] = set()
        self._left_stacks, self._left_places = most

    def add(self, stack: _Stack | None) -> None:
        if stack not in self.stacks:
            self.stacks.add(stack)
            self._left_stacks -= 1
            self._left_places -= 0 if stack is None else stack.depth
            if self._left_stacks < 0 or self._left_places < 0:
                _too_many()


def _too_many() -> NoReturn:
    raise HostError(Errno.RUNTIME_ERROR, "the grammar has too many ways to read the text so far")


class Stacks:
    """The stacks of one text."""

    def __init__(self, rules: Rules) -> None:
        """Raises HostError with `runtime_error` if there are too many, like `accept`."""
        self._rules = rules
        self._most = _most(rules)
        self._left = _MOST_STEPS
        self._partial = (0, 0)
        found = _Found(self._most)
        for start in rules.starts[rules.root]:
            self._advance(self._on(start, None), found)
        self._stacks = found.stacks

    def accept(self, token: int, piece: bytes) -> None:
        """Follow the text of a token."""
        codes, self._partial = _decoded(piece, *self._partial)
        self._left = _MOST_STEPS
        found = _Found(self._most)
        for stack in self._stacks:
            item = None if stack is None else self._rules.items[stack.place]
            if isinstance(item, TokenItem):
                if item.has(token, piece):
                    self._step(stack, found)
            elif stack is not None:
                for each in self._read(stack, codes):
                    found.add(each)
        self._stacks = found.stacks

    def _read(self, stack: _Stack | None, codes: list[int]) -> set[_Stack | None]:
        current = {stack}
        for code in codes:
            following = _Found(self._most)
            for each in current:
                item = None if each is None else self._rules.items[each.place]
                if isinstance(item, Chars) and item.has(code):
                    self._step(each, following)
            current = following.stacks
        return current

    def _step(self, stack: _Stack | None, found: _Found) -> None:
        """Go on after the place on top."""
        if stack is not None:
            self._advance(self._on(stack.place + 1, stack.under), found)

    def _on(self, place: int, under: _Stack | None) -> _Stack | None:
        """A stack with a place on top, unless that is where an alternative ends."""
        item = self._rules.items[place]
        if item is None:
            return under
        depth, within = (0, 0) if under is None else (under.depth, under.within)
        if depth == _DEEPEST:
            raise HostError(
                Errno.RUNTIME_ERROR, f"rules of the grammar are nested more than {_DEEPEST} deep"
            )
        if not isinstance(item, int):
            return _Stack(place, under, depth + 1, depth + 1)
        within = within if item in self._rules.empty else 0
        return _Stack(place, under, depth + 1, within + (depth + 1) * self._rules.ways[item])

    def _advance(self, stack: _Stack | None, found: _Found) -> None:
        """Add the stacks with characters or tokens on top that a stack leads to."""
        todo = [stack]
        seen = _Found(self._most)
        while todo:
            current = todo.pop()
            if current in seen.stacks:
                continue
            seen.add(current)
            self._left -= 1
            if self._left < 0 or (current is not None and current.within > self._most[1]):
                _too_many()
            item = None if current is None else self._rules.items[current.place]
            if current is not None and isinstance(item, int):
                rest = self._on(current.place + 1, current.under)
                todo += [self._on(start, rest) for start in self._rules.starts[item]]
            else:
                found.add(current)


def _decoded(piece: bytes, value: int, left: int) -> tuple[list[int], tuple[int, int]]:
    """The characters that a piece of UTF-8 completes, and the bits of the last one with the number
    of bytes that it lacks. llama.cpp (decode_utf8) does not check bytes within a character."""
    codes = []
    piece = piece.split(b"\0", 1)[0]
    was_left = left
    for position, byte in enumerate(piece):
        if left > 0:
            if was_left == left + position and byte >> 6 != 2:
                return [], (0, -1)
            value, left = value << 6 | byte & 0x3F, left - 1
        else:
            left = _LENGTHS[byte >> 4] - 1
            if left < 0:
                return [], (0, -1)
            value = byte & (1 << 7 - left) - 1
        if left == 0:
            codes.append(value)
    return codes, (value, left)


_LENGTHS = (1,) * 8 + (0,) * 4 + (2, 2, 3, 4)
"""Of a character in bytes, by the upper half of its first byte."""

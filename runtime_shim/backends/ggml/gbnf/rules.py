"""The rules that llama.cpp makes of a grammar in GBNF, counted before it makes them. It writes
repetitions out: {0,2000} becomes 2000 rules.

https://github.com/ggml-org/llama.cpp/blob/master/src/llama-grammar.cpp (llama_grammar_parser)
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import NamedTuple

from runtime_shim.backends.ggml.gbnf.beginnings import can_be_empty, ways_to_begin
from runtime_shim.backends.ggml.gbnf.items import (
    Chars,
    Item,
    TokenItem,
    elements_of,
    refuse,
    too_large,
)

__all__ = ["Rules", "parse_gbnf"]

_MOST_ELEMENTS = 100_000
"""With repetitions written out. 12 texts of up to 2000 characters have so many; there are at least
three for each rule that is made for a repetition."""

_MOST_REPETITIONS = 2000
"""MAX_REPETITION_THRESHOLD: more than that is a mistake as a minimum, and no limit as a maximum."""

_DEEPEST = 200
"""Maximum nesting of brackets, because llama.cpp parses them recursively."""

_ELEMENT_BYTES, _RULE_BYTES = 32, 320
"""The most that llama.cpp takes while it reads a grammar. An element has 8 bytes, in the parser and
in a vector that has grown by doubling; a rule has two vectors and an entry of a map."""

_SPACE = re.compile(r"(?:[ \t]|#[^\r\n]*)*")
_SPACE_AND_LINES = re.compile(r"(?:[ \t\r\n]|#[^\r\n]*)*")
_NAME = re.compile(r"[a-zA-Z0-9-]+")
_CHAR = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([trn\\\"\[\]-]))|([^\\])", re.S
)
_ESCAPES = {"t": "\t", "r": "\r", "n": "\n"}
_TOKEN = re.compile(r"(!?)<(?:\[([0-9]+)\]|([^>]*))>")
_SPACES = r"(?:[ \t\r\n]|#[^\r\n]*)*"
_TIMES = re.compile(rf"\{{{_SPACES}([0-9]+){_SPACES}(?:(,){_SPACES}(?:([0-9]+){_SPACES})?)?\}}")
_TIMES_OF = {"*": (0, None), "+": (1, None), "?": (0, 1)}


class Rules(NamedTuple):
    """All alternatives one after the other, each with None after its last item. For each rule:
    where its alternatives begin, in how many ways it can begin, and whether nothing at all fits it.
    `size` is the most that llama.cpp takes for them, in bytes."""

    items: tuple[Item | None, ...]
    starts: tuple[tuple[int, ...], ...]
    ways: tuple[int, ...]
    empty: frozenset[int]
    root: int
    size: int


@functools.lru_cache(maxsize=4)
def parse_gbnf(text: str) -> Rules:
    """The rules of a grammar. Raises HostError: `too_large` if there would be too many, or too many
    ways to begin one, `invalid_argument` for what is not a grammar that llama.cpp can use."""
    parser = _Parser(text)
    parser.parse()
    rules = parser.rules
    if "root" not in parser.numbers or any(alternatives is None for alternatives in rules):
        refuse("a rule is not defined")
    found = [alternatives for alternatives in rules if alternatives is not None]
    empty = can_be_empty(found)
    root = parser.numbers["root"]
    ways = ways_to_begin(found, empty, root, parser.names)
    items: list[Item | None] = []
    starts = []
    for alternatives in found:
        begin = []
        for alternative in alternatives:
            begin.append(len(items))
            items += [*alternative, None]
        starts.append(tuple(begin))
    names = sum(len(name) + 8 for name in parser.names)
    size = parser.elements * _ELEMENT_BYTES + len(found) * _RULE_BYTES + names + 3 * len(text)
    return Rules(tuple(items), tuple(starts), ways, empty, root, size)


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = self._depth = 0
        self.numbers: dict[str, int] = {}
        self.rules: list[list[tuple[Item, ...]] | None] = []
        self.elements = 0
        self.names: list[str] = []
        """Of rules; those that are made for groups and repetitions have that of the one around."""

    def parse(self) -> None:
        self._skip(_SPACE_AND_LINES)
        while self._at < len(self._text):
            name = self._match(_NAME, "a name")[0]
            number = self._number(name)
            self._skip(_SPACE)
            if not self._text.startswith("::=", self._at):
                refuse(f"there is no ::= after {name[:50]}")
            self._at += 3
            self._skip(_SPACE_AND_LINES)
            self._alternatives(number, name, nested=False)
            if self._at < len(self._text) and self._text[self._at] not in "\r\n":
                refuse(f"unexpected text at {self._text[self._at : self._at + 20]!r}")
            self._skip(_SPACE_AND_LINES)

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self._text, self._at)
        self._at = self._at if found is None else found.end()

    def _match(self, pattern: re.Pattern[str], what: str) -> re.Match[str]:
        found = pattern.match(self._text, self._at)
        if found is None:
            refuse(f"expected {what} at {self._text[self._at : self._at + 20]!r}")
        self._at = found.end()
        return found

    def _number(self, name: str) -> int:
        if name not in self.numbers:
            self.numbers[name] = self._new_rule(name)
        return self.numbers[name]

    def _new_rule(self, name: str) -> int:
        self.names.append(name)
        self.rules.append(None)
        return len(self.rules) - 1

    def _count(self, items: int) -> None:
        self.elements += items
        if self.elements > _MOST_ELEMENTS:
            too_large("elements, with repetitions written out", _MOST_ELEMENTS)

    def _alternatives(self, number: int, name: str, *, nested: bool) -> None:
        found = [self._sequence(name, nested=nested)]
        while self._text.startswith("|", self._at):
            self._at += 1
            self._skip(_SPACE_AND_LINES)
            found.append(self._sequence(name, nested=nested))
        self._count(len(found))
        self.rules[number] = found

    def _sequence(self, name: str, *, nested: bool) -> tuple[Item, ...]:
        items: list[Item] = []
        last, within = 0, 1
        """Where the last symbol begins, and how many rules it has."""
        space = _SPACE_AND_LINES if nested else _SPACE
        while self._at < len(self._text):
            sign = self._text[self._at]
            if sign in "*+?{":
                low, high = self._times()
                if last == len(items):
                    refuse("there is nothing to repeat")
                within *= high or low or 1
                if within > _MOST_REPETITIONS:
                    refuse("there are too many repetitions")
                self._repeat(items, last, low, high, name)
            else:
                before = len(self.rules)
                found = self._symbol(sign, name)
                if found is None:
                    break
                last = len(items)
                items += found
                within = max(1, len(self.rules) - before) if sign == "(" else 1
            self._skip(space)
        return tuple(items)

    def _symbol(self, sign: str, name: str) -> Sequence[Item] | None:
        """The items of a literal, characters, a token, a rule or a group."""
        if sign == '"':
            return self._literal()
        if sign == "[":
            return self._class()
        if sign in "<!":
            found = self._match(_TOKEN, "a token")
            self._count(1)
            number = None if found[2] is None else _token(found[2].lstrip("0"))
            return [TokenItem(number, found[0].removeprefix("!").encode(), bool(found[1]))]
        if sign == ".":
            self._at += 1
            self._count(1)
            return [Chars((), negated=True)]
        if sign == "(":
            self._at += 1
            self._depth += 1
            if self._depth > _DEEPEST:
                refuse(f"brackets are nested more than {_DEEPEST} levels deep")
            self._skip(_SPACE_AND_LINES)
            number = self._new_rule(name)
            self._alternatives(number, name, nested=True)
            self._depth -= 1
            self._match(re.compile(r"\)"), "a closing bracket")
            self._count(1)
            return [number]
        if _NAME.match(sign):
            self._count(1)
            return [self._number(self._match(_NAME, "a name")[0])]
        return None

    def _char(self) -> int:
        found = self._match(_CHAR, "a character")
        digits = found[1] or found[2] or found[3]
        if digits is not None:
            return int(digits, 16)
        return ord(found[5] or _ESCAPES.get(found[4], found[4]))

    def _literal(self) -> list[Chars]:
        self._at += 1
        found = []
        while not self._text.startswith('"', self._at):
            code = self._char()
            self._count(1)
            found.append(Chars(((code, code),)))
        self._at += 1
        return found

    def _class(self) -> list[Chars]:
        self._at += 1
        negated = self._text.startswith("^", self._at)
        self._at += negated
        ranges = []
        while not self._text.startswith("]", self._at):
            low = high = self._char()
            if self._text.startswith("-", self._at) and not self._text.startswith("-]", self._at):
                self._at += 1
                high = self._char()
            self._count(2)
            ranges.append((low, high))
        self._at += 1
        return [Chars(tuple(ranges), negated)] if ranges else []

    def _times(self) -> tuple[int, int | None]:
        sign = self._text[self._at]
        if sign != "{":
            self._at += 1
            return _TIMES_OF[sign]
        found = self._match(_TIMES, "a number of repetitions")
        if max(len(found[1]), len(found[3] or "")) > 9:
            refuse("there are too many repetitions")
        low = int(found[1])
        high = low if not found[2] else int(found[3]) if found[3] else None
        if high is not None and high < low:
            refuse(f"the minimum {low} of a repetition is more than the maximum {high}")
        if low > _MOST_REPETITIONS:
            refuse("there are too many repetitions")
        return low, None if high is not None and high > _MOST_REPETITIONS else high

    def _repeat(self, items: list[Item], last: int, low: int, high: int | None, name: str) -> None:
        """Write out S{m,n}: S m times, and then a rule S' ::= S S'' | for each one that need not be
        there, or S' ::= S S' | for any number of them."""
        repeated = tuple(items[last:])
        length = sum(elements_of(item) for item in repeated)
        optional = 1 if high is None else high - low
        self._count(length * max(low - 1, 0) + optional * (length + 3))
        del items[last:]
        items += repeated * low
        rule = -1
        for _ in range(optional):
            new = self._new_rule(name)
            follows = new if high is None else rule
            self.rules[new] = [(*repeated, *([follows] if follows >= 0 else [])), ()]
            rule = new
        if optional:
            items.append(rule)


def _token(digits: str) -> int:
    """The number of a token, of which llama.cpp keeps 32 of 64 bits."""
    if len(digits) > 20 or int(digits or "0") >= 1 << 64:
        refuse("the number of a token is too large")
    return int(digits or "0") & 0xFFFFFFFF

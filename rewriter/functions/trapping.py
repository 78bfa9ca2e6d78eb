"""Finds out whether a call of a function is certain to trap at once, to end the guest, or to return
without an effect that could change that.

Specification: https://webassembly.github.io/spec/core/binary/instructions.html
"""

from __future__ import annotations

import functools
import re
from collections.abc import Set
from enum import Enum

from rewriter.functions.code import Bodies
from rewriter.functions.instructions import BLOCK_TYPE, END, LEB
from rewriter.wasm.reader import Cursor
from rewriter.wasm.types import value_type

__all__ = ["Does", "does"]


class Does(Enum):
    """The known result of a call."""

    TRAPS = "traps"
    EXITS = "exits"
    RETURNS = "returns"
    UNKNOWN = "is not known"


_UNREACHABLE, _CALL, _RETURN = 0x00, 0x10, 0x0F
_DEEPEST = 50
"""The deepest nesting of calls that is followed. Code that starts with a trap nests less deeply."""

_MOST_STEPS = 10_000
"""The most calls that are followed for one answer."""


_BY_ZERO = re.compile(rb"\x41\x80{0,4}\x00[\x6d-\x70]|\x42\x80{0,9}\x00[\x7f-\x82]")
"""i32.const 0 or i64.const 0, and a division or remainder of its type by it."""


@functools.cache
def _harmless() -> re.Pattern[bytes]:
    """Matches instructions that neither trap nor branch: nop; block, loop; drop, select; local.*,
    global.*; constants; comparisons; arithmetic other than division, remainders and conversions of
    floats to integers; sign extensions. It stops before _BY_ZERO."""
    return re.compile(
        rb"(?:(?!%b)(?:\x01|[\x02\x03]%b|[\x1a\x1b]|[\x20-\x24\x41\x42]%b|\x43.{4}|\x44.{8}"
        rb"|[\x45-\x6c\x71-\x7e\x83-\xa7\xac\xad\xb2-\xc4]))+"
        % (_BY_ZERO.pattern, BLOCK_TYPE, LEB),
        re.DOTALL,
    )


def does(bodies: Bodies, imported: int, index: int, ends: Set[int] = frozenset()) -> Does:
    """The result of a call of function `index`. `imported` is the number of imported functions,
    which come before those of `bodies`; the functions in `ends` end the guest. The result is
    unknown if the function branches first, or calls another imported function.

    Raises MalformedModule for a truncated body.
    """
    return _Following(bodies, imported, ends).does(index, 0)


class _Following:
    def __init__(self, bodies: Bodies, imported: int, ends: Set[int]) -> None:
        self._ends = ends
        self._bodies = bodies
        self._imported = imported
        self._steps = 0

    def does(self, index: int, depth: int) -> Does:
        if index in self._ends:
            return Does.EXITS
        place = index - self._imported
        self._steps += 1
        if not 0 <= place < len(self._bodies) or depth > _DEEPEST or self._steps > _MOST_STEPS:
            return Does.UNKNOWN
        body = self._bodies[place]
        cursor = Cursor(self._bodies.data, body.content, body.end)
        for _ in range(cursor.count("local variables")):
            cursor.u32()
            value_type(cursor)
        while cursor.pos < body.end:
            if matched := _harmless().match(cursor.data, cursor.pos, body.end):
                cursor.pos = matched.end()
                continue
            if _BY_ZERO.match(cursor.data, cursor.pos, body.end):
                return Does.TRAPS
            opcode = cursor.byte()
            if opcode == END:
                continue
            if opcode == _UNREACHABLE:
                return Does.TRAPS
            if opcode == _RETURN:
                return Does.RETURNS
            if opcode != _CALL:
                return Does.UNKNOWN
            called = self.does(cursor.u32(), depth + 1)
            if called is not Does.RETURNS:
                return called
        return Does.RETURNS

"""What rules of a grammar consist of."""

from __future__ import annotations

from typing import NamedTuple, NoReturn

from rewriter.abi.dialects import Errno
from runtime_shim.errors import HostError

__all__ = ["Chars", "Item", "TokenItem", "elements_of", "refuse", "too_large"]


class Chars(NamedTuple):
    """Characters, as ranges of code points."""

    ranges: tuple[tuple[int, int], ...]
    negated: bool = False

    def has(self, code: int) -> bool:
        return any(low <= code <= high for low, high in self.ranges) is not self.negated


class TokenItem(NamedTuple):
    """A token, by its number or, without one, by its text in angle brackets."""

    number: int | None
    text: bytes
    negated: bool

    def has(self, token: int, piece: bytes) -> bool:
        same = piece == self.text if self.number is None else token == self.number
        return same is not self.negated


Item = Chars | TokenItem | int
"""An int is the number of a rule."""


def elements_of(item: Item) -> int:
    """How many elements of 8 bytes llama.cpp has for it, at most."""
    return 2 * len(item.ranges) or 1 if isinstance(item, Chars) else 1


def refuse(why: str) -> NoReturn:
    raise HostError(Errno.INVALID_ARGUMENT, f"cannot parse the grammar: {why}")


def too_large(what: str, most: int) -> NoReturn:
    raise HostError(Errno.TOO_LARGE, f"the grammar has more than {most} {what}")

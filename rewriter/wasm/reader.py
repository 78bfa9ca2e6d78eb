"""A reading position inside one section of a module."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from mmap import mmap
from typing import NamedTuple, TypeVar

from rewriter.errors import MalformedModule
from rewriter.wasm import leb128
from rewriter.wasm.limits import MOST, check_number

__all__ = ["Cursor", "Data", "Name", "Reading"]

Data = bytes | mmap
"""The whole file. Indexing gives ints, slicing gives bytes. All positions count from its start."""


class Name(NamedTuple):
    """A length-prefixed UTF-8 string and its position.

    Specification: https://webassembly.github.io/spec/core/binary/values.html#names
    """

    start: int
    """Position of the length field."""
    text_start: int
    """Position of the first byte of the text."""
    end: int
    """Position after the text."""
    text: str


T = TypeVar("T")


class Reading(Collection[T]):
    """Items of a module that are read again on every iteration instead of being kept in memory."""

    def __init__(self, read: Callable[[], Iterator[T]]) -> None:
        self._read = read

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[T]:
        return self._read()

    def __contains__(self, item: object) -> bool:
        return any(item == found for found in self)


class Cursor:
    """Reads forward through data[pos:end]. Every read past the end raises MalformedModule."""

    __slots__ = ("data", "end", "pos")

    def __init__(self, data: Data, pos: int, end: int) -> None:
        self.data = data
        self.pos = pos
        self.end = end

    def byte(self) -> int:
        if self.pos >= self.end:
            raise MalformedModule("unexpected end", self.pos, "NN102")
        value = self.data[self.pos]
        self.pos += 1
        return value

    def u32(self) -> int:
        value, self.pos = leb128.decode_unsigned(self.data, self.pos, self.end)
        return value

    def u64(self) -> int:
        value, self.pos = leb128.decode_unsigned(self.data, self.pos, self.end, bits=64)
        return value

    def s33(self) -> int:
        value, self.pos = leb128.decode_s33(self.data, self.pos, self.end)
        return value

    def count(self, what: str) -> int:
        """Read the length of a vector whose elements take at least one byte each.

        Raises MalformedModule here, before any loop, if the remaining bytes cannot hold so many.
        """
        start = self.pos
        count = self.u32()
        if count > self.end - self.pos:
            raise MalformedModule(
                f"{count} {what} are declared, but only {self.end - self.pos} bytes follow", start
            )
        return count

    def items(self, what: str, most: int = MOST) -> int:
        """Like `count`, for items that are kept in memory. Raises UnsupportedModule if there are
        more than `most`."""
        start = self.pos
        count = self.count(what)
        check_number(count, what, start, most)
        return count

    def name(self) -> Name:
        start = self.pos
        length = self.u32()
        text_start, end = self.pos, self.pos + length
        if end > self.end:
            raise MalformedModule(
                f"a name of {length} bytes runs past the end of its section", start
            )
        try:
            text = self.data[text_start:end].decode("utf-8")
        except UnicodeDecodeError as error:
            raise MalformedModule("a name is not UTF-8", text_start + error.start) from error
        self.pos = end
        return Name(start, text_start, end, text)

    def finish(self, what: str) -> None:
        """Raise MalformedModule if there are unread bytes."""
        if self.pos != self.end:
            raise MalformedModule(f"{self.end - self.pos} unread bytes after {what}", self.pos)

"""Reads FlatBuffers that have not been verified.

https://flatbuffers.dev/internals/
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Callable, Iterator

__all__ = ["FlatBuffer", "Table"]


class FlatBuffer:
    """A file. If an offset leads outside it, methods raise `fault(reason)`.

    Vectors may overlap and be read repeatedly, so a small file could hold many long ones. Therefore
    the total number of bytes read is limited to a few times the size of the file.
    """

    def __init__(
        self,
        data: bytes | mmap.mmap,
        what: str,
        fault: Callable[[str], Exception] = ValueError,
    ) -> None:
        self.data = data
        self._what = what
        self._fault = fault
        self._left = 4 * len(data) + 65536

    def root(self) -> Table:
        return Table(self, self.number("I", 0))

    def number(self, code: str, pos: int) -> int:
        """A number. `code` is its type, as in the module struct."""
        value: int = self._unpack(code, pos)[0]
        return value

    def numbers(self, code: str, pos: int) -> tuple[int, ...]:
        """The elements of a vector."""
        size = struct.calcsize(f"<{code}")
        start, count = self.extent(pos, size)
        self.spend(pos, 4 + count * size)
        return self._unpack(f"{count}{code}", start)

    def spend(self, pos: int, size: int) -> None:
        """Count bytes that are read, and raise if there are too many."""
        self._left -= size
        if self._left < 0:
            raise self.refused(pos, "overlapping vectors or tables are far longer than the file")

    def extent(self, pos: int, size: int) -> tuple[int, int]:
        """The byte offset of a vector's elements, and their number."""
        count = self.number("I", pos)
        if pos + 4 + count * size > len(self.data):
            raise self.refused(pos, f"a vector of {count} elements ends beyond the file")
        return pos + 4, count

    def refused(self, pos: int, reason: str) -> Exception:
        return self._fault(f"{self._what}, byte {pos}: {reason}")

    def _unpack(self, code: str, pos: int) -> tuple[int, ...]:
        if pos < 0 or pos + struct.calcsize(f"<{code}") > len(self.data):
            raise self.refused(pos, "an offset leads here, outside the file")
        return struct.unpack_from(f"<{code}", self.data, pos)


class Table:
    """A table. Fields have the numbers from the schema's compiler: 4 for the first, then 6, and so
    on."""

    def __init__(self, file: FlatBuffer, pos: int) -> None:
        self._file = file
        self.pos = pos
        self._fields = pos - file.number("i", pos)
        self._end = self._fields + file.number("H", self._fields)

    def refused(self, reason: str) -> Exception:
        return self._file.refused(self.pos, reason)

    def number(self, field: int, code: str, default: int = 0) -> int:
        at = self._at(field)
        return default if at is None else self._file.number(code, at)

    def numbers(self, field: int, code: str) -> tuple[int, ...]:
        """The elements of a vector; empty if it is absent."""
        at = self._target(field)
        return () if at is None else self._file.numbers(code, at)

    def extent(self, field: int, size: int) -> tuple[int, int] | None:
        """The byte offset of a vector's elements, and their number; None if it is absent."""
        at = self._target(field)
        return None if at is None else self._file.extent(at, size)

    def text(self, field: int) -> bytes:
        """A string's bytes; empty if it is absent."""
        return bytes(self.numbers(field, "B"))

    def table(self, field: int) -> Table | None:
        at = self._target(field)
        return None if at is None else Table(self._file, at)

    def tables(self, field: int) -> Iterator[Table]:
        """The elements of a vector of tables."""
        at = self._target(field)
        if at is not None:
            for index, offset in enumerate(self._file.numbers("I", at)):
                self._file.spend(at, 4)
                yield Table(self._file, at + 4 + index * 4 + offset)

    def _at(self, field: int) -> int | None:
        if self._fields + field + 2 > self._end:
            return None
        offset = self._file.number("H", self._fields + field)
        return self.pos + offset if offset else None

    def _target(self, field: int) -> int | None:
        at = self._at(field)
        return None if at is None else at + self._file.number("I", at)

"""Finds where two ranges of bytes differ."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rewriter.diagnostics import Diagnostic
from rewriter.wasm.reader import Data

__all__ = ["Difference", "compare_bytes"]

_CHUNK = 1 << 20
"""Bytes compared at a time."""

_DIFFERING_RUN = re.compile(rb"[^\0](?:\0{0,7}[^\0])*")
"""Matches a run of differing bytes in an XOR, with gaps of fewer than eight equal bytes."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference that a rewrite does not make. The offsets are in bytes, or None if one of the
    modules does not have the part. `help` is the option that allows the difference, if there is
    one."""

    code: str
    what: str
    original_offset: int | None
    rewritten_offset: int | None
    help: str | None = None

    def __str__(self) -> str:
        def show(offset: int | None) -> str:
            return "absent" if offset is None else f"{offset:#x}"

        where = f"original {show(self.original_offset)}, rewritten {show(self.rewritten_offset)}"
        what = self.what if self.help is None else f"{self.what}; {self.help}"
        return f"{what} ({where})"

    @property
    def diagnostic(self) -> Diagnostic:
        """The difference as a diagnostic about the rewritten module."""
        return Diagnostic(self.code, self.what, self.rewritten_offset, help=self.help)


def compare_bytes(
    title: str, original: Data, left: range, rewritten: Data, right: range
) -> Iterator[Difference]:
    if len(left) != len(right):
        start = _first_difference(original, left, rewritten, right)
        yield Difference(
            "NN402",
            f"{title}: {len(left)} bytes became {len(right)}, the first difference",
            left.start + start,
            right.start + start,
        )
        return
    for start in range(0, len(left), _CHUNK):
        chunk = left[start : start + _CHUNK]
        a = original[chunk.start : chunk.stop]
        b = rewritten[right.start + start : right.start + start + len(chunk)]
        if a == b:
            continue
        for run in _DIFFERING_RUN.finditer(_xor(a, b)):
            yield Difference(
                "NN401",
                f"{title}: {_bytes(run.end() - run.start())}",
                chunk.start + run.start(),
                right.start + start + run.start(),
            )


def _bytes(count: int) -> str:
    return "1 byte differs" if count == 1 else f"{count} bytes differ"


def _first_difference(original: Data, left: range, rewritten: Data, right: range) -> int:
    """The number of equal bytes at the starts of two ranges of different lengths."""
    shorter = min(len(left), len(right))
    for start in range(0, shorter, _CHUNK):
        size = min(_CHUNK, shorter - start)
        a = original[left.start + start : left.start + start + size]
        b = rewritten[right.start + start : right.start + start + size]
        if a != b:
            found = _DIFFERING_RUN.search(_xor(a, b))
            return start + (found.start() if found else 0)
    return shorter


def _xor(a: bytes, b: bytes) -> bytes:
    return (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).to_bytes(len(a), "big")

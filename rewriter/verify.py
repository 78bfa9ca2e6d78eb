"""Proof that two modules differ in nothing but the module names of their imports."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from rewriter.cursor import Data, Name
from rewriter.imports import groups
from rewriter.plan import Rename
from rewriter.sections import Section, SectionId, split

__all__ = ["Comparison", "Difference", "compare"]

_CHUNK = 1 << 20
"""Bytes compared at a time."""

_RenameCounts = Counter[tuple[str, str]]

_DIFFERING_RUN = re.compile(rb"[^\0](?:\0{0,7}[^\0])*")
"""In the XOR of two strings: differing bytes, joined over gaps of fewer than eight equal ones."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that a rename does not change. The offsets are in bytes, None where one of the
    modules has nothing there."""

    what: str
    original_offset: int | None
    rewritten_offset: int | None

    def __str__(self) -> str:
        def show(offset: int | None) -> str:
            return "absent" if offset is None else f"{offset:#x}"

        where = f"original {show(self.original_offset)}, rewritten {show(self.rewritten_offset)}"
        return f"{self.what} ({where})"


@dataclass(frozen=True, slots=True)
class Comparison:
    """`renames` are the module names that differ; `differences` everything else that does."""

    renames: tuple[Rename, ...]
    differences: tuple[Difference, ...]
    sections: int
    """How many sections are the same byte for byte."""

    @property
    def only_renamed(self) -> bool:
        return not self.differences


def compare(original: Data, rewritten: Data) -> Comparison:
    """Compare two modules section by section.

    Raises ModuleError where one of them cannot be read.
    """
    first, second = split(original), split(rewritten)
    renames: _RenameCounts = Counter()
    differences: list[Difference] = []
    same = 0
    for left, right in _pairs(first, second):
        if left is None:
            if right is not None:
                what = f"{right.title} was added"
                differences.append(Difference(what, None, right.start))
        elif right is None:
            differences.append(Difference(f"{left.title} is gone", left.start, None))
        elif left.id is SectionId.IMPORT:
            differences += _compare_imports(original, left, rewritten, right, renames)
        else:
            found = list(
                _compare_bytes(
                    left.title,
                    original,
                    range(left.content, left.end),
                    rewritten,
                    range(right.content, right.end),
                )
            )
            if left.size_width != right.size_width:
                found.append(
                    Difference(f"{left.title}: size field width", left.start + 1, right.start + 1)
                )
            same += not found
            differences += found
    return Comparison(
        tuple(Rename(old, new, count) for (old, new), count in renames.items()),
        tuple(differences),
        same,
    )


def _pairs(
    first: tuple[Section, ...], second: tuple[Section, ...]
) -> Iterator[tuple[Section | None, Section | None]]:
    """Line up the sections of both modules by kind and name, and show what one of them lacks."""

    def keys(sections: tuple[Section, ...]) -> list[tuple[SectionId, str | None]]:
        return [(section.id, section.name) for section in sections]

    if keys(first) == keys(second):
        yield from zip(first, second, strict=True)
        return
    from difflib import SequenceMatcher

    matcher = SequenceMatcher(None, keys(first), keys(second), autojunk=False)
    for tag, a, a_end, b, b_end in matcher.get_opcodes():
        if tag == "equal":
            yield from zip(first[a:a_end], second[b:b_end], strict=True)
        else:
            yield from ((section, None) for section in first[a:a_end])
            yield from ((None, section) for section in second[b:b_end])


def _compare_imports(
    original: Data,
    left: Section,
    rewritten: Data,
    right: Section,
    renames: _RenameCounts,
) -> Iterator[Difference]:
    """Whatever stands between one module name and the next has to be the same."""
    title = left.title
    left_pos, right_pos = left.content, right.content
    pairs = zip_longest(_module_names(original, left), _module_names(rewritten, right))
    for pair in pairs:
        (left_name, imports), (right_name, _) = (item or (None, 0) for item in pair)
        left_end = left_name.start if left_name else left.end
        right_end = right_name.start if right_name else right.end
        yield from _compare_bytes(
            title, original, range(left_pos, left_end), rewritten, range(right_pos, right_end)
        )
        left_pos = left_name.end if left_name else left.end
        right_pos = right_name.end if right_name else right.end
        if left_name and right_name and left_name.text != right_name.text:
            renames[left_name.text, right_name.text] += imports
    yield from _compare_bytes(
        title, original, range(left_pos, left.end), rewritten, range(right_pos, right.end)
    )


def _module_names(data: Data, section: Section) -> Iterator[tuple[Name, int]]:
    """Each occurrence of a module name, and how many imports it stands for."""
    for group in groups(data, section):
        yield group.module, sum(1 for _ in group.imports)


def _compare_bytes(
    title: str, original: Data, left: range, rewritten: Data, right: range
) -> Iterator[Difference]:
    if len(left) != len(right):
        start = _first_difference(original, left, rewritten, right)
        yield Difference(
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
                f"{title}: {_bytes(run.end() - run.start())}",
                chunk.start + run.start(),
                right.start + start + run.start(),
            )


def _bytes(count: int) -> str:
    return "1 byte differs" if count == 1 else f"{count} bytes differ"


def _first_difference(original: Data, left: range, rewritten: Data, right: range) -> int:
    """How many bytes two ranges of different lengths have in common at their starts."""
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

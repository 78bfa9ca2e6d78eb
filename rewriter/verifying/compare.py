"""Proof that two modules differ in nothing but what a rewrite changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from functools import partial

from rewriter.abi.dialects import DIALECTS
from rewriter.errors import ModuleError
from rewriter.rewriting.padding import is_gap
from rewriter.rewriting.plan import Rename
from rewriter.rewriting.provenance import compare_records, is_record
from rewriter.verifying.compare_adapted import (
    CHANGED_SECTIONS,
    NAMING_SECTIONS,
    RenameCounts,
    Side,
    compare_changed,
    compare_imports,
)
from rewriter.wasm.difference import Difference, compare_bytes
from rewriter.wasm.names import NAME_SECTION
from rewriter.wasm.reader import Cursor, Data
from rewriter.wasm.sections import (
    Section,
    SectionId,
    Sections,
    counts_from_the_start,
    describes_code,
    is_signature,
    split,
)
from rewriter.wasm.types import FuncType

__all__ = ["Comparison", "Difference", "compare"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """`renames` are the module names that differ, `adapters` the names of those that one of the
    modules has and the other has not, `dropped` the sections for debugging, and the signatures,
    that are gone; `widened` the sections in which nothing but the indices of wasi-nn's functions
    are written in more or fewer bytes, as adapting and adapting back leaves them. `differences` is
    everything else that differs."""

    renames: tuple[Rename, ...]
    adapters: tuple[str, ...]
    dropped: tuple[str, ...]
    widened: tuple[str, ...]
    differences: tuple[Difference, ...]
    sections: int
    """How many sections that a rewrite does not change are the same byte for byte."""

    @property
    def only_rewritten(self) -> bool:
        return not self.differences


def compare(original: Data, rewritten: Data) -> Comparison:
    """Compare two modules section by section.

    Raises ModuleError where one of them cannot be read.
    """
    left, right = Side(original), Side(rewritten)
    before, after = split(original), split(rewritten)
    records = [list(filter(is_record, sections)) for sections in (before, after)]
    differences = list(compare_records(original, records[0], rewritten, records[1]))
    renames: RenameCounts = Counter()
    dropped: list[str] = []
    widened: list[str] = []
    same = 0
    others = partial(_others, original, before), partial(_others, rewritten, after)
    for one, other in _pairs(*others):
        if one is None or other is None:
            if one is not None and one.name is not None and _may_go(one.name):
                dropped.append(one.name)
            else:
                differences += _only_in_one(left, one, right, other)
            continue
        if _may_change(left, one, right):
            differences += _compare_meaning(left, one, right, other, renames)
        else:
            found = list(_compare_whole(left, one, right, other))
            if found and _differs_in_widths(left, one, right, other):
                widened.append(one.title)
                continue
            same += not found
            differences += found
    names = Counter(found.adapter.name for found in left.info.adapters.values())
    names.subtract(found.adapter.name for found in right.info.adapters.values())
    return Comparison(
        tuple(Rename(old, new, count) for (old, new), count in renames.items()),
        tuple(sorted(name for name, count in names.items() if count)),
        tuple(dropped),
        tuple(widened),
        tuple(differences),
        same,
    )


def _others(data: Data, sections: Sections) -> Iterator[Section]:
    """All but records, and what keeps the others where they were."""
    return (s for s in sections if not is_record(s) and not is_gap(data, s))


def _may_go(name: str) -> bool:
    return describes_code(name) or counts_from_the_start(name) or is_signature(name)


def _only_in_one(
    left: Side, one: Section | None, right: Side, other: Section | None
) -> Iterator[Difference]:
    if one is not None and not left.has_only_adapters(one):
        yield Difference(f"{one.title} is gone", one.start, None)
    if other is not None and not right.has_only_adapters(other):
        yield Difference(f"{other.title} was added", None, other.start)


def _may_change(left: Side, one: Section, right: Side) -> bool:
    """Whether a rewrite between the two modules changes a section of this kind."""
    if one.id is SectionId.TYPE:
        return len(left.info.types) != len(right.info.types)
    if one.name not in (None, NAME_SECTION):
        return False
    adapted = bool(left.adapted or right.adapted)
    return one.id is SectionId.IMPORT or (adapted and one.id in CHANGED_SECTIONS)


def _compare_meaning(
    left: Side, one: Section, right: Side, other: Section, renames: RenameCounts
) -> Iterator[Difference]:
    if one.id is SectionId.IMPORT:
        yield from compare_imports(left, one, right, other, renames)
    elif one.id is SectionId.TYPE:
        yield from _compare_types(left, one, right, other)
    else:
        yield from compare_changed(left, one, right, other)


def _differs_in_widths(left: Side, one: Section, right: Side, other: Section) -> bool:
    """Whether only indices of wasi-nn's functions have other widths, as adapters have to be called
    by longer ones; a section that cannot be read differs in more."""
    try:
        return one.id in NAMING_SECTIONS and not any(compare_changed(left, one, right, other))
    except ModuleError:
        return False


def _compare_whole(left: Side, one: Section, right: Side, other: Section) -> Iterator[Difference]:
    before, after = range(one.content, one.end), range(other.content, other.end)
    yield from compare_bytes(one.title, left.data, before, right.data, after)
    if one.size_width != other.size_width:
        what = f"{one.title}: size field width"
        yield Difference(what, one.start + 1, other.start + 1)


def _compare_types(left: Side, one: Section, right: Side, other: Section) -> Iterator[Difference]:
    """One may have types of wasi-nn's functions after those of the other: adapting appends them,
    and taking adapters away again leaves them."""
    fewer, more = sorted((left.info.types, right.info.types), key=len)
    added = (more[index] for index in range(len(fewer), len(more)))
    before, after = range(one.content, one.end), range(other.content, other.end)
    signatures = _signatures()
    if all(func_type in signatures for func_type in added):
        before, after = _after_count(left.data, one), _after_count(right.data, other)
        size = min(len(before), len(after))
        before, after = before[:size], after[:size]
    yield from compare_bytes(one.title, left.data, before, right.data, after)


def _signatures() -> Set[FuncType]:
    """The types of wasi-nn's functions."""
    return {
        dialect.signature(function)
        for dialect in DIALECTS.values()
        for function in dialect.functions
    }


def _after_count(data: Data, section: Section) -> range:
    cursor = Cursor(data, section.content, section.end)
    cursor.u32()
    return range(cursor.pos, section.end)


def _pairs(
    first: Callable[[], Iterator[Section]], second: Callable[[], Iterator[Section]]
) -> Iterator[tuple[Section | None, Section | None]]:
    """Line up the sections of both modules by kind and name, and show what one of them lacks."""
    left, right = Counter(map(_kind, first())), Counter(map(_kind, second()))  # still to come
    ones, others = first(), second()
    one, other = next(ones, None), next(others, None)
    while one is not None or other is not None:
        pair: tuple[Section | None, Section | None] = None, other
        if one is not None and other is not None and _kind(one) == _kind(other):
            pair = one, other
        elif one is not None and (other is None or not right[_kind(one)] or left[_kind(other)]):
            pair = one, None
        yield pair
        if one is not None and pair[0] is one:
            left[_kind(one)] -= 1
            one = next(ones, None)
        if other is not None and pair[1] is other:
            right[_kind(other)] -= 1
            other = next(others, None)


def _kind(section: Section) -> tuple[SectionId, str | None]:
    return section.id, section.name

"""Comparison of modules that may have adapters, section by section, as if none had.

What an adapter stands before counts as what the guest calls, and a reference to an adapter as one
to the function behind it. A reference that goes past an adapter is a difference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import zip_longest

from rewriter.analysis.existing_adapters import own_exports
from rewriter.analysis.inspect import inspect_module
from rewriter.functions.code import Bodies, Reference, body_references, defined_types
from rewriter.functions.references import REFERRING_SECTIONS, section_references
from rewriter.wasm.difference import Difference, compare_bytes
from rewriter.wasm.imports import groups
from rewriter.wasm.names import NAME_SECTION, function_names
from rewriter.wasm.reader import Cursor, Data
from rewriter.wasm.sections import Section, SectionId

__all__ = [
    "CHANGED_SECTIONS",
    "NAMING_SECTIONS",
    "RenameCounts",
    "Side",
    "compare_changed",
    "compare_imports",
]

RenameCounts = Counter[tuple[str, str]]


class Side:
    """One of the two modules."""

    def __init__(self, data: Data) -> None:
        self.data = data
        self.info = inspect_module(data)
        self.adapted = frozenset(self.info.adapters)
        self.behind = {found.function_index: slot for slot, found in self.info.adapters.items()}
        self.first = min(self.behind, default=None)
        """The index of the first adapter; all functions from it on are adapters."""

    def exports(self, section: Section) -> Iterator[range]:
        """Where each export stands that is not one of an adapter."""
        own = {item.start for item in own_exports(self.data, section, self.info.adapters)}
        cursor = Cursor(self.data, section.content, section.end)
        for _ in range(cursor.u32()):
            start = cursor.pos
            cursor.name(), cursor.byte(), cursor.u32()
            if start not in own:
                yield range(start, cursor.pos)

    def has_only_adapters(self, section: Section) -> bool:
        """Whether nothing would be left of a section without the adapters."""
        if section.id in (SectionId.FUNCTION, SectionId.CODE):
            return self.first == self.info.imported_functions
        if section.name == NAME_SECTION and self.first is not None:
            names, others = function_names(self.data, section)
            return not others and all(index >= self.first for index, _ in names)
        return False


def compare_changed(
    left: Side, left_section: Section, right: Side, right_section: Section
) -> Iterator[Difference]:
    """The differences in one of CHANGED_SECTIONS."""
    yield from _COMPARE[left_section.id](left, left_section, right, right_section)


def compare_imports(
    left: Side, left_section: Section, right: Side, right_section: Section, renames: RenameCounts
) -> Iterator[Difference]:
    """The first import that is another one; imports may be grouped in another way."""
    pairs = zip_longest(_imports(left, left_section), _imports(right, right_section))
    for one, other in pairs:
        if one is None or other is None or one[1] != other[1]:
            yield Difference("import section: another import", one and one[2], other and other[2])
            return
        if one[0] != other[0]:
            renames[one[0], other[0]] += 1


def _imports(side: Side, section: Section) -> Iterator[tuple[str, object, int]]:
    """Each import: its module name, what the guest takes it for, and where its name stands."""
    index = 0
    for group in groups(side.data, section):
        for item in group.imports:
            what: object = (item.name.text, side.data[item.extern_start : item.extern_end])
            if item.extern.is_func:
                standing = side.info.adapters.get(index)
                what = (
                    standing.adapter.function if standing else item.name.text,
                    standing.type_index if standing else item.extern.type_index,
                    item.extern.kind,
                )
                index += 1
            yield group.module.text, what, item.name.start


def _compare_functions(
    left: Side, left_section: Section, right: Side, right_section: Section
) -> Iterator[Difference]:
    """All but the adapters have to have the types that they had."""
    one, other = (
        found[: _kept(side, len(found))]
        for side, found in (
            (left, defined_types(left.data, left_section)),
            (right, defined_types(right.data, right_section)),
        )
    )
    if one != other:
        yield Difference(
            "function section: other functions", left_section.content, right_section.content
        )


def _kept(side: Side, defined: int) -> int:
    """How many of the functions that a module defines are no adapters."""
    return defined if side.first is None else side.first - side.info.imported_functions


def _adaptable(left: Side, right: Side) -> frozenset[int]:
    """The imports whose references are looked at: those that one of the modules has adapters for,
    or if there are none, all of wasi-nn's, which may have had one."""
    return left.adapted | right.adapted or frozenset({*left.info.wasi_nn, *right.info.wasi_nn})


def _compare_referring(
    left: Side, left_section: Section, right: Side, right_section: Section
) -> Iterator[Difference]:
    adapted = _adaptable(left, right)
    left_references, right_references = (
        section_references(side.data, section, adapted | side.behind.keys())
        for side, section in ((left, left_section), (right, right_section))
    )
    yield from _compare_around(
        left_section.title,
        left,
        range(left_section.content, left_section.end),
        left_references,
        right,
        range(right_section.content, right_section.end),
        right_references,
    )


def _compare_exports(
    left: Side, left_section: Section, right: Side, right_section: Section
) -> Iterator[Difference]:
    """All but those of adapters, one by one, as adapters make the section longer."""
    adapted = _adaptable(left, right)
    left_references, right_references = (
        {r.end: [r] for r in section_references(side.data, section, adapted | side.behind.keys())}
        for side, section in ((left, left_section), (right, right_section))
    )
    title = left_section.title
    for one, other in zip_longest(left.exports(left_section), right.exports(right_section)):
        if one is None or other is None:
            starts = (None if item is None else item.start for item in (one, other))
            yield Difference(f"{title}: other exports", *starts)
            return
        yield from _compare_around(
            title,
            left,
            one,
            left_references.get(one.stop, []),
            right,
            other,
            right_references.get(other.stop, []),
        )


def _compare_code(
    left: Side, left_section: Section, right: Side, right_section: Section
) -> Iterator[Difference]:
    one, other = Bodies(left.data, left_section), Bodies(right.data, right_section)
    count, other_count = _kept(left, len(one)), _kept(right, len(other))
    if count != other_count:
        yield Difference(
            f"code section: {count} functions became {other_count}",
            left_section.content,
            right_section.content,
        )
        return
    adapted = _adaptable(left, right)
    left_references, right_references = (
        dict(body_references(side.data, found, count, adapted | side.behind.keys()))
        for side, found in ((left, one), (right, other))
    )
    for left_body, right_body in ((one[index], other[index]) for index in range(count)):
        yield from _compare_around(
            left_section.title,
            left,
            range(left_body.content, left_body.end),
            left_references.get(left_body, []),
            right,
            range(right_body.content, right_body.end),
            right_references.get(right_body, []),
        )


def _compare_around(
    title: str,
    left: Side,
    left_range: range,
    left_references: list[Reference],
    right: Side,
    right_range: range,
    right_references: list[Reference],
) -> Iterator[Difference]:
    """The references have to name the same functions, and what is around them to be the same."""
    left_pos, right_pos = left_range.start, right_range.start
    end = Reference(left_range.stop, left_range.stop, -1), Reference(right_range.stop, 0, -1)
    if len(left_references) != len(right_references):
        yield from compare_bytes(title, left.data, left_range, right.data, right_range)
        return
    pairs = zip(left_references, right_references, strict=True)
    for one, other in (*pairs, end):
        yield from compare_bytes(
            title,
            left.data,
            range(left_pos, one.start),
            right.data,
            range(right_pos, other.start),
        )
        left_pos, right_pos = one.end, other.end
        if _called(left, one.index) != _called(right, other.index):
            yield Difference(f"{title}: another function", one.start, other.start)


def _called(side: Side, index: int) -> object:
    """What a reference comes to: a function behind an adapter, an import past it, or another."""
    if index in side.behind:
        return side.behind[index]
    return ("past its adapter", index) if index in side.adapted else index


def _compare_names(
    left: Side, left_section: Section, right: Side, right_section: Section
) -> Iterator[Difference]:
    """The names of all but the adapters, and the other names."""
    end = min((side.first for side in (left, right) if side.first is not None), default=None)
    one, others = function_names(left.data, left_section)
    two, others_too = function_names(right.data, right_section)
    kept = ((item for item in names if end is None or item[0] < end) for names in (one, two))
    if others != others_too or any(a != b for a, b in zip_longest(*kept)):
        yield Difference(
            f"{left_section.title}: other names", left_section.start, right_section.start
        )


_COMPARE: Mapping[SectionId, Callable[[Side, Section, Side, Section], Iterator[Difference]]] = {
    SectionId.FUNCTION: _compare_functions,
    SectionId.CODE: _compare_code,
    SectionId.CUSTOM: _compare_names,
    **dict.fromkeys(REFERRING_SECTIONS, _compare_referring),
    SectionId.EXPORT: _compare_exports,
}

NAMING_SECTIONS = REFERRING_SECTIONS | {SectionId.CODE}
"""The sections that can name functions."""

CHANGED_SECTIONS = frozenset(_COMPARE)
"""The sections that adapting changes, besides types and imports; of the custom ones, the names."""

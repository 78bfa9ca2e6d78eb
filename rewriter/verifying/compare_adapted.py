"""Compares modules section by section as if they did not have adapters.

An adapted import counts as the function that the guest calls, and a reference to an adapter as a
reference to the import that it calls. A reference that bypasses an adapter is a difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from itertools import zip_longest
from typing import NamedTuple

from rewriter.analysis.adapted.adapter_global import AdapterGlobal, adapter_global
from rewriter.analysis.adapted.existing_adapters import own_exports
from rewriter.analysis.inspect import inspect_module
from rewriter.functions.code import Bodies, body_references, defined_types
from rewriter.functions.instructions import Reference
from rewriter.functions.references import REFERRING_SECTIONS, section_references
from rewriter.verifying.difference import Difference, compare_bytes
from rewriter.wasm.custom import NAMES
from rewriter.wasm.module import Module
from rewriter.wasm.names import function_names
from rewriter.wasm.sections import Section, SectionId

__all__ = [
    "CHANGED_SECTIONS",
    "Part",
    "Side",
    "after_count",
    "compare_changed",
    "only_widths_differ",
]


class Side:
    """One of the two modules."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.info = inspect_module(module)
        self.adapted = frozenset(self.info.adapters)
        self.behind = {found.function_index: slot for slot, found in self.info.adapters.items()}
        self.first = min(self.behind, default=None)
        """The index of the first adapter. All functions from there on are adapters."""
        found = adapter_global(module) if self.behind else AdapterGlobal(0)
        self.own_global = found if found.last else AdapterGlobal(0)
        """The global that the adapters share."""

    def kept(self, defined: int) -> int:
        """The number of defined functions that are not adapters. `defined` counts all of them."""
        return defined if self.first is None else self.first - self.info.imported_functions

    def exports(self, section: Section) -> Iterator[range]:
        """The positions of all exports except those of adapters and of their global."""
        own = {item.start for item in own_exports(self.module, self.info.adapters)}
        if self.own_global.export is not None:
            own.add(self.own_global.export.start)
        cursor = section.cursor()
        for _ in range(cursor.u32()):
            start = cursor.pos
            cursor.name(), cursor.byte(), cursor.u32()
            if start not in own:
                yield range(start, cursor.pos)

    def has_only_adapters(self, section: Section) -> bool:
        """Whether a section has nothing that does not belong to adapters."""
        if section.id in (SectionId.FUNCTION, SectionId.CODE):
            return self.first == self.info.imported_functions
        if section.id is SectionId.GLOBAL:
            return section.cursor().u32() == (self.own_global.item is not None)
        if section.name == NAMES and self.first is not None:
            names, others = function_names(section)
            return not others and all(index >= self.first for index, _ in names)
        return False


class Part(NamedTuple):
    """A section of one of the two modules."""

    side: Side
    section: Section


class _Stretch(NamedTuple):
    """Bytes of one of the two modules, with the references to functions in them that matter."""

    side: Side
    place: range
    references: Sequence[Reference]


def compare_changed(one: Part, other: Part) -> Iterator[Difference]:
    """The differences in one of CHANGED_SECTIONS."""
    yield from _COMPARE[one.section.id](one, other)


def _wanted(part: Part, other: Part) -> Set[int]:
    """The functions whose references are compared: adapters, and the imports for which either
    module has an adapter. Without adapters, they are all wasi-nn imports, because these may have
    had one."""
    adapted = part.side.adapted | other.side.adapted
    every = part.side.info.wasi_nn.keys() | other.side.info.wasi_nn.keys()
    return (adapted or every) | part.side.behind.keys()


def _compare_functions(one: Part, other: Part) -> Iterator[Difference]:
    """The types of all functions except adapters must be the same."""
    before, after = map(_kept_types, (one, other))
    if before != after:
        what = "function section: different functions"
        yield Difference("NN412", what, one.section.content, other.section.content)


def _kept_types(part: Part) -> Sequence[int]:
    found = defined_types(part.section)
    return found[: part.side.kept(len(found))]


def _compare_referring(one: Part, other: Part) -> Iterator[Difference]:
    for left, right in zip(_stretches(one, other), _stretches(other, one), strict=True):
        yield from _compare_around(one.section.title, left, right)


def _compare_globals(one: Part, other: Part) -> Iterator[Difference]:
    """The differences in globals, without the adapters' global, which is the last."""
    left, right = _globals(one, other), _globals(other, one)
    yield from _compare_around(one.section.title, left, right)


def _globals(part: Part, other: Part) -> _Stretch:
    item = part.side.own_global.item
    end = item.start if item is not None else part.section.end
    place = range(after_count(part.section).start, end)
    return _Stretch(part.side, place, section_references(part.section, _wanted(part, other)))


def _compare_exports(one: Part, other: Part) -> Iterator[Difference]:
    """The differences in exports, without those of adapters. They are compared one by one, because
    adapters add exports."""
    title = one.section.title
    for before, after in zip_longest(_exports(one, other), _exports(other, one)):
        if before is None or after is None:
            left, right = (item and item.place.start for item in (before, after))
            yield Difference("NN413", f"{title}: different exports", left, right)
            return
        yield from _compare_around(title, before, after)


def _exports(part: Part, other: Part) -> Iterator[_Stretch]:
    """The exports that are compared. The function index of an export is at its end."""
    references = {r.end: [r] for r in section_references(part.section, _wanted(part, other))}
    for place in part.side.exports(part.section):
        yield _Stretch(part.side, place, references.get(place.stop, []))


def _compare_code(one: Part, other: Part) -> Iterator[Difference]:
    bodies = [Bodies(part.section) for part in (one, other)]
    count, other_count = one.side.kept(len(bodies[0])), other.side.kept(len(bodies[1]))
    if count != other_count:
        what = f"code section: {count} functions became {other_count}"
        yield Difference("NN412", what, one.section.content, other.section.content)
        return
    before, after = (
        _bodies(part, opposite, found, count)
        for part, opposite, found in ((one, other, bodies[0]), (other, one, bodies[1]))
    )
    for left, right in zip(before, after, strict=True):
        yield from _compare_around(one.section.title, left, right)


def _bodies(part: Part, other: Part, bodies: Bodies, count: int) -> Iterator[_Stretch]:
    references = dict(body_references(bodies, count, _wanted(part, other)))
    for index in range(count):
        body = bodies[index]
        yield _Stretch(part.side, range(body.content, body.end), references.get(body, []))


def only_widths_differ(one: Part, other: Part) -> bool:
    """Whether a section differs only in the widths of the indices of wasi-nn's functions, and in
    the sizes of bodies that follow from them. The index of an adapter can need more bytes.

    Raises ModuleError if one of the sections cannot be read.
    """
    if one.section.id not in NAMING_SECTIONS or any(compare_changed(one, other)):
        return False
    found = False
    ends = [after_count(part.section).start for part in (one, other)]
    counts = [
        part.section.data[part.section.content : end]
        for part, end in zip((one, other), ends, strict=True)
    ]
    if counts[0] != counts[1]:
        return False
    for left, right in zip(_stretches(one, other), _stretches(other, one), strict=True):
        widths = [[r.end - r.start for r in stretch.references] for stretch in (left, right)]
        found |= widths[0] != widths[1]
        if one.section.id is SectionId.CODE:
            sizes = [
                part.section.data[end : stretch.place.start]
                for part, end, stretch in ((one, ends[0], left), (other, ends[1], right))
            ]
            if widths[0] == widths[1] and sizes[0] != sizes[1]:
                return False
            ends = [left.place.stop, right.place.stop]
    return found


def after_count(section: Section) -> range:
    """The content of a section after its count."""
    cursor = section.cursor()
    cursor.u32()
    return range(cursor.pos, section.end)


def _stretches(part: Part, other: Part) -> Iterator[_Stretch]:
    """The parts of one of NAMING_SECTIONS that can refer to functions."""
    if part.section.id is SectionId.CODE:
        bodies = Bodies(part.section)
        yield from _bodies(part, other, bodies, part.side.kept(len(bodies)))
    elif part.section.id is SectionId.EXPORT:
        yield from _exports(part, other)
    else:
        whole = range(part.section.content, part.section.end)
        yield _Stretch(part.side, whole, section_references(part.section, _wanted(part, other)))


def _compare_around(title: str, one: _Stretch, other: _Stretch) -> Iterator[Difference]:
    """The references must be to the same functions, and the bytes around them must be the same."""
    left, right = one.side.module.data, other.side.module.data
    if not one.references or len(one.references) != len(other.references):
        yield from compare_bytes(title, left, one.place, right, other.place)
        return
    left_pos, right_pos = one.place.start, other.place.start
    end = Reference(one.place.stop, one.place.stop, -1), Reference(other.place.stop, 0, -1)
    for before, after in (*zip(one.references, other.references, strict=True), end):
        between = range(left_pos, before.start), range(right_pos, after.start)
        yield from compare_bytes(title, left, between[0], right, between[1])
        left_pos, right_pos = before.end, after.end
        if _called(one.side, before.index) != _called(other.side, after.index):
            yield Difference("NN414", f"{title}: a different function", before.start, after.start)


def _called(side: Side, index: int) -> object:
    """The function that a reference leads to: the import behind an adapter, an import whose adapter
    is bypassed, or another function."""
    if index in side.behind:
        return side.behind[index]
    return ("past its adapter", index) if index in side.adapted else index


def _compare_names(one: Part, other: Part) -> Iterator[Difference]:
    """The differences in the name section, without the names of adapters."""
    firsts = (part.side.first for part in (one, other))
    end = min((first for first in firsts if first is not None), default=None)
    before, others = function_names(one.section)
    after, others_too = function_names(other.section)
    kept = ((item for item in names if end is None or item[0] < end) for names in (before, after))
    if others != others_too or any(a != b for a, b in zip_longest(*kept)):
        what = f"{one.section.title}: different names"
        yield Difference("NN415", what, one.section.start, other.section.start)


_COMPARE: Mapping[SectionId, Callable[[Part, Part], Iterator[Difference]]] = {
    SectionId.FUNCTION: _compare_functions,
    SectionId.CODE: _compare_code,
    SectionId.CUSTOM: _compare_names,
    **dict.fromkeys(REFERRING_SECTIONS, _compare_referring),
    SectionId.GLOBAL: _compare_globals,
    SectionId.EXPORT: _compare_exports,
}

NAMING_SECTIONS = REFERRING_SECTIONS | {SectionId.CODE}
"""The sections that can refer to functions."""

CHANGED_SECTIONS = frozenset(_COMPARE)
"""The sections that adapting changes, besides types and imports. CUSTOM stands for the names."""

"""Proves that two modules differ only in what a rewrite changes."""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass
from functools import partial

from rewriter.abi.dialects import DIALECTS, find_dialect
from rewriter.errors import MalformedModule, ModuleError
from rewriter.options import RewriteOptions
from rewriter.rewriting.renaming.padding import is_padding
from rewriter.rewriting.values import Rename
from rewriter.verifying.compare_adapted import (
    CHANGED_SECTIONS,
    Part,
    Side,
    after_count,
    compare_changed,
    only_widths_differ,
)
from rewriter.verifying.compare_marks import compare_marks, new_mark
from rewriter.verifying.compare_names import (
    Renames,
    compare_adapter_names,
    compare_imports,
    renamed_dylink,
)
from rewriter.verifying.compare_records import compare_records
from rewriter.verifying.difference import Difference, compare_bytes
from rewriter.wasm.custom import DESCRIBE_CODE, GUEST, NAMES, RECORD, Custom, custom_kind
from rewriter.wasm.leb128 import reencode_u32
from rewriter.wasm.module import Module
from rewriter.wasm.reader import Data
from rewriter.wasm.sections import (
    Section,
    SectionId,
)
from rewriter.wasm.types import FuncType

__all__ = ["Comparison", "Difference", "compare"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The result of a comparison.

    - `renames`: the module names that differ.
    - `adapters`: the names of adapters that only one of the modules has.
    - `dropped`: the debug, linking and signature sections that were removed.
    - `widened`: the sections that differ only in the width of the indices of wasi-nn's functions.
      Adapting a module and adapting it back leaves such differences.
    - `differences`: all other differences.
    """

    renames: tuple[Rename, ...]
    adapters: tuple[str, ...]
    dropped: tuple[str, ...]
    widened: tuple[str, ...]
    differences: tuple[Difference, ...]
    sections: int
    """The number of sections that a rewrite does not change and that are byte for byte the same."""
    marked: str | None = None
    """The ABI of the guest in a mark that only the rewritten module has."""

    @property
    def only_rewritten(self) -> bool:
        """Whether the modules differ only in what a rewrite changes."""
        return not self.differences


def compare(
    original: Data | Module,
    rewritten: Data | Module,
    *,
    renames: Mapping[str, str] | None = None,
    guest_abi: str | None = None,
    recorded: Data | None = None,
) -> Comparison:
    """Compare two modules section by section.

    wasi-nn's module names of imports may differ, and others as in `renames`, old to new.
    `guest_abi` is the value of this option in the rewrite, which its result may contain in a mark.
    `recorded` is what a record has to describe, if that is not the original: the component that it
    was made from.

    Raises ModuleError if one of the modules cannot be read, with its name if the error is found
    before the comparison, and UsageError for invalid names and unknown ABIs.
    """
    left, right = _side(original, "original"), _side(rewritten, "rewritten")
    renamed = Renames(RewriteOptions(renames=renames or {}).renames)
    told = find_dialect(guest_abi) if guest_abi is not None else None
    differences = [
        *compare_records(left.module, right.module, recorded),
        *compare_marks(left.info, right.info, told),
    ]
    dropped: list[str] = []
    widened: list[str] = []
    same = 0
    for one, other in _pairs(partial(_others, left.module), partial(_others, right.module)):
        if one is None or other is None:
            if one is not None and one.name is not None and _may_go(one.name):
                dropped.append(one.name)
            else:
                differences += _only_in_one(left, one, right, other)
            continue
        if _may_change(left, one, right):
            differences += _compare_meaning(Part(left, one), Part(right, other), renamed)
        else:
            found = list(_compare_whole(one, other))
            if found and _differs_in_widths(Part(left, one), Part(right, other)):
                widened.append(one.title)
                continue
            same += not found
            differences += found
    differences += compare_adapter_names(left, right)
    names = Counter(standing.adapter.name for standing in left.info.adapters.values())
    names.subtract(standing.adapter.name for standing in right.info.adapters.values())
    return Comparison(
        tuple(Rename(old, new, count) for (old, new), count in renamed.counts.items()),
        tuple(sorted(name for name, count in names.items() if count)),
        tuple(dropped),
        tuple(widened),
        tuple(differences),
        same,
        new_mark(left.info, right.info),
    )


def _side(module: Data | Module, name: str) -> Side:
    """Inspect one module. `name` is its name in messages, unless it is a Module with its own."""
    try:
        module = module if isinstance(module, Module) else Module(module, name)
        return Side(module)
    except ModuleError as error:
        raise error.of(module.name if isinstance(module, Module) else name) from error


def _others(module: Module) -> Iterator[Section]:
    """All sections except records, marks of the guest's ABI, and padding."""
    return (s for s in module.sections if s.name not in (RECORD, GUEST) and not is_padding(s))


def _may_go(name: str) -> bool:
    kind = custom_kind(name)
    return kind in DESCRIBE_CODE or kind in (Custom.SIGNATURE, Custom.LINKING)


def _only_in_one(
    left: Side, one: Section | None, right: Side, other: Section | None
) -> Iterator[Difference]:
    if one is not None and not left.has_only_adapters(one):
        yield Difference("NN403", f"{one.title} is gone", one.start, None)
    if other is not None and not right.has_only_adapters(other):
        yield Difference("NN404", f"{other.title} was added", None, other.start)


def _may_change(left: Side, one: Section, right: Side) -> bool:
    """Whether a rewrite from one module to the other may change a section of this kind."""
    if one.id is SectionId.TYPE:
        return bool(left.adapted or right.adapted) or len(left.module.types) != len(
            right.module.types
        )
    if custom_kind(one.name) is Custom.DYLINK:
        return True
    if one.name not in (None, NAMES):
        return False
    adapted = bool(left.adapted or right.adapted)
    return one.id is SectionId.IMPORT or (adapted and one.id in CHANGED_SECTIONS)


def _compare_meaning(one: Part, other: Part, renames: Renames) -> Iterator[Difference]:
    if custom_kind(one.section.name) is Custom.DYLINK:
        yield from _compare_dylink(one, other)
    elif one.section.id is SectionId.IMPORT:
        yield from compare_imports(one, other, renames)
    elif one.section.id is SectionId.TYPE:
        yield from _compare_types(one, other)
    else:
        yield from compare_changed(one, other)


def _compare_dylink(one: Part, other: Part) -> Iterator[Difference]:
    """The differences in a section "dylink.0", which must contain the new names of the imports."""
    before, after = one.section, other.section
    expected = before.data[before.content : before.end]
    with contextlib.suppress(MalformedModule):  # a rewrite leaves it unchanged
        expected = renamed_dylink(one, other)
    if after.data[after.content : after.end] == expected:
        width = len(reencode_u32(len(expected), old=before.size, old_width=before.size_width))
        if width != after.size_width:
            yield _another_width(before, after)
    elif found := [*_compare_whole(before, after)]:
        yield from found
    else:
        what = f"{before.title}: the names of imports differ from those in the import section"
        yield Difference("NN418", what, before.start, after.start)


def _differs_in_widths(one: Part, other: Part) -> bool:
    """Whether sections differ only in widths; false if one of them cannot be read."""
    try:
        return only_widths_differ(one, other)
    except ModuleError:
        return False


def _compare_whole(one: Section, other: Section) -> Iterator[Difference]:
    before, after = range(one.content, one.end), range(other.content, other.end)
    yield from compare_bytes(one.title, one.data, before, other.data, after)
    if one.size_width != other.size_width:
        yield _another_width(one, other)


def _another_width(one: Section, other: Section) -> Difference:
    what = f"{one.title}: the width of the size field differs"
    return Difference("NN405", what, one.start + 1, other.start + 1)


def _compare_types(one: Part, other: Part) -> Iterator[Difference]:
    """The differences in types. A module may have types of wasi-nn's functions after those of the
    other, or both may have types that their own adapters call: adapting appends them, and removes
    them again if nothing uses them."""
    types = one.side.module.types, other.side.module.types
    pairs = zip(*types, strict=False)
    same = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
    added = [{*itertools.islice(each, same, None)} for each in types]
    left, right = one.section, other.section
    before, after = range(left.content, left.end), range(right.content, right.end)
    if (all(added) and all(map(_are_of_adapters, added, (one.side, other.side)))) or (
        not all(added) and set().union(*added) <= _signatures()
    ):
        before, after = (
            range(after_count(part.section).start, part.side.module.types.start(same))
            for part in (one, other)
        )
    yield from compare_bytes(left.title, left.data, before, right.data, after)


def _are_of_adapters(types: Set[FuncType | None], side: Side) -> bool:
    return types <= {found.adapter.imported_type for found in side.info.adapters.values()}


def _signatures() -> Set[FuncType]:
    """The types of wasi-nn's functions."""
    return {
        dialect.signature(function)
        for dialect in DIALECTS.values()
        for function in dialect.functions
    }


def _pairs(
    first: Callable[[], Iterator[Section]], second: Callable[[], Iterator[Section]]
) -> Iterator[tuple[Section | None, Section | None]]:
    """Pair the sections of both modules by kind and name. A section that only one of them has is
    paired with None."""
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

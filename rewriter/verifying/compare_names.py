"""Compares the names of import modules and of adapters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Set
from itertools import zip_longest
from typing import TYPE_CHECKING

from rewriter.abi.dialects import MODULE_NAMES
from rewriter.adapters.generations import UNMARKED, read_name
from rewriter.analysis.adapted.existing_adapters import own_exports
from rewriter.analysis.adapted.traces import adapter_of
from rewriter.terminal import command_line
from rewriter.verifying.compare_adapted import Part, Side
from rewriter.verifying.difference import Difference
from rewriter.wasm.custom import NAMES
from rewriter.wasm.dylink import ImportName, rename_in_dylink, renaming
from rewriter.wasm.imports import groups
from rewriter.wasm.names import function_names, takes_names
from rewriter.wasm.sections import SectionId

if TYPE_CHECKING:
    from rewriter.adapters.adapter import Adapter

__all__ = ["Renames", "compare_adapter_names", "compare_imports", "renamed_dylink"]


_WASI_NN = frozenset(MODULE_NAMES)


class Renames:
    """Collects the module names that differ. `allowed` are the names that may differ, old to new,
    besides wasi-nn's. `counts` has the number of imports by old and new name."""

    def __init__(self, allowed: Mapping[str, str]) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self._allowed = allowed
        self._changing = _WASI_NN | allowed.keys()
        self._first: dict[str, str] = {}
        self._told: set[tuple[str, str]] = set()

    def add(self, old: str, new: str) -> tuple[str, str | None] | None:
        """Count an import. If its names are wrong, returns the reason and the remedy, but only the
        first time."""
        if old == new and old not in self._changing:
            return None
        wrong = self._wrong(old, new)
        if old != new:
            self.counts[old, new] += 1
        if wrong is None or (old, new) in self._told:
            return None
        self._told.add((old, new))
        return wrong

    def _wrong(self, old: str, new: str) -> tuple[str, str | None] | None:
        may_be = self._may_be(old)
        if new not in may_be:
            option = command_line(("--rename", f"{old}={new}"))
            return f"{old} became {new}", f"{option} allows it"
        first = self._first.setdefault(old, new) if len(may_be) > 1 else new
        if first != new:
            return f"{old} became {first} for some imports, and {new} for others", None
        return None

    def _may_be(self, old: str) -> Set[str]:
        """The names that a module name may have after rewrites. wasi-nn's names may become each
        other, also before and after an allowed rename."""
        before = _WASI_NN if old in _WASI_NN else {old}
        after = {self._allowed[name] for name in before if name in self._allowed} | before
        return after if after.isdisjoint(_WASI_NN) else after | _WASI_NN


def compare_imports(one: Part, other: Part, renames: Renames) -> Iterator[Difference]:
    """The module names that differ but must not, and the first import that is different. Imports
    may be grouped differently."""
    for before, after in zip_longest(_imports(one), _imports(other)):
        if before is None or after is None or before[1] != after[1]:
            what = "import section: a different import"
            yield Difference("NN411", what, before and before[2], after and after[2])
            return
        if wrong := renames.add(before[0], after[0]):
            what, remedy = wrong
            yield Difference("NN416", f"import section: {what}", before[2], after[2], remedy)


def _imports(part: Part) -> Iterator[tuple[str, object, int]]:
    """Each import: its module name, its form as the guest sees it, and the position of its name."""
    index = 0
    side, data = part.side, part.section.data
    for group in groups(part.section):
        for item in group.imports:
            what: object = (item.name.text, data[item.extern_start : item.extern_end])
            if item.extern.is_func:
                standing = side.info.adapters.get(index)
                what = (
                    standing.adapter.function if standing else item.name.text,
                    standing.type_index if standing else item.extern.type_index,
                    item.extern.kind,
                )
                index += 1
            yield group.module.text, what, item.name.start


def renamed_dylink(one: Part, other: Part) -> bytes:
    """The content of a section "dylink.0" of the original after its imports get the names that they
    have in the rewritten module.

    Raises MalformedModule if the section cannot be read.
    """
    modules = {old: new for (old, _), (new, _) in _import_names(one.side, other.side) if old != new}
    rename = renaming(modules, _import_names(one.side, other.side))
    section, content = one.section, bytearray()
    copied = section.content
    for edit in rename_in_dylink(section, rename):
        content += section.data[copied : edit.start] + edit.replacement
        copied = edit.end
    return bytes(content + section.data[copied : section.end])


def _import_names(left: Side, right: Side) -> Iterator[tuple[ImportName, ImportName]]:
    """The names of each import in both modules."""
    sections = left.module.find(SectionId.IMPORT), right.module.find(SectionId.IMPORT)
    names = (
        (
            (group.module.text, item.name.text)
            for group in (groups(section) if section else ())
            for item in group.imports
        )
        for section in sections
    )
    return zip(*names, strict=False)


def compare_adapter_names(left: Side, right: Side) -> Iterator[Difference]:
    """The differences in the names of adapters. Their names in exports, and in the name section if
    there is one, must be those that a rewrite gives, or those of the original."""
    if not right.info.adapters:
        return
    kept = left.behind == right.behind
    exports = _exports(right)
    section = right.module.find(SectionId.EXPORT)
    as_before = kept and exports == _exports(left)
    if section and not as_before and exports != _exports_as_written(right):
        what = f"{section.title}: adapters are not exported under the names that a rewrite gives"
        yield Difference("NN417", what, None, section.start)
    names = right.module.custom(NAMES)
    if names is None or not takes_names(names):
        return
    named = _named(right)
    standing = {found.function_index: found.adapter for found in right.info.adapters.values()}
    as_written = all(_is_called(adapter, named.get(at)) for at, adapter in standing.items())
    if not as_written and not (kept and named == _named(left)):
        what = f"{names.title}: adapters do not have the names that a rewrite gives"
        yield Difference("NN417", what, None, names.start)


def _exports(side: Side) -> list[str]:
    """The export names of adapters, in order."""
    return [item.text for item in own_exports(side.module, side.info.adapters)]


def _exports_as_written(side: Side) -> list[str]:
    adapters = sorted(side.info.adapters.items(), key=lambda item: item[1].function_index)
    return [
        found.adapter.export(slot)
        for slot, found in adapters
        if found.adapter.generation != UNMARKED
    ]


def _named(side: Side) -> dict[int, str]:
    """The names of adapters in the name section, by function index."""
    section = side.module.custom(NAMES)
    names, _ = function_names(section) if section else ((), b"")
    return {index: raw.decode(errors="replace") for index, raw in names if index in side.behind}


def _is_called(adapter: Adapter, name: str | None) -> bool:
    """Whether a rewrite would give this name to an adapter. Several adapters can have the same
    bytes; if they are not exported, only the name tells them apart."""
    if name == adapter.name or name is None or adapter.generation != UNMARKED:
        return name == adapter.name
    from rewriter.adapters.adapter import same_adapter  # rarely needed

    read = read_name(name)
    named = adapter_of(read) if read else None
    return named is not None and same_adapter(named._replace(generation=UNMARKED), adapter)

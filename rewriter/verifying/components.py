"""Compares modules and components with what rewrites make of them. A component can become a core
module, or a component again."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from types import MappingProxyType

from rewriter.abi.snapshots import PACKAGE, SNAPSHOTS, VERSIONED
from rewriter.analysis.components.described import describe_component
from rewriter.analysis.components.versions import (
    misfits_of,
    renamed_to,
    shimmed,
    version_obstacles,
)
from rewriter.components.component import Component
from rewriter.components.items import imports
from rewriter.components.sections import ComponentSection, SectionKind, is_component
from rewriter.errors import ModuleError, UnsupportedModule, UsageError
from rewriter.files.input import Source
from rewriter.inlining.versions import Changed
from rewriter.rewriting.flattening.flatten import flatten
from rewriter.rewriting.flattening.named import names_in
from rewriter.rewriting.making.adapter import NO_NAMES, Names
from rewriter.rewriting.making.core import start_later
from rewriter.rewriting.making.names import in_order
from rewriter.rewriting.values import Rename
from rewriter.rewriting.versions.names import by_rename, check_names
from rewriter.terminal import command_line
from rewriter.verifying.compare import Comparison
from rewriter.verifying.compare import compare as compare_modules
from rewriter.verifying.compare_records import compare_record_sections
from rewriter.verifying.difference import Difference, compare_bytes
from rewriter.wasm.custom import RECORD, Custom, custom_kind
from rewriter.wasm.leb128 import reencode_u32
from rewriter.wasm.module import Module, check_bytes
from rewriter.wasm.reader import Data
from rewriter.wasm.sections import SectionId

__all__ = ["compare", "compare_components", "core_of", "read"]


def compare(
    original: Data | Module | Component,
    rewritten: Data | Module | Component,
    *,
    renames: Mapping[str, str] | None = None,
    guest_abi: str | None = None,
    outputs: Mapping[int, str] | None = None,
    inputs: Mapping[int, str] | None = None,
) -> Comparison:
    """Compare two core modules, or two components, section by section. Otherwise a component stands
    for the core module that a rewrite makes of it. In a component that was made of a core module,
    a start function may have become the export `_start`.

    wasi-nn's module names of imports, or its versions in a component's imports, may differ, and
    other names as in `renames`, old to new. `guest_abi` is the value of this option in the rewrite,
    which its result may contain in a mark. `outputs` and `inputs` are the names of the model's
    outputs and inputs that the rewrite of a component was given, by index.

    Raises ModuleError if one of them cannot be read, or cannot become a core module, with its name
    if the error is found before the comparison, and UsageError for invalid names, unknown ABIs,
    indices of `outputs` with gaps, and options that have no effect on components.
    """
    left, right = _read(original, "original"), _read(rewritten, "rewritten")
    if isinstance(left, Component) and isinstance(right, Component):
        if guest_abi is not None:
            raise UsageError("guest_abi (--guest-abi) has no effect on components")
        return compare_components(left, right, renames or {}, in_order(outputs or {}), inputs or {})
    recorded = left.data if isinstance(left, Component) else None
    names = NO_NAMES
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Component) and isinstance(other, Module):
            names = names_in(other)
    made = isinstance(right, Component)
    left, right = (
        _flattened(each, names) if isinstance(each, Component) else each for each in (left, right)
    )
    if made and right.find(SectionId.START) is None:
        left = start_later(left)
    return compare_modules(left, right, renames=renames, guest_abi=guest_abi, recorded=recorded)


def read(source: Source) -> Module | Component:
    """A module or a component. Raises ModuleError, which names the file."""
    return _read(source.data, source.name)


def core_of(source: Source) -> Module:
    """The module itself, or what a component becomes. Raises ModuleError, which names the file,
    where it is neither, or cannot become a core module."""
    found = read(source)
    return _flattened(found) if isinstance(found, Component) else found


def _read(data: Data | Module | Component, name: str) -> Module | Component:
    if isinstance(data, Module | Component):
        return data
    check_bytes(data)
    try:
        return Component(data, name) if is_component(data) else Module(data, name)
    except ModuleError as error:
        raise error.of(name) from error


def _flattened(component: Component, names: Names = NO_NAMES) -> Module:
    try:
        return Module(flatten(component, names).data, component.name)
    except ModuleError as error:
        raise error.of(component.name) from error


def compare_components(
    original: Component,
    rewritten: Component,
    renames: Mapping[str, str],
    outputs: Sequence[str] = (),
    inputs: Mapping[int, str] = MappingProxyType({}),
) -> Comparison:
    """Compare two components section by section. The versions of wasi:nn in the names of imports
    may differ, and other names as in `renames`, which may also name packages. If functions have
    changed between the versions, the shim is made again, with these `outputs` and `inputs`, and
    compared.

    Raises UsageError for names that no import can have, and for names that are needed and missing.
    """
    check_names(renames)
    found = _compared(original, original, rewritten, renames)
    changed = (
        None if found.only_rewritten else _shim_made_again(original, rewritten, outputs, inputs)
    )
    if changed is None:
        return found
    old, new, data = changed
    again = _compared(original, Component(data, original.name), rewritten, renames)
    return replace(
        again,
        renames=(*map(Rename._make, zip(old, new, itertools.repeat(1))), *again.renames),
        adapters=("for another version of wasi:nn",),
    )


def _shim_made_again(
    original: Component,
    rewritten: Component,
    outputs: Sequence[str],
    inputs: Mapping[int, str],
) -> tuple[Sequence[str], Sequence[str], bytes] | None:
    """The names of wasi:nn's imports before and after, and the original with the shim that a
    rewrite adds. None where it adds none. Raises UsageError for names that are needed and
    missing."""
    before, after = describe_component(original), describe_component(rewritten)
    versions = {item.version for item in after.wasi_nn}
    target = next((each for each in VERSIONED if {each.version} == versions), None)
    if target is None or not version_obstacles(before, target):
        return None
    changed = shimmed(before, target, outputs, inputs)
    if isinstance(changed, UnsupportedModule) and changed.code in _NEEDED:
        raise UsageError(
            f"{_NEEDED[changed.code]}: the names that the rewrite was given, or has read in a "
            "model, are needed to make the shim again; its condition NN369 or NN375 has them"
        )
    if not isinstance(changed, Changed):
        return None
    names = renamed_to(before, target)
    return tuple(names), tuple(names.values()), changed.data


_NEEDED = {"NN366": "outputs (--output-name)", "NN354": "inputs (--input-name)"}


def _compared(
    original: Component, changed: Component, rewritten: Component, renames: Mapping[str, str]
) -> Comparison:
    """Compare the original, after it has `changed`, with another component."""
    comparing = _Comparing(changed, renames)
    differences = list(comparing.sections(original, changed, rewritten))
    return Comparison(
        tuple(Rename(old, new, count) for (old, new), count in comparing.renamed.items()),
        (),
        tuple(comparing.dropped),
        (),
        tuple(differences),
        comparing.same,
    )


class _Comparing:
    def __init__(self, original: Component, renames: Mapping[str, str]) -> None:
        self._imported = {item.name: item for item in describe_component(original).imports}
        self._allowed = by_rename(self._imported, renames)
        self._versions: Sequence[str] = ()
        """Those of wasi:nn in the rewritten component, one unless it was changed by halves."""
        self.renamed: Counter[tuple[str, str]] = Counter()
        self.dropped: list[str] = []
        self.same = 0

    def sections(
        self, original: Component, changed: Component, rewritten: Component
    ) -> Iterator[Difference]:
        names = (_versioned(item.name.text) for item in rewritten.imports)
        self._versions = [each for name, each in names if name.startswith(f"{PACKAGE}/")]
        before, after = _sections(changed), _sections(rewritten)
        yield from compare_record_sections(
            [each for each in original.sections if each.name == RECORD],
            [each for each in rewritten.sections if each.name == RECORD],
            original.data,
        )
        one, other = next(before, None), next(after, None)
        while one is not None or other is not None:
            if one is not None and (other is None or _kind(one) != _kind(other)):
                if custom_kind(one.name) is Custom.SIGNATURE:
                    self.dropped.append(one.name or "")
                    one = next(before, None)
                    continue
                start = other and other.start
                yield Difference("NN403", f"{_title(one)} is gone", one.start, start)
                return
            if one is None or other is None:
                if other is not None:
                    yield Difference("NN404", f"{_title(other)} was added", None, other.start)
                return
            yield from self._section(one, other)
            one, other = next(before, None), next(after, None)

    def _section(self, one: ComponentSection, other: ComponentSection) -> Iterator[Difference]:
        changed = self.renamed.total()
        if one.kind is SectionKind.IMPORT:
            found = list(self._imports(one, other))
        else:
            before, after = range(one.content, one.end), range(other.content, other.end)
            found = list(compare_bytes(_title(one), one.data, before, other.data, after))
        if not found and _width(other) != _width_of(one, other.size):
            what = f"{_title(one)}: the width of the size field differs"
            found.append(Difference("NN405", what, one.start + 1, other.start + 1))
        self.same += not found and self.renamed.total() == changed
        yield from found

    def _imports(self, one: ComponentSection, other: ComponentSection) -> Iterator[Difference]:
        """The names that differ but must not, and the first other difference."""
        title, ends = _title(one), (one.content, other.content)
        for before, after in zip_longest(imports(one.cursor()), imports(other.cursor())):
            if before is None or after is None:
                yield Difference("NN411", f"{title}: a different import", *ends)
                return
            gaps = range(ends[0], before.name.start), range(ends[1], after.name.start)
            if found := list(compare_bytes(title, one.data, gaps[0], other.data, gaps[1])):
                yield from found
                return
            old, new = before.name.text, after.name.text
            if old != new:
                self.renamed[old, new] += 1
                if wrong := self._wrong(old, new):
                    what, remedy = wrong
                    starts = before.name.start, after.name.start
                    yield Difference("NN416", f"{title}: {what}", *starts, remedy)
            ends = before.name.end, after.name.end
        rest = range(ends[0], one.end), range(ends[1], other.end)
        yield from compare_bytes(title, one.data, rest[0], other.data, rest[1])

    def _wrong(self, old: str, new: str) -> tuple[str, str | None] | None:
        """Why an import must not have another name, and the remedy."""
        if self._allowed.get(old) == new:
            return None
        (before, was), (after, version) = (_versioned(name) for name in (old, new))
        is_wasi_nn = before.startswith(f"{PACKAGE}/") and before == after
        if not is_wasi_nn or was not in _VERSIONS or version not in _GIVEN:
            option = command_line(("--rename", f"{old}={new}"))
            return f"{old} became {new}", f"{option} allows it"
        other = next((each for each in self._versions if each != version), None)
        if other is not None:
            others = f"{PACKAGE}@{other}" if other else f"{PACKAGE} without a version"
            return f"{old} became {new}, and others are of {others}", None
        changed = [
            next(misfits_of(self._imported[old], snapshot), None)
            for snapshot in SNAPSHOTS
            if snapshot.version == version
        ]
        if changed[0] is not None and all(changed):
            return f"{old} became {new}, but a rewrite adds a shim for {changed[0].function}", None
        return None


_VERSIONS = frozenset(each.version for each in SNAPSHOTS)
_GIVEN = frozenset(each.version for each in VERSIONED)
"""Versions that a rewrite gives."""


def _versioned(name: str) -> tuple[str, str]:
    interface, _, version = name.partition("@")
    return interface, version


def _sections(component: Component) -> Iterator[ComponentSection]:
    return (section for section in component.sections if section.name != RECORD)


def _kind(section: ComponentSection) -> tuple[SectionKind, str | None]:
    return section.kind, section.name


def _title(section: ComponentSection) -> str:
    if section.name is not None:
        return f"custom section {section.name}"
    return f"{section.kind.name.lower().replace('_', ' ')} section"


def _width(section: ComponentSection) -> int:
    """The bytes of the size field."""
    return section.content - section.start - 1


def _width_of(section: ComponentSection, size: int) -> int:
    """The bytes of the size field after a rewrite has given the section this size."""
    return len(reencode_u32(size, old=section.size, old_width=_width(section)))

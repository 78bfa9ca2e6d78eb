"""Changes the module names of imports, and the names and types of adapted imports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import NamedTuple

from rewriter.abi.dialects import MODULE_NAMES
from rewriter.errors import UnsupportedModule
from rewriter.rewriting.values import ImportedAs, Rename
from rewriter.wasm.imports import GROUP_BY_MODULE, Import, groups
from rewriter.wasm.leb128 import encode_u32, reencode_u32
from rewriter.wasm.patch import Edit, Patch, renamed
from rewriter.wasm.reader import Data
from rewriter.wasm.sections import Section, SectionId

__all__ = ["Renamed", "rewrite_imports"]


class Renamed(NamedTuple):
    """The renames that were made. If imports of several modules get the same new module name,
    `together` maps it to the old names. `ungrouped` counts the imports that were taken out of
    groups."""

    renames: tuple[Rename, ...]
    together: Mapping[str, Set[str]]
    ungrouped: int = 0


_LONGEST_PLAIN = 1 << 26
"""The most bytes of an import section without groups: the most imports that engines accept
(rewriter.wasm.limits), of 64 bytes each. The limit is needed because a group stores its module
name, which can be long, only once for any number of imports."""


def rewrite_imports(
    patch: Patch,
    mapping: Mapping[str, str],
    changes: Mapping[int, ImportedAs],
    *,
    plain: bool = False,
) -> Renamed:
    """Rename the modules of imports by `mapping`, and give the functions in `changes` new names and
    types. With `plain`, the imports of groups are written one by one.

    Raises MalformedModule if the import section cannot be read, and UnsupportedModule if it would
    be too long.
    """
    section = patch.module.find(SectionId.IMPORT)
    if section is None:
        return Renamed((), {})
    if plain and any(group.compact for group in groups(section)):
        return _write_plain(patch, section, mapping, changes)
    data = section.data
    content = bytearray()
    copied = section.content
    counts = _Counts(mapping)
    functions = 0
    for group in groups(section):
        module = group.module
        new = mapping.get(module.text, module.text)
        edits = []
        if new != module.text:
            edits.append(Edit(module.start, module.end, renamed(module, new)))
        imports: Iterable[Import] = group.imports
        if changes and (module.text in MODULE_NAMES or new in MODULE_NAMES):
            imports = [*imports]
            edits += _change_functions(data, group.form, functions, imports, changes)
        count, functions_among = _count(imports)
        functions += functions_among
        for edit in edits:
            content += data[copied : edit.start] + edit.replacement
            copied = edit.end
        counts.add(module.text, new, count)
    if copied > section.content:
        content += data[copied : section.end]
        patch.edit(section, [Edit(section.content, section.end, bytes(content))])
    return counts.renamed()


def _write_plain(
    patch: Patch, section: Section, mapping: Mapping[str, str], changes: Mapping[int, ImportedAs]
) -> Renamed:
    data = section.data
    content = bytearray()
    counts = _Counts(mapping)
    number = functions = ungrouped = 0
    for group in groups(section):
        old = group.module
        new = mapping.get(old.text, old.text)
        module = data[old.start : old.end] if new == old.text else renamed(old, new)
        for item in group.imports:
            name, extern = data[item.name.start : item.name.end], _extern(data, item)
            change = changes.get(functions) if item.extern.is_func else None
            if change is not None:
                name, extern = renamed(item.name, change[0]), _retyped(extern, item, change[1])
            content += module + name + extern
            if len(content) > _LONGEST_PLAIN:
                what = f"its imports, written one by one, take more than {_LONGEST_PLAIN} bytes"
                raise UnsupportedModule(what, section.start, "NN104")
            number += 1
            ungrouped += group.compact
            functions += item.extern.is_func
            counts.add(old.text, new, 1)
    whole = encode_u32(number) + content
    patch.edit(section, [Edit(section.content, section.end, whole)])
    return counts.renamed()._replace(ungrouped=ungrouped)


class _Counts:
    """Counts imports by old and new module name, for names that take part in a rename."""

    def __init__(self, mapping: Mapping[str, str]) -> None:
        self._targets = frozenset(mapping.values())
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, old: str, new: str, count: int) -> None:
        if old != new or new in self._targets:
            self._counts[old, new] += count

    def renamed(self) -> Renamed:
        together: dict[str, set[str]] = {}
        for old, new in self._counts:
            together.setdefault(new, set()).add(old)
        return Renamed(
            tuple(Rename(o, n, count) for (o, n), count in self._counts.items() if o != n),
            {new: olds for new, olds in together.items() if len(olds) > 1},
        )


def _extern(data: Data, item: Import) -> bytes:
    return data[item.extern_start : item.extern_end]


def _retyped(extern: bytes, item: Import, type_index: int) -> bytes:
    """The encoding of an imported function with another type index."""
    old = item.extern.type_index or 0
    return extern[:1] + reencode_u32(type_index, old=old, old_width=len(extern) - 1)


def _count(imports: Iterable[Import]) -> tuple[int, int]:
    """The number of imports, and how many of them are functions."""
    count = functions = 0
    for item in imports:
        count += 1
        functions += item.extern.is_func
    return count, functions


def _change_functions(
    data: Data,
    form: int | None,
    first: int,
    imports: Sequence[Import],
    changes: Mapping[int, ImportedAs],
) -> Iterator[Edit]:
    """The edits that change functions in a group. `imports` are the imports of the group, and
    `first` is the index of the first function among them."""
    items = [*enumerate((item for item in imports if item.extern.is_func), first)]
    if not any(index in changes for index, _ in items):
        return
    if form is not None:  # the imports no longer share a type: each gets its own
        yield Edit(form, form + 1, bytes([GROUP_BY_MODULE]))
        yield Edit(items[0][1].extern_start, items[0][1].extern_end, b"")
    for index, item in items:
        extern = _extern(data, item)
        change = changes.get(index)
        if change is not None:
            name, type_index = change
            yield Edit(item.name.start, item.name.end, renamed(item.name, name))
            extern = _retyped(extern, item, type_index)
        if form is not None:
            yield Edit(item.name.end, item.name.end, extern)
        elif change is not None:
            yield Edit(item.extern_start, item.extern_end, extern)

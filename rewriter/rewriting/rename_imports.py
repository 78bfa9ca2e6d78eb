"""Imports get other module names, and those that are adapted other names and types."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from rewriter.abi.dialects import MODULE_NAMES
from rewriter.rewriting.values import ImportedAs, Rename
from rewriter.wasm.imports import GROUP_BY_MODULE, Import, groups
from rewriter.wasm.leb128 import reencode_u32
from rewriter.wasm.patch import Edit, Patch, renamed
from rewriter.wasm.reader import Data
from rewriter.wasm.sections import SectionId

__all__ = ["rewrite_imports"]


def rewrite_imports(
    patch: Patch, mapping: Mapping[str, str], changes: Mapping[int, ImportedAs]
) -> tuple[Rename, ...]:
    """Give imports other module names, and the functions in `changes` other names and types.

    Raises MalformedModule where the import section cannot be read.
    """
    section = patch.module.find(SectionId.IMPORT)
    if section is None:
        return ()
    data = section.data
    content = bytearray()
    copied = section.content
    counts: Counter[tuple[str, str]] = Counter()
    functions = 0
    for group in groups(section):
        module = group.module
        new = mapping.get(module.text, module.text)
        edits = []
        if new != module.text:
            edits.append(Edit(module.start, module.end, renamed(module, new)))
        imports: Iterable[Import] = group.imports
        if changes and module.text in MODULE_NAMES:
            imports = [*imports]
            edits += _change_functions(data, group.form, functions, imports, changes)
        count, functions_among = _count(imports)
        functions += functions_among
        for edit in edits:
            content += data[copied : edit.start] + edit.replacement
            copied = edit.end
        if new != module.text:
            counts[module.text, new] += count
    if copied > section.content:
        content += data[copied : section.end]
        patch.edit(section, [Edit(section.content, section.end, bytes(content))])
    return tuple(Rename(old, new, count) for (old, new), count in counts.items())


def _count(imports: Iterable[Import]) -> tuple[int, int]:
    """How many imports there are, and how many of them are functions."""
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
    """`imports` are those of a group, and `first` is the index of the first function of them."""
    items = [*enumerate((item for item in imports if item.extern.is_func), first)]
    if not any(index in changes for index, _ in items):
        return
    if form is not None:  # the imports no longer share a type: each gets its own
        yield Edit(form, form + 1, bytes([GROUP_BY_MODULE]))
        yield Edit(items[0][1].extern_start, items[0][1].extern_end, b"")
    for index, item in items:
        extern = data[item.extern_start : item.extern_end]
        change = changes.get(index)
        if change is not None:
            name, type_index = change
            yield Edit(item.name.start, item.name.end, renamed(item.name, name))
            old = item.extern.type_index or 0
            extern = extern[:1] + reencode_u32(type_index, old=old, old_width=len(extern) - 1)
        if form is not None:
            yield Edit(item.name.end, item.name.end, extern)
        elif change is not None:
            yield Edit(item.extern_start, item.extern_end, extern)

"""Imports get other module names, and those that are adapted other names and types."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from rewriter.abi.dialects import MODULE_NAMES
from rewriter.errors import UsageError
from rewriter.rewriting.values import ImportedAs, Rename
from rewriter.wasm.imports import GROUP_BY_MODULE, Import, groups
from rewriter.wasm.leb128 import reencode_u32
from rewriter.wasm.patch import Edit, Patch, renamed
from rewriter.wasm.reader import Data
from rewriter.wasm.sections import SectionId

__all__ = ["rename_map", "rewrite_imports"]

_MAX_NAME = 100_000
"""Bytes; engines refuse longer names.

https://webassembly.github.io/spec/js-api/#limits
"""


def rename_map(to: str | None, renames: Mapping[str, str] | None = None) -> dict[str, str]:
    """Old names to new: the wasi-nn names that are not `to`, and `renames` besides.

    Raises UsageError for a `to` that is no wasi-nn name, and for names that are empty, over
    100,000 bytes, or renamed in two ways.
    """
    mapping = dict(renames or {})
    for name in (*mapping, *mapping.values()):
        if not name:
            raise UsageError("an import module name to rename from or to is empty")
        if len(name.encode()) > _MAX_NAME:
            raise UsageError(f"an import module name may have {_MAX_NAME} bytes at most")
    if to is None:
        return mapping
    if to not in MODULE_NAMES:
        raise UsageError(f"{to!r} is not a wasi-nn module name ({' or '.join(MODULE_NAMES)})")
    for old in MODULE_NAMES:
        if old != to and mapping.setdefault(old, to) != to:
            raise UsageError(f"{old} cannot become {to} and {mapping[old]} at once")
    return mapping


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

"""The names of imports in "dylink.0", the custom section of dynamic libraries.

https://github.com/WebAssembly/tool-conventions/blob/main/DynamicLinking.md
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from rewriter.errors import MalformedModule
from rewriter.wasm.patch import Edit, growth, renamed, resized
from rewriter.wasm.reader import Cursor
from rewriter.wasm.sections import Section

__all__ = ["ImportName", "rename_in_dylink", "renaming"]

ImportName = tuple[str, str]
"""The module name of an import, and its name."""

_IMPORT_INFO = 4
"""WASM_DYLINK_IMPORT_INFO, the subsection with flags for imports."""


def rename_in_dylink(section: Section, rename: Callable[[ImportName], ImportName]) -> list[Edit]:
    """The edits that rename the imports in a section "dylink.0".

    Raises MalformedModule if the section cannot be read.
    """
    edits: list[Edit] = []
    cursor = section.cursor()
    cursor.name()
    while cursor.pos < cursor.end:
        kind, size_start, size = cursor.byte(), cursor.pos, cursor.u32()
        start, end = cursor.pos, cursor.pos + size
        if end > cursor.end:
            raise MalformedModule("a subsection runs past the end of its section", size_start)
        if kind == _IMPORT_INFO:
            inside = _rename(Cursor(section.data, start, end), rename)
            edits += [*resized(size_start, start, size, growth(inside)), *inside]
        cursor.pos = end
    return edits


def _rename(cursor: Cursor, rename: Callable[[ImportName], ImportName]) -> list[Edit]:
    """The edit to the entries after the number of imports, if any of them changes."""
    data, changes = cursor.data, False
    count = cursor.count("imports")
    start = copied = cursor.pos
    content = bytearray()
    for _ in range(count):
        old = cursor.name(), cursor.name()
        cursor.u32()
        for name, new in zip(old, rename((old[0].text, old[1].text)), strict=True):
            if new != name.text:
                content += data[copied : name.start] + renamed(name, new)
                copied, changes = name.end, True
    cursor.finish("the imports")
    content += data[copied : cursor.end] if changes else b""
    return [Edit(start, cursor.end, bytes(content))] if changes else []


def renaming(
    modules: Mapping[str, str], pairs: Iterable[tuple[ImportName, ImportName]] = ()
) -> Callable[[ImportName], ImportName]:
    """A function from the old names of an import to the new ones. `modules` are the module names
    that change. `pairs` are the names of imports before and after, if more than the module name
    changes. Imports with the same names share one entry in the section: if their new names differ,
    the entry keeps its name."""
    found: dict[ImportName, ImportName] = {}
    for old, new in pairs:
        if found.setdefault(old, new) != new:
            found[old] = modules.get(old[0], old[0]), old[1]
    return lambda old: found.get(old) or (modules.get(old[0], old[0]), old[1])

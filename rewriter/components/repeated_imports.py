"""Imports that a module has more than once: in a component, each needs a name of its own.

`wasm-tools component new` numbers them: the second `fd_write` becomes `fd_write [v2]`.

https://github.com/bytecodealliance/wasm-tools/tree/main/crates/wit-component
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from rewriter.wasm.imports import imports_of
from rewriter.wasm.module import Module
from rewriter.wasm.patch import Edit, Patch, renamed
from rewriter.wasm.reader import Name
from rewriter.wasm.sections import SectionId

__all__ = ["number_imports", "unnumber_imports"]

_NUMBERED = re.compile(r"(.*) \[v[0-9]+\]", re.DOTALL)


def number_imports(module: Module) -> bytes:
    """The module with numbers in the names of imports that an earlier import has."""
    seen: Counter[tuple[str, str]] = Counter()
    edits = []
    for group, name in _names(module):
        seen[group, name.text] += 1
        number = seen[group, name.text]
        if number > 1:
            edits.append(Edit(name.start, name.end, renamed(name, f"{name.text} [v{number}]")))
    return _edited(module, edits)


def unnumber_imports(module: Module) -> bytes:
    """The module without such numbers."""
    seen: set[tuple[str, str]] = set()
    edits = []
    for group, name in _names(module):
        numbered = _NUMBERED.fullmatch(name.text)
        if numbered is not None and (group, numbered[1]) in seen:
            edits.append(Edit(name.start, name.end, renamed(name, numbered[1])))
        seen.add((group, name.text))
    return _edited(module, edits)


def _names(module: Module) -> Iterator[tuple[str, Name]]:
    for group, item in imports_of(module):
        yield group.module.text, item.name


def _edited(module: Module, edits: list[Edit]) -> bytes:
    section = module.find(SectionId.IMPORT)
    if section is None or not edits:
        return bytes(module.data)
    patch = Patch(module)
    patch.edit(section, edits)
    return patch.applied()

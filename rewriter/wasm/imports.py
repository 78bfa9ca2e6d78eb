"""The import section, in its plain and its compact forms.

Specification: https://webassembly.github.io/spec/core/binary/modules.html#import-section and
https://github.com/WebAssembly/compact-import-section. In the compact form, an empty field name
followed by 0x7F or 0x7E opens a group of imports that share their module name, or their module name
and type.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from itertools import islice
from typing import NamedTuple
from weakref import WeakKeyDictionary

from rewriter.errors import MalformedModule
from rewriter.wasm.module import Module
from rewriter.wasm.reader import Cursor, Name
from rewriter.wasm.sections import Section, SectionId
from rewriter.wasm.types import MemoryType, memory_type, table_type, value_type

__all__ = [
    "GROUP_BY_MODULE",
    "GROUP_BY_MODULE_AND_TYPE",
    "Extern",
    "ExternKind",
    "Group",
    "Import",
    "groups",
    "groups_of",
    "imports_of",
    "is_unlinked",
    "read_extern",
]

GROUP_BY_MODULE = 0x7F
GROUP_BY_MODULE_AND_TYPE = 0x7E


class ExternKind(IntEnum):
    FUNC = 0x00
    TABLE = 0x01
    MEMORY = 0x02
    GLOBAL = 0x03
    TAG = 0x04
    FUNC_EXACT = 0x20
    """A function of exactly the named type (custom descriptors proposal)."""


class Extern(NamedTuple):
    """The kind and type of an import. `type_index` is set for functions and tags, `memory` for
    memories."""

    kind: ExternKind
    type_index: int | None = None
    memory: MemoryType | None = None

    @property
    def is_func(self) -> bool:
        return self.kind in (ExternKind.FUNC, ExternKind.FUNC_EXACT)


class Import(NamedTuple):
    """One import. Its `extern` is encoded at extern_start..extern_end, which all imports of a group
    may share."""

    name: Name
    extern: Extern
    extern_start: int
    extern_end: int


class Group(NamedTuple):
    """Imports that share one occurrence of their module name. A plain import is a group of one.

    `form` is the position of the byte that opens a group whose imports also share their type, and
    None for other groups. `imports` may read the section while it is iterated, so it must
    be used once, before the next group is requested. `compact` is false for plain imports.
    """

    module: Name
    form: int | None
    imports: Iterable[Import]
    compact: bool


def is_unlinked(module: Module) -> bool:
    """Whether a module is an object file that is not linked yet. All of them import their memory
    under the same name.

    https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md
    """
    return any(
        group.module.text == "env" and item.name.text == "__linear_memory"
        for group, item in imports_of(module)
    )


_FEW = 100
"""Imports that are kept."""

_KEPT: WeakKeyDictionary[Module, Sequence[Group]] = WeakKeyDictionary()
"""Cache: several parts of the analysis read the imports."""


def imports_of(module: Module) -> Iterator[tuple[Group, Import]]:
    """Each import of a module, with its group, whose own `imports` are not to be read.

    Raises what `groups` does.
    """
    return ((group, item) for group in groups_of(module) for item in group.imports)


def groups_of(module: Module) -> Iterable[Group]:
    """What `groups` says of a module. If the imports are few, they are read only once."""
    section = module.find(SectionId.IMPORT)
    if section is None:
        return ()
    if module not in _KEPT:
        few = _few(section)
        if few is None:
            return groups(section)
        _KEPT[module] = few
    return _KEPT[module]


def _few(section: Section) -> Sequence[Group] | None:
    """The groups, if they and their imports are few."""
    found: list[Group] = []
    left = _FEW
    for group in groups(section):
        items = tuple(islice(group.imports, left + 1))
        left -= max(1, len(items))
        if left < 0:
            return None
        found.append(group._replace(imports=items))
    return found


def groups(section: Section) -> Iterator[Group]:
    """Read an import section group by group. Only one import is kept in memory at a time.

    Raises MalformedModule, with the offset, at the first invalid byte.
    """
    cursor = section.cursor()
    for _ in range(cursor.count("imports")):
        module = cursor.name()
        start = cursor.pos
        field = cursor.name()
        form = cursor.byte() if field.text == "" else None
        compact = True
        if form == GROUP_BY_MODULE:
            imports = _by_module(cursor)
        elif form == GROUP_BY_MODULE_AND_TYPE:
            imports = _by_module_and_type(cursor)
        else:
            compact = False
            cursor.pos = start
            imports = iter((_import(cursor),))
        by_type = field.end if form == GROUP_BY_MODULE_AND_TYPE else None
        yield Group(module, by_type, imports, compact)
        for _ in imports:
            pass  # read the imports that the caller did not
    cursor.finish("the imports")


def _import(cursor: Cursor) -> Import:
    name = cursor.name()
    start = cursor.pos
    return Import(name, read_extern(cursor), start, cursor.pos)


def _by_module(cursor: Cursor) -> Iterator[Import]:
    for _ in range(cursor.count("imports in a group")):
        yield _import(cursor)


def _by_module_and_type(cursor: Cursor) -> Iterator[Import]:
    start = cursor.pos
    extern = read_extern(cursor)
    end = cursor.pos
    for _ in range(cursor.count("imports in a group")):
        yield Import(cursor.name(), extern, start, end)


def read_extern(cursor: Cursor) -> Extern:
    """Read what an import is, or what the type of a module says of an export."""
    start = cursor.pos
    code = cursor.byte()
    try:
        kind = ExternKind(code)
    except ValueError:
        raise MalformedModule(f"unknown import kind {code:#04x}", start) from None
    if kind is ExternKind.TABLE:
        table_type(cursor)
    elif kind is ExternKind.MEMORY:
        return Extern(kind, memory=memory_type(cursor))
    elif kind is ExternKind.GLOBAL:
        value_type(cursor)
        cursor.byte()
    else:
        if kind is ExternKind.TAG:
            cursor.byte()
        return Extern(kind, type_index=cursor.u32())
    return Extern(kind)

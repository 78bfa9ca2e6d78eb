"""Finds the WebAssembly features that a module uses, section by section.

Specification: https://webassembly.github.io/spec/core/binary/modules.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from enum import Enum
from weakref import WeakKeyDictionary

from rewriter.functions.code import defined_functions
from rewriter.functions.feature import Feature
from rewriter.functions.features import Found, add, in_expression, of_value_type
from rewriter.functions.frames import Surroundings
from rewriter.functions.storage import TABLE_WITH_VALUE
from rewriter.functions.survey.used_features import in_bodies
from rewriter.wasm.imports import ExternKind, groups_of
from rewriter.wasm.module import Module
from rewriter.wasm.reader import Cursor, Name
from rewriter.wasm.sections import Section, SectionId
from rewriter.wasm.types import memory_type, table_type, value_type

__all__ = ["SIZES", "WEBASSEMBLY_2", "features", "features_for"]

WEBASSEMBLY_2 = frozenset((Feature.BULK_MEMORY, Feature.REFERENCE_TYPES, Feature.SIMD))
"""Those of WebAssembly 2.0 that some host does not have.

https://www.w3.org/TR/wasm-core-2/#change-history
"""

SIZES = frozenset(
    (
        *(Feature.MANY_LOCALS, Feature.MANY_OPERANDS, Feature.MANY_SLOTS, Feature.MANY_LABELS),
        Feature.DEEP_BLOCKS,
    )
)
"""What only large functions have."""


_FOUND: WeakKeyDictionary[Module, Found] = WeakKeyDictionary()
_NEWER: WeakKeyDictionary[Module, dict[Bodies, Found]] = WeakKeyDictionary()
"""Caches: a module is compared with many hosts, but read once."""


def features(module: Module) -> Mapping[Feature, int]:
    """The features that a module uses, each with the byte offset of its first use. This reads all
    of the code, which takes about a second for 30 MB.

    Raises MalformedModule for unreadable sections.
    """
    if module not in _FOUND:
        _FOUND[module] = _read(module)
    return _FOUND[module]


def features_for(module: Module, taken: Collection[Feature]) -> Mapping[Feature, int]:
    """The features that a module uses besides those `taken` ones that a host has in any case, each
    with the byte offset of its first use; some of the `taken` may be among them. Where a validator
    has said that the module is valid in WebAssembly 2.0, and that is taken, this does not read the
    code of small functions, and none at all where sizes of functions are taken, too.

    Raises MalformedModule for unreadable sections.
    """
    if module in _FOUND or not module.is_valid_2 or not WEBASSEMBLY_2.issubset(taken):
        return features(module)
    bodies = Bodies.NONE if SIZES.issubset(taken) else Bodies.LARGE
    newer = _NEWER.setdefault(module, {})
    if bodies not in newer:
        newer[bodies] = _read(module, bodies)
    return newer[bodies]


class Bodies(Enum):
    """Which function bodies are read."""

    ALL = 0
    LARGE = 1
    NONE = 2


def _read(module: Module, which: Bodies = Bodies.ALL) -> Found:
    found: Found = {}
    _types(module, found)
    counts = {ExternKind.TABLE: 0, ExternKind.MEMORY: 0, ExternKind.GLOBAL: 0}
    for section in module.sections:
        if section.id is SectionId.IMPORT:
            _imports(module, found, counts)
        elif section.id in _READERS:
            _READERS[section.id](section, found, counts)
    if which is not Bodies.NONE:
        indices, bodies = defined_functions(module)
        around = Surroundings(module, indices)
        in_bodies(bodies, found, around, only_large=which is Bodies.LARGE)
    return found


Counts = dict[ExternKind, int]
"""The number of tables and memories so far, and of imported globals."""


_SUB, _SUB_FINAL, _SHARED, _DESCRIBES, _DESCRIPTOR = 0x50, 0x4F, 0x65, 0x4C, 0x4D
_FUNC, _STRUCT, _CONT = 0x60, 0x5F, 0x5D
_PACKED = frozenset((0x78, 0x77))


def _types(module: Module, found: Found) -> None:
    types = module.types
    for form, feature in (
        (types.newer_form, Feature.GC_TYPES),
        (types.said_final, Feature.FINAL_TYPES),
        (types.said_open, Feature.OPEN_TYPES),
    ):
        if form is not None:
            add(found, (feature,), form)
    _equal_types(module, found)
    for index, type_ in enumerate(types):
        start = types.start(index)
        cursor = Cursor(module.data, start, types.start(index + 1))
        if type_ is None or not type_.plain:
            _beyond_functions(cursor, found)
        if type_ is not None:
            for spelled in (*type_.params, *type_.results):
                add(found, of_value_type(spelled), start)


_MOST_EQUAL = 65535


def _equal_types(module: Module, found: Found) -> None:
    types = module.types
    if len(types) > _MOST_EQUAL:
        counts = Counter(types)
        for type_, count in counts.items():
            if type_ is not None and count > _MOST_EQUAL:
                add(found, (Feature.EQUAL_TYPES,), types.start(0))


def _beyond_functions(cursor: Cursor, found: Found) -> None:
    """The features of a type that is not a plain function type."""
    start = cursor.pos
    code = cursor.byte()
    if code in (_SUB, _SUB_FINAL):
        supertypes = cursor.count("supertypes")
        for _ in range(supertypes):
            cursor.u32()
        code = cursor.byte()
        if code == _FUNC and not supertypes:
            return
    if code == _SHARED:
        add(found, (Feature.SHARED_EVERYTHING,), start)
        code = cursor.byte()
    while code in (_DESCRIBES, _DESCRIPTOR):
        add(found, (Feature.DESCRIPTORS,), start)
        cursor.u32()
        code = cursor.byte()
    if code == _CONT:
        add(found, (Feature.STACK_SWITCHING,), start)
        return
    add(found, (Feature.GC_TYPES,), start)
    if code == _FUNC:
        return
    for _ in range(cursor.count("fields") if code == _STRUCT else 1):
        before = cursor.pos
        if cursor.byte() in _PACKED:
            add(found, (Feature.GC,), start)
        else:
            cursor.pos = before
            add(found, of_value_type(value_type(cursor)), start)
        cursor.byte()


def _imports(module: Module, found: Found, counts: Counts) -> None:
    for group in groups_of(module):
        if group.compact:
            add(found, (Feature.COMPACT_IMPORTS,), group.module.start)
        _name(group.module, found)
        for item in group.imports:
            _name(item.name, found)
            cursor = Cursor(module.data, item.extern_start, item.extern_end)
            kind = cursor.byte()
            if kind == ExternKind.FUNC_EXACT:
                add(found, (Feature.EXACT_IMPORTS,), item.extern_start)
            elif kind == ExternKind.TAG:
                add(found, (Feature.EXCEPTIONS,), item.extern_start)
            elif kind == ExternKind.GLOBAL:
                counts[ExternKind.GLOBAL] += 1
                _global_type(cursor, found)
            elif kind == ExternKind.TABLE:
                _table(cursor, found, counts)
            elif item.extern.memory is not None:
                _memory(cursor, found, counts, imported=True)


def _exports(section: Section, found: Found, _counts: Counts) -> None:
    cursor = section.cursor()
    for _ in range(cursor.items("exports")):
        _name(cursor.name(), found)
        cursor.byte()
        cursor.u32()


def _custom(section: Section, found: Found, _counts: Counts) -> None:
    if not section.name:
        add(found, (Feature.NAMELESS_SECTION,), section.start)
    elif "\0" in section.name:
        add(found, (Feature.NUL_IN_NAME,), section.start)


def _name(name: Name, found: Found) -> None:
    if "\0" in name.text:
        add(found, (Feature.NUL_IN_NAME,), name.start)


def _tables(section: Section, found: Found, counts: Counts) -> None:
    cursor = section.cursor()
    for _ in range(cursor.count("tables")):
        _table(cursor, found, counts)


def _table(cursor: Cursor, found: Found, counts: Counts) -> None:
    start = cursor.pos
    has_value = cursor.byte() == TABLE_WITH_VALUE
    cursor.pos = start + 2 if has_value else start
    after = cursor.pos
    spelled = value_type(cursor)
    cursor.pos = after
    if table_type(cursor).is_64:
        add(found, (Feature.TABLE_64,), start)
    if spelled != "funcref":
        add(found, of_value_type(spelled), start)
    counts[ExternKind.TABLE] += 1
    if counts[ExternKind.TABLE] > 1:
        add(found, (Feature.REFERENCE_TYPES,), start)
    if has_value:
        add(found, (Feature.FUNCTION_REFERENCES,), start)
        in_expression(cursor, found, counts[ExternKind.GLOBAL])


def _memories(section: Section, found: Found, counts: Counts) -> None:
    cursor = section.cursor()
    for _ in range(cursor.count("memories")):
        _memory(cursor, found, counts)


_HAS_PAGE_SIZE = 0x08


def _memory(cursor: Cursor, found: Found, counts: Counts, *, imported: bool = False) -> None:
    counts[ExternKind.MEMORY] += 1
    start = cursor.pos
    memory = memory_type(cursor)
    for feature, is_there in (
        (Feature.THREADS, memory.shared and not imported),
        (Feature.SHARED_IMPORT, memory.shared and imported),
        (Feature.MEMORY_64, memory.is_64),
        (Feature.PAGE_SIZES, cursor.data[start] & _HAS_PAGE_SIZE),
        (Feature.MEMORIES, counts[ExternKind.MEMORY] > 1),
    ):
        if is_there:
            found.setdefault(feature, start)


def _tags(section: Section, found: Found, _counts: Counts) -> None:
    add(found, (Feature.EXCEPTIONS,), section.start)


def _globals(section: Section, found: Found, counts: Counts) -> None:
    cursor = section.cursor()
    for _ in range(cursor.count("globals")):
        _global_type(cursor, found)
        in_expression(cursor, found, counts[ExternKind.GLOBAL])


_SHARED_GLOBAL = 0x02


def _global_type(cursor: Cursor, found: Found) -> None:
    start = cursor.pos
    add(found, of_value_type(value_type(cursor)), start)
    if cursor.byte() & _SHARED_GLOBAL:
        add(found, (Feature.SHARED_EVERYTHING,), start)


# Bits of an element segment's flags.
_NOT_ACTIVE, _HAS_TABLE_OR_DECLARES, _HAS_EXPRESSIONS = 0x01, 0x02, 0x04


def _elements(section: Section, found: Found, counts: Counts) -> None:
    cursor = section.cursor()
    for _ in range(cursor.count("element segments")):
        start = cursor.pos
        flags = cursor.u32()
        if flags:
            add(found, (Feature.REFERENCE_TYPES,), start)
        if not flags & _NOT_ACTIVE:
            if flags & _HAS_TABLE_OR_DECLARES:
                cursor.u32()
            in_expression(cursor, found, counts[ExternKind.GLOBAL])
        says_kind = bool(flags & (_NOT_ACTIVE | _HAS_TABLE_OR_DECLARES))
        if flags & _HAS_EXPRESSIONS:
            if says_kind:
                add(found, of_value_type(value_type(cursor)), start)
            for _ in range(cursor.count("elements")):
                in_expression(cursor, found, counts[ExternKind.GLOBAL])
        else:
            if says_kind:
                cursor.byte()
            for _ in range(cursor.count("elements")):
                cursor.u32()


_PASSIVE, _NAMES_MEMORY = 1, 2


def _data(section: Section, found: Found, counts: Counts) -> None:
    cursor = section.cursor()
    for _ in range(cursor.count("data segments")):
        start = cursor.pos
        flags = cursor.u32()
        if flags:
            add(found, (Feature.BULK_MEMORY,), start)
        if flags == _NAMES_MEMORY:
            cursor.u32()
        if flags != _PASSIVE:
            in_expression(cursor, found, counts[ExternKind.GLOBAL])
        size = cursor.count("bytes of data")
        cursor.pos += size


def _data_count(section: Section, found: Found, _counts: Counts) -> None:
    add(found, (Feature.BULK_MEMORY,), section.start)


_READERS: Mapping[SectionId, Callable[[Section, Found, Counts], None]] = {
    SectionId.CUSTOM: _custom,
    SectionId.TABLE: _tables,
    SectionId.MEMORY: _memories,
    SectionId.TAG: _tags,
    SectionId.GLOBAL: _globals,
    SectionId.EXPORT: _exports,
    SectionId.ELEMENT: _elements,
    SectionId.DATA: _data,
    SectionId.DATA_COUNT: _data_count,
}

"""Inspects a module: its imports, its wasi-nn functions, memories, exports and adapters."""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

from rewriter.abi.dialects import Dialect, find_dialect
from rewriter.analysis.adapted.existing_adapters import (
    FoundAdapters,
    StandingAdapter,
    find_adapters,
)
from rewriter.analysis.adapted.guest_mark import marked_guest, of_marks
from rewriter.analysis.adapted.traces import Trace
from rewriter.analysis.imported import Abi, ImportedItem, read_imports, tell
from rewriter.diagnostics import Diagnostic
from rewriter.errors import MalformedModule
from rewriter.wasm.custom import Custom, custom_kind
from rewriter.wasm.imports import ExternKind, is_unlinked
from rewriter.wasm.limits import MOST_MEMORIES, check_number
from rewriter.wasm.module import Module
from rewriter.wasm.reader import Data, Reading
from rewriter.wasm.sections import Section, SectionId
from rewriter.wasm.types import AdapterMemory, FuncType, MemoryType, memory_type

__all__ = [
    "Abi",
    "CustomSection",
    "ExportedFunction",
    "ImportedItem",
    "ModuleInfo",
    "default_entry",
    "exported_function",
    "exported_functions",
    "exports_functions",
    "inspect_module",
    "once",
]

_SHARED_MEMORY = "memory"
"""The name of the export through which a guest shares its memory with the host."""


class CustomSection(NamedTuple):
    """A custom section. `offset` and `size` are in bytes; the size includes the name."""

    name: str
    offset: int
    size: int


class ModuleInfo(NamedTuple):
    """What inspecting a module found.

    Sections that may hold millions of items are re-read on each use, so the module must stay open.

    - `imported_functions`: the number of all imported functions.
    - `wasi_nn`: wasi-nn's functions by function index. `not_functions`: other imports from wasi-nn.
    - `compact_import`: the first import in a group; None if the import section is not compact.
    - `exported_memories`: names and types. `shared_memory`: the type of the one that the guest
      shares with the host.
    - `is_object_file`: it is not linked yet, so it has sections for a linker, and imports its
      memory. (A linked module may have kept these sections.)
    - `abis`: the ABI of each imported wasi-nn module name.
    - `adapters`: the adapters from earlier rewrites, by the index of the function import behind
      each. If there are adapters, the imports have the ABI of the adapters' target.
    - `traces`: adapters that were changed, or may have been.
    - `adapter_memory`: the memory that adapters use, if the module exports it.
    - `guest`: the guest's ABI if the user said it, now or in an earlier rewrite.
    - `of_marks`: diagnostics about the section that keeps `guest`, unless the user said it now.
    - `known`: what follows from the others, by what it is; see `once`.
    """

    module: Module
    imports: Collection[ImportedItem]
    imported_functions: int
    wasi_nn: Mapping[int, ImportedItem]
    not_functions: Sequence[ImportedItem]
    compact_import: ImportedItem | None
    exports: Collection[str]
    memories: Sequence[MemoryType]
    exported_memories: Collection[tuple[str, MemoryType]]
    shared_memory: MemoryType | None
    custom_sections: Collection[CustomSection]
    is_object_file: bool
    abis: Mapping[str, Abi]
    adapters: Mapping[int, StandingAdapter]
    traces: Collection[Trace]
    adapter_memory: AdapterMemory | None
    guest: Dialect | None = None
    of_marks: Sequence[Diagnostic] = ()
    known: dict[Callable[[ModuleInfo], object], tuple[tuple[object, ...], object]] | None = None

    @property
    def size(self) -> int:
        """The size of the module in bytes."""
        return self.module.size

    @property
    def import_modules(self) -> tuple[str, ...]:
        """The module names of the imports, each once, in order of appearance."""
        return tuple(dict.fromkeys(item.module for item in self.imports))

    @property
    def debug_sections(self) -> tuple[str, ...]:
        """The names of the sections that hold DWARF."""
        return _of_kind(self.module, Custom.DWARF)

    @property
    def linker_sections(self) -> tuple[str, ...]:
        """The names of the sections that a linker reads."""
        return _of_kind(self.module, Custom.LINKING)


def inspect_module(module: Data | Module, guest_abi: str | None = None) -> ModuleInfo:
    """Read the header, the types, the imports, the memories and the exports of a core module.

    `guest_abi`, the name of a dialect, overrides the ABI that the imports show, and the one that an
    earlier rewrite was told and kept in the module.

    Raises UsageError for an unknown dialect, UnsupportedModule for components, precompiled
    artifacts, and adapters from another ABI than `guest_abi`, and MalformedModule for unreadable
    sections.
    """
    module = Module.of(module)
    given = guest_abi is not None
    guest = find_dialect(guest_abi) if guest_abi is not None else marked_guest(module)
    imports = partial(read_imports, module)
    memories: list[MemoryType] = []
    wasi_nn: dict[int, ImportedItem] = {}
    not_functions: list[ImportedItem] = []
    compact_import = None
    functions = 0
    for item in imports():
        if item.compact and compact_import is None:
            compact_import = item
        if item.is_wasi_nn and item.kind != "func":
            not_functions.append(item)
        if item.kind == "func":
            if item.is_wasi_nn:
                wasi_nn[functions] = item
            functions += 1
        elif isinstance(item.type, MemoryType):
            memories.append(item.type)
    memories += _defined_memories(module, len(memories))
    exports = partial(_exports, module, len(memories))
    adapter_memory = None
    for name, index in exports():
        if index is not None and name == _SHARED_MEMORY:
            adapter_memory = AdapterMemory(index, memories[index].page_size)
    adaptable = {
        index: (item.name, item.type)
        for index, item in wasi_nn.items()
        if isinstance(item.type, FuncType)
    }
    found = find_adapters(module, adaptable, functions, adapter_memory)
    return ModuleInfo(
        module=module,
        imports=Reading(imports),
        imported_functions=functions,
        wasi_nn=wasi_nn,
        not_functions=not_functions,
        compact_import=compact_import,
        exports=Reading(lambda: (name for name, _ in exports())),
        memories=memories,
        exported_memories=Reading(
            lambda: ((name, memories[index]) for name, index in exports() if index is not None)
        ),
        shared_memory=memories[adapter_memory.memory_index] if adapter_memory else None,
        custom_sections=Reading(lambda: filter(None, map(_custom_section, module.sections))),
        is_object_file=bool(_of_kind(module, Custom.LINKING)) and is_unlinked(module),
        abis=_abis(wasi_nn, guest, given, found),
        adapters=found.standing,
        traces=found.traces,
        adapter_memory=adapter_memory,
        guest=guest,
        of_marks=() if given or not wasi_nn else tuple(of_marks(module)),
        known={},
    )


_T = TypeVar("_T")


def once(find: Callable[[ModuleInfo], _T], info: ModuleInfo) -> _T:
    """What `find` finds for a module, which depends on its functions, ABIs, adapters and guest. It
    is found once, although a module is compared with many hosts."""
    if info.known is None:
        return find(info)
    of = (info.wasi_nn, info.abis, info.adapters, info.traces, info.guest)
    known = info.known.get(find)
    if known is None or not all(map(operator.is_, known[0], of)):
        known = info.known[find] = of, find(info)
    return known[1]  # type: ignore[return-value]  # what `find` has returned


def _of_kind(module: Module, kind: Custom) -> tuple[str, ...]:
    """The names of the custom sections of a kind."""
    return tuple(s.name for s in module.sections if s.name and custom_kind(s.name) is kind)


def _defined_memories(module: Module, imported: int) -> Iterator[MemoryType]:
    """The types of the memories that a module defines, after `imported` ones."""
    section = module.find(SectionId.MEMORY)
    if section is None:
        return
    cursor = section.cursor()
    for number in range(1, 1 + cursor.count("memories")):
        check_number(imported + number, "memories", cursor.pos, MOST_MEMORIES)
        yield memory_type(cursor)
    cursor.finish("the memories")


class ExportedFunction(NamedTuple):
    """A function that a module exports. `place` is its index among all functions."""

    type: FuncType
    is_imported: bool
    place: int


def exported_function(module: Module, name: str) -> FuncType | None:
    """The type of the function that a module exports under this name, or None.

    Raises MalformedModule for unreadable sections.
    """
    found = exported_functions(module, (name,)).get(name)
    return found.type if found else None


def default_entry(module: Module) -> str | None:
    """The export that `wasmtime run` calls by default; None if it calls none.

    Raises MalformedModule for unreadable sections.
    """
    return next((name for name in ("", "_start") if exported_function(module, name)), None)


def exported_functions(module: Module, names: Collection[str]) -> dict[str, ExportedFunction]:
    """The functions that a module exports under these names.

    Raises MalformedModule for unreadable sections.
    """
    indices: dict[int, list[str]] = {}
    for name, _, kind, index in _exported(module):
        if kind == ExternKind.FUNC and name in names:
            indices.setdefault(index, []).append(name)
    found: dict[str, ExportedFunction] = {}
    if indices:
        functions = (item for item in read_imports(module) if item.kind == "func")
        imported = 0
        for imported, item in enumerate(functions, 1):
            if isinstance(item.type, FuncType):
                function = ExportedFunction(item.type, True, imported - 1)
                found.update(dict.fromkeys(indices.pop(imported - 1, ()), function))
        for index in sorted(indices):
            if index >= imported:
                name = indices[index][0]
                type_ = _defined(module, index - imported, name)
                function = ExportedFunction(type_, False, index)
                found.update(dict.fromkeys(indices[index], function))
    return found


def exports_functions(info: ModuleInfo) -> bool:
    """Whether a guest exports a function that is not an adapter. Raises MalformedModule for
    unreadable sections."""
    adapters = {standing.function_index for standing in info.adapters.values()}
    return any(
        kind == ExternKind.FUNC and index not in adapters
        for _, _, kind, index in _exported(info.module)
    )


def _defined(module: Module, index: int, name: str) -> FuncType:
    """The type of a function by its index among those that the module defines."""
    section = module.find(SectionId.FUNCTION)
    cursor = section.cursor() if section else None
    if cursor is None or index >= cursor.items("functions"):
        offset = cursor.pos if cursor else 0
        raise MalformedModule(
            f"the export {name!r} refers to a function that does not exist", offset
        )
    for _ in range(index):
        cursor.u32()
    start = cursor.pos
    found = module.types.of_function(cursor.u32(), start)
    if found is None:
        raise MalformedModule(f"the export {name!r} has a type that is not a function type", start)
    return found


def _exports(module: Module, memories: int) -> Iterator[tuple[str, int | None]]:
    """The names of all exports, with the indices of the memories among them."""
    for name, start, kind, index in _exported(module):
        if kind == ExternKind.MEMORY and index >= memories:
            raise MalformedModule(f"memory {index} of {memories} is exported", start)
        yield name, index if kind == ExternKind.MEMORY else None


def _exported(module: Module) -> Iterator[tuple[str, int, int, int]]:
    """All exports: name, byte offset of the kind, kind, and index."""
    section = module.find(SectionId.EXPORT)
    if section is None:
        return
    cursor = section.cursor()
    for _ in range(cursor.items("exports")):
        yield cursor.name().text, cursor.pos, cursor.byte(), cursor.u32()
    cursor.finish("the exports")


def _custom_section(section: Section) -> CustomSection | None:
    if section.name is None:
        return None
    return CustomSection(section.name, section.start, section.size)


def _abis(
    functions: Mapping[int, ImportedItem],
    guest: Dialect | None,
    given: bool,
    found: FoundAdapters,
) -> dict[str, Abi]:
    by_module: dict[str, list[ImportedItem]] = {}
    for item in functions.values():
        by_module.setdefault(item.module, []).append(item)
    abis = tell(by_module)
    if guest is not None:
        found.check_source(guest)
        adapted = {functions[slot].module for slot in found.standing}
        for module in by_module.keys() - (by_module.keys() if found.traces else adapted):
            how = "given (--guest-abi)" if given else "given to an earlier rewrite (nnshim.guest)"
            evidence = Diagnostic("NN135", f"the ABI was {how}")
            abis[module] = Abi(guest.name, True, (evidence,))
    return abis

"""What a module imports, what of that is wasi-nn's, and what else a host has to know."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

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
    "exported_function",
    "exported_functions",
    "exports_functions",
    "inspect_module",
]

_SHARED_MEMORY = "memory"
"""The name under which a guest exports the memory that it shares with the host."""


class CustomSection(NamedTuple):
    """`offset` and `size` in bytes; the size is that of the content with the name."""

    name: str
    offset: int
    size: int


class ModuleInfo(NamedTuple):
    """Sections that may hold millions of items are read again on each use, so the module must stay
    open.

    `exported_memories` are names and types, of which `shared_memory` is the one that a guest shares
    with the host. `imported_functions` counts all of them; `wasi_nn` has those of wasi-nn by
    function index, `not_functions` what else is imported from it, `abis` the ABI behind each
    wasi-nn module name that is imported. `compact_import` is the first import that is in a group,
    None where the import section is not compact. An object file is not linked yet: it has the
    sections that a linker reads, which a module that is linked can have kept, and its memory from
    the linker.

    `adapters` are those that a rewrite has put in, by the index of the function import that each
    stands before; `adapter_memory` is the memory they work in, if the module exports it. `traces`
    are of adapters that were put in and are not as they were, or not known to be. `guest` is what
    the guest was said to be, now or to an earlier rewrite; where it has adapters, its imports are
    what those lead to. `of_marks` is what is to be said of the section that says it, unless it was
    said now.
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

    @property
    def size(self) -> int:
        """Of the module, in bytes."""
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

    `guest_abi`, the name of a dialect, takes the place of what the imports show of a guest, and of
    what an earlier rewrite was told and has left in the module.

    Raises UsageError for a dialect that is not known, UnsupportedModule for components,
    precompiled artifacts, and adapters from another ABI than `guest_abi`, and MalformedModule for
    what cannot be read.
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
        is_object_file=bool(_of_kind(module, Custom.LINKING))
        and is_unlinked(module.find(SectionId.IMPORT)),
        abis=_abis(wasi_nn, guest, given, found),
        adapters=found.standing,
        traces=found.traces,
        adapter_memory=adapter_memory,
        guest=guest,
        of_marks=() if given or not wasi_nn else tuple(of_marks(module)),
    )


def _of_kind(module: Module, kind: Custom) -> tuple[str, ...]:
    """The names of the custom sections of a kind."""
    return tuple(s.name for s in module.sections if s.name and custom_kind(s.name) is kind)


def _defined_memories(module: Module, imported: int) -> Iterator[MemoryType]:
    """Those after the imported ones."""
    section = module.find(SectionId.MEMORY)
    if section is None:
        return
    cursor = section.cursor()
    for number in range(1, 1 + cursor.count("memories")):
        check_number(imported + number, "memories", cursor.pos, MOST_MEMORIES)
        yield memory_type(cursor)
    cursor.finish("the memories")


class ExportedFunction(NamedTuple):
    """One that a module exports, which it `is_imported` or defines, by its `place` among all."""

    type: FuncType
    is_imported: bool
    place: int


def exported_function(module: Module, name: str) -> FuncType | None:
    """The type of the function that a module exports by this name, None where there is none.

    Raises MalformedModule for what cannot be read.
    """
    found = exported_functions(module, (name,)).get(name)
    return found.type if found else None


def exported_functions(module: Module, names: Collection[str]) -> dict[str, ExportedFunction]:
    """The functions that a module exports by these names.

    Raises MalformedModule for what cannot be read.
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
    """Whether a guest exports one, adapters left out. Raises MalformedModule for what cannot be
    read."""
    adapters = {standing.function_index for standing in info.adapters.values()}
    return any(
        kind == ExternKind.FUNC and index not in adapters
        for _, _, kind, index in _exported(info.module)
    )


def _defined(module: Module, index: int, name: str) -> FuncType:
    """The type of the function that has this index among those that a module defines."""
    section = module.find(SectionId.FUNCTION)
    cursor = section.cursor() if section else None
    if cursor is None or index >= cursor.items("functions"):
        offset = cursor.pos if cursor else 0
        raise MalformedModule(f"the export {name!r} is a function that does not exist", offset)
    for _ in range(index):
        cursor.u32()
    start = cursor.pos
    found = module.types.of_function(cursor.u32(), start)
    if found is None:
        raise MalformedModule(f"the export {name!r} is of a type that no function has", start)
    return found


def _exports(module: Module, memories: int) -> Iterator[tuple[str, int | None]]:
    """The names of all exports, with the indices of the memories among them."""
    for name, start, kind, index in _exported(module):
        if kind == ExternKind.MEMORY and index >= memories:
            raise MalformedModule(f"memory {index} of {memories} is exported", start)
        yield name, index if kind == ExternKind.MEMORY else None


def _exported(module: Module) -> Iterator[tuple[str, int, int, int]]:
    """The names of all exports, where what they stand for is said, its kind, and its index."""
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

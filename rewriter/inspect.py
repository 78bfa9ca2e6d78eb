"""What a module imports, what of that is wasi-nn's, and what else a host has to know."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from rewriter.cursor import Cursor, Data, check_number
from rewriter.dialects import (
    DIALECTS,
    MODULE_NAMES,
    WAMR,
    WASI_EPHEMERAL_NN,
    WASMEDGE,
    WITX,
    Dialect,
)
from rewriter.errors import MalformedModule, UsageError
from rewriter.imports import Extern, ExternKind, groups
from rewriter.recognise import StandingAdapter, standing_adapters
from rewriter.sections import HEADER_SIZE, Section, SectionId, is_linker_section, split
from rewriter.valtypes import AdapterMemory, FuncType, MemoryType, func_types, memory_type

__all__ = [
    "SHARED_MEMORY",
    "Abi",
    "CustomSection",
    "ImportedItem",
    "ModuleInfo",
    "inspect_module",
]

_MOST_WASI_NN = 1000
"""Imports that are adapted, one by one. There are a dozen functions, under two names."""

SHARED_MEMORY = "memory"
"""The name under which a guest exports the memory that it shares with the host."""


class ImportedItem(NamedTuple):
    """One import. `kind` is "func", "table", "memory", "global" or "tag"; `type` is set for
    functions and memories, `type_index` for functions."""

    module: str
    name: str
    kind: str
    type: FuncType | MemoryType | None
    type_index: int | None = None

    @property
    def is_wasi_nn(self) -> bool:
        return self.module in MODULE_NAMES


class Abi(NamedTuple):
    """The ABI of the wasi-nn functions that are imported under one module name.

    `name` is that of a dialect in rewriter.dialects, or None where the types fit none of them.
    `certain` is false where the imports look alike in all dialects, and the module name had to
    decide. `evidence` says what it was decided by.
    """

    name: str | None
    certain: bool
    evidence: tuple[str, ...]


class CustomSection(NamedTuple):
    """`offset` and `size` in bytes; the size is that of the content with the name."""

    name: str
    offset: int
    size: int


@dataclass(frozen=True)
class ModuleInfo:
    """`exported_memories` maps export names to types, `abis` the wasi-nn module names that are
    imported to the ABI behind each. `types` are those of functions, None for others.

    `adapters` are those that a rewrite has put in, by the index of the function import that each
    stands before; `adapter_memory` is the memory they work in, if the module exports it.
    """

    size: int
    types: tuple[FuncType | None, ...]
    imports: tuple[ImportedItem, ...]
    exports: tuple[str, ...]
    exported_memories: dict[str, MemoryType]
    custom_sections: tuple[CustomSection, ...]
    abis: dict[str, Abi]
    adapters: dict[int, StandingAdapter]
    adapter_memory: AdapterMemory | None

    @cached_property
    def functions(self) -> tuple[ImportedItem, ...]:
        """The imported functions, by function index."""
        return tuple(item for item in self.imports if item.kind == "func")

    @property
    def import_modules(self) -> tuple[str, ...]:
        """The module names of the imports, each once, in order of appearance."""
        return tuple(dict.fromkeys(item.module for item in self.imports))

    @property
    def debug_sections(self) -> tuple[str, ...]:
        """The names of the sections that hold DWARF."""
        return tuple(s.name for s in self.custom_sections if s.name.startswith(".debug_"))

    @property
    def is_object_file(self) -> bool:
        """Not linked yet: it has the sections that a linker reads."""
        return any(is_linker_section(section.name) for section in self.custom_sections)


def inspect_module(data: Data, guest_abi: str | None = None) -> ModuleInfo:
    """Read the header, the types, the imports, the memories and the exports of a core module.

    `guest_abi`, the name of a dialect, takes the place of what the imports show.

    Raises UsageError for a dialect that is not known, UnsupportedModule for components and
    precompiled artifacts, and MalformedModule for what cannot be read.
    """
    sections = split(data)
    by_id = sections.standard
    types: list[FuncType | None] = []
    if section := by_id.get(SectionId.TYPE):
        types = func_types(Cursor(data, section.content, section.end))
    imports, memories = _imports(data, by_id, types)
    if section := by_id.get(SectionId.MEMORY):
        cursor = Cursor(data, section.content, section.end)
        memories.extend(memory_type(cursor) for _ in range(cursor.items("memories")))
        cursor.finish("the memories")
    exports, memory_indices = _exports(data, by_id, memories)
    adapter_memory = None
    if (index := memory_indices.get(SHARED_MEMORY)) is not None:
        adapter_memory = AdapterMemory(index, memories[index].page_size)
    functions = [item for item in imports if item.kind == "func"]
    imported = {
        index: (item.name, item.type)
        for index, item in enumerate(functions)
        if item.is_wasi_nn and isinstance(item.type, FuncType)
    }
    check_number(len(imported), "imports of wasi-nn's functions", HEADER_SIZE, _MOST_WASI_NN)
    return ModuleInfo(
        size=len(data),
        types=tuple(types),
        imports=imports,
        exports=exports,
        exported_memories={name: memories[index] for name, index in memory_indices.items()},
        custom_sections=tuple(
            CustomSection(section.name, section.start, section.size)
            for section in sections
            if section.name is not None
        ),
        abis=_abis(imports, guest_abi),
        adapters=standing_adapters(
            data,
            by_id.get(SectionId.FUNCTION),
            by_id.get(SectionId.CODE),
            types,
            imported,
            len(functions),
            adapter_memory,
        ),
        adapter_memory=adapter_memory,
    )


def _imports(
    data: Data, by_id: dict[SectionId, Section], types: list[FuncType | None]
) -> tuple[tuple[ImportedItem, ...], list[MemoryType]]:
    imports: list[ImportedItem] = []
    memories = []
    if section := by_id.get(SectionId.IMPORT):
        for group in groups(data, section):
            for item in group.imports:
                check_number(len(imports), "imports", item.name.start)
                extern = item.extern
                if extern.memory is not None:
                    memories.append(extern.memory)
                imports.append(
                    ImportedItem(
                        group.module.text,
                        item.name.text,
                        "func" if extern.is_func else extern.kind.name.lower(),
                        extern.memory or _func_type(extern, types, section),
                        extern.type_index if extern.is_func else None,
                    )
                )
    return tuple(imports), memories


def _func_type(extern: Extern, types: list[FuncType | None], section: Section) -> FuncType | None:
    if not extern.is_func or extern.type_index is None:
        return None
    if extern.type_index >= len(types):
        raise MalformedModule(
            f"a function is imported with type {extern.type_index} of {len(types)}", section.start
        )
    return types[extern.type_index]


def _exports(
    data: Data, by_id: dict[SectionId, Section], memories: list[MemoryType]
) -> tuple[tuple[str, ...], dict[str, int]]:
    """The names of all exports, and the indices of the memories among them."""
    names: list[str] = []
    exported_memories = {}
    if section := by_id.get(SectionId.EXPORT):
        cursor = Cursor(data, section.content, section.end)
        for _ in range(cursor.items("exports")):
            name = cursor.name().text
            start = cursor.pos
            kind, index = cursor.byte(), cursor.u32()
            names.append(name)
            if kind == ExternKind.MEMORY:
                if index >= len(memories):
                    raise MalformedModule(f"memory {index} of {len(memories)} is exported", start)
                exported_memories[name] = index
        cursor.finish("the exports")
    return tuple(names), exported_memories


def _abis(imports: tuple[ImportedItem, ...], guest_abi: str | None) -> dict[str, Abi]:
    by_module: dict[str, list[ImportedItem]] = {}
    for item in imports:
        if item.is_wasi_nn and item.kind == "func":
            by_module.setdefault(item.module, []).append(item)
    if guest_abi is not None:
        if guest_abi not in DIALECTS:
            raise UsageError(f"{guest_abi!r} is no known ABI ({', '.join(DIALECTS)})")
        return dict.fromkeys(by_module, Abi(guest_abi, True, ("it was said to be",)))
    abis = {module: _abi(module, items) for module, items in by_module.items()}
    certain = {module: abi for module, abi in abis.items() if abi.certain}
    for module in abis.keys() - certain.keys():
        for other, abi in certain.items():
            abis[module] = Abi(abi.name, False, (f"{other} is, in the same module",))
    return abis


def _abi(module: str, items: list[ImportedItem]) -> Abi:
    """Only `load` and `get_output` have other types in wamr than in witx, of which wasmedge is an
    extension; a module that imports neither shows its ABI by the other functions, or not at all.
    """
    types = [item for item in items if item.name in ("load", "get_output")]
    extensions = [item for item in items if item.name in WASMEDGE.functions.keys() - WITX.functions]
    evidence = tuple(f"{item.name} is {item.type}" for item in types)
    evidence += tuple(f"{item.name} is imported" for item in extensions)
    if types:
        fitting = WASMEDGE if extensions else WITX
        name = next(
            (d.name for d in (fitting, WAMR) if all(_fits(item, d) for item in types)), None
        )
        return Abi(name, True, evidence)
    if extensions:
        return Abi(WASMEDGE.name, True, evidence)
    guess = WITX if module == WASI_EPHEMERAL_NN else WAMR
    return Abi(guess.name, False, (f"neither load nor get_output is imported, from {module}",))


def _fits(item: ImportedItem, dialect: Dialect) -> bool:
    return item.type == dialect.signature(item.name)

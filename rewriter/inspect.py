"""What a module imports, what of that is wasi-nn's, and what else a host has to know."""

from __future__ import annotations

from dataclasses import dataclass

from rewriter.cursor import Cursor, Data
from rewriter.dialects import MODULE_NAMES, WAMR, WITX, Dialect
from rewriter.errors import MalformedModule
from rewriter.imports import Extern, ExternKind, groups
from rewriter.sections import Section, SectionId, split
from rewriter.valtypes import FuncType, MemoryType, func_types, memory_type

__all__ = [
    "Abi",
    "CustomSection",
    "ImportedItem",
    "ModuleInfo",
    "inspect_module",
    "is_linker_section",
]


@dataclass(frozen=True, slots=True)
class ImportedItem:
    """One import. `kind` is "func", "table", "memory", "global" or "tag"; `type` is set for
    functions and memories."""

    module: str
    name: str
    kind: str
    type: FuncType | MemoryType | None

    @property
    def is_wasi_nn(self) -> bool:
        return self.module in MODULE_NAMES


@dataclass(frozen=True, slots=True)
class Abi:
    """The wasi-nn ABI that the imports show, and what shows it.

    `name` is "witx", "wamr", "mixed" (both in one module), "unknown" (signatures of no ABI),
    "ambiguous" (only functions that look alike in all of them), or "none" (no wasi-nn import).
    """

    name: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CustomSection:
    """`offset` and `size` in bytes; the size is that of the content with the name."""

    name: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class ModuleInfo:
    """`exported_memories` maps export names to types."""

    size: int
    imports: tuple[ImportedItem, ...]
    exports: tuple[str, ...]
    exported_memories: dict[str, MemoryType]
    custom_sections: tuple[CustomSection, ...]
    abi: Abi

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


def is_linker_section(name: str | None) -> bool:
    """Whether a custom section of this name belongs to a relocatable object file.

    Source: https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md
    """
    return name is not None and (name == "linking" or name.startswith("reloc."))


def inspect_module(data: Data) -> ModuleInfo:
    """Read the header, the types, the imports, the memories and the exports of a core module.

    Raises UnsupportedModule for components and precompiled artifacts, MalformedModule for what
    cannot be read.
    """
    sections = split(data)
    by_id = {section.id: section for section in sections}
    imports, memories = _imports(data, by_id)
    if section := by_id.get(SectionId.MEMORY):
        cursor = Cursor(data, section.content, section.end)
        memories.extend(memory_type(cursor) for _ in range(cursor.count("memories")))
        cursor.finish("the memories")
    exports, exported_memories = _exports(data, by_id, memories)
    return ModuleInfo(
        size=len(data),
        imports=imports,
        exports=exports,
        exported_memories=exported_memories,
        custom_sections=tuple(
            CustomSection(section.name, section.start, section.size)
            for section in sections
            if section.name is not None
        ),
        abi=_abi(imports),
    )


def _imports(
    data: Data, by_id: dict[SectionId, Section]
) -> tuple[tuple[ImportedItem, ...], list[MemoryType]]:
    types: list[FuncType | None] = []
    if section := by_id.get(SectionId.TYPE):
        types = func_types(Cursor(data, section.content, section.end))
    imports, memories = [], []
    if section := by_id.get(SectionId.IMPORT):
        for group in groups(data, section):
            for item in group.imports:
                extern = item.extern
                if extern.memory is not None:
                    memories.append(extern.memory)
                imports.append(
                    ImportedItem(
                        group.module.text,
                        item.name,
                        "func" if extern.is_func else extern.kind.name.lower(),
                        extern.memory or _func_type(extern, types, section),
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
) -> tuple[tuple[str, ...], dict[str, MemoryType]]:
    names: list[str] = []
    exported_memories = {}
    if section := by_id.get(SectionId.EXPORT):
        cursor = Cursor(data, section.content, section.end)
        for _ in range(cursor.count("exports")):
            name = cursor.name().text
            start = cursor.pos
            kind, index = cursor.byte(), cursor.u32()
            names.append(name)
            if kind == ExternKind.MEMORY:
                if index >= len(memories):
                    raise MalformedModule(f"memory {index} of {len(memories)} is exported", start)
                exported_memories[name] = memories[index]
        cursor.finish("the exports")
    return tuple(names), exported_memories


def _abi(imports: tuple[ImportedItem, ...]) -> Abi:
    wasi_nn = [item for item in imports if item.is_wasi_nn and item.kind == "func"]
    if not wasi_nn:
        return Abi("none", ())
    found = {}
    for item in wasi_nn:
        if item.name in ("load", "get_output") and item.type is not None:
            name = next((d.name for d in (WITX, WAMR) if _matches(item, d)), "unknown")
            found[f"{item.module}.{item.name} is {item.type}"] = name
    if not found:
        return Abi("ambiguous", ("neither load nor get_output is imported",))
    names = set(found.values())
    return Abi(names.pop() if len(names) == 1 else "mixed", tuple(found))


def _matches(item: ImportedItem, dialect: Dialect) -> bool:
    params = dialect.functions[item.name]
    return item.type == FuncType(("i32",) * len(params), ("i32",))

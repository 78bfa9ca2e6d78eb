"""The core module in a component that is the program, and what it imports and exports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rewriter.abi.dialects import MODULE_NAMES
from rewriter.abi.snapshots import PACKAGE, VERSIONED, Snapshot
from rewriter.analysis.components.described import Making, describe_component
from rewriter.components.component import Component, Part
from rewriter.components.repeated_imports import unnumber_imports
from rewriter.errors import UnsupportedModule
from rewriter.rewriting.flattening.allocators import check_allocator
from rewriter.rewriting.flattening.around import MAIN, check_around
from rewriter.rewriting.flattening.exports import exports_of
from rewriter.rewriting.flattening.shim import Lowered, lowered
from rewriter.wasm.imports import ExternKind, Import, imports_of
from rewriter.wasm.module import Module
from rewriter.wasm.sections import SectionId
from rewriter.wasm.types import PAGE_SIZE, MemoryType, memory_type

__all__ = ["Inner", "Slot", "find_inner"]

_WASI_1 = "wasi_snapshot_preview1"
_OTHER_SCHEME = "cm32p2|"
_MEMORIES = ("memory", "cm32p2_memory")


class Slot(NamedTuple):
    """An imported function of wasi:nn."""

    function: Lowered
    type_index: int
    name: str


class Inner(NamedTuple):
    """`nn` has the functions of wasi:nn by their index among all functions; it is empty where the
    module imports none, and `snapshot` is None then. `modules` are the module names of these.
    `exports` has the kind and index of each export. `functions` and `globals` count those that are
    imported."""

    module: Module
    nn: Mapping[int, Slot]
    snapshot: Snapshot | None
    modules: Sequence[str]
    exports: Mapping[str, tuple[int, int]]
    functions: int
    globals: int
    memory: int
    """The index of the memory that hosts use."""


def find_inner(component: Component) -> Inner:
    """The program of a component that was made from a core module.

    Raises UnsupportedModule where there is another number of them than one, where it imports
    anything but WASI 0.1 and wasi-nn in one form, and where it exports no memory; ModuleError for
    what cannot be read.
    """
    info = describe_component(component)
    making = info.making
    if making in (Making.COMPONENTIZE_PY, Making.COMPONENTIZE_JS):
        raise UnsupportedModule(
            f"the component was made by {making}: its core modules need WASI 0.2",
            None,
            "NN341",
            "run it on a host that runs components: `nnshim check` says which do",
        )
    if making is Making.COMPOSED:
        raise UnsupportedModule(
            "the component was composed from others, which import wasi:nn inside",
            None,
            "NN343",
            "rewrite the component that imports wasi:nn, before it is composed",
        )
    found = [part for part in component.parts() if not part.is_component]
    programs = [part for part in found if part.depth == 1 and _is_program(part)]
    if len(programs) != 1:
        raise UnsupportedModule(
            f"{len(programs)} core modules of the component have a memory of their own and are not "
            "adapters, so that it is unknown which one is the program",
            programs[1].start if programs else None,
            "NN342",
            "build the program as one core module",
        )
    check_around(programs[0].module(), (part for part in found if part is not programs[0]))
    with programs[0].offsets():
        known = {each.version: each for each in (*VERSIONED, *info.snapshots)}
        return _read(Module(unnumber_imports(programs[0].module())), known)


def _is_program(part: Part) -> bool:
    """Whether it exports a memory of its own, and imports nothing from the program."""
    module = part.module()
    with part.offsets():
        imports = list(imports_of(module))
        if any(
            group.module.text == MAIN or item.extern.kind is ExternKind.MEMORY
            for group, item in imports
        ):
            return False
        kinds = {kind for name, (kind, _) in exports_of(module).items() if name in _MEMORIES}
    return ExternKind.MEMORY in kinds


def _read(module: Module, known: Mapping[str, Snapshot]) -> Inner:
    """`known` are the snapshots by version: the component's types tell the one without."""
    nn: dict[int, Slot] = {}
    modules: dict[str, None] = {}
    versions: set[str] = set()
    core = False
    functions = global_count = 0
    for group, item in imports_of(module):
        name = group.module.text
        plain = name.removeprefix(_OTHER_SCHEME)
        if plain.startswith(f"{PACKAGE}/"):
            modules[name] = None
            nn[functions] = _slot(module, plain, item, known)
            versions.add(plain.partition("@")[2])
        elif name in MODULE_NAMES:
            core = True
        elif name != _WASI_1:
            raise _other_import(name, item)
        functions += item.extern.is_func
        global_count += item.extern.kind is ExternKind.GLOBAL
    if len(versions) > 1 or (core and nn):
        raise UnsupportedModule(
            "the program imports wasi-nn in several forms",
            module.sections.standard[SectionId.IMPORT].start,
            "NN344",
            "build it for one of them",
        )
    if nn:
        check_allocator(module)
    exports = exports_of(module)
    snapshot = known[versions.pop()] if versions else None
    memory = _memory(module, exports)
    return Inner(module, nn, snapshot, [*modules], exports, functions, global_count, memory)


def _other_import(name: str, item: Import) -> UnsupportedModule:
    return UnsupportedModule(
        f"the program imports {name}, which a host of core modules does not define",
        item.name.start,
        "NN341",
        "build it for WASI 0.1 (wasm32-wasip1) and make the component with `wasm-tools component "
        "new --adapt`, or run it on a host that runs components",
    )


def _slot(module: Module, name: str, item: Import, snapshots: Mapping[str, Snapshot]) -> Slot:
    """Raises UnsupportedModule for a version, a function or a type that is not known."""
    interface, _, version = name.removeprefix(f"{PACKAGE}/").partition("@")
    snapshot = snapshots.get(version)
    if snapshot is None:
        known = f"the known versions are {', '.join(each.version for each in VERSIONED)}"
        if not version:
            known = "its functions have the types of no known form without a version"
        raise _unknown(f"the program imports {name}; {known}", item)
    function = _lowered(snapshot, interface, item)
    index = item.extern.type_index
    if function is None or index is None:
        raise _unknown(f"the program imports {item.name.text} of {name}, which is not known", item)
    if module.types.of_function(index, item.extern_start) != function.type:
        raise _unknown(f"{item.name.text} of {name} is imported with another type", item)
    return Slot(function, index, item.name.text)


def _lowered(snapshot: Snapshot, interface: str, item: Import) -> Lowered | None:
    return lowered(snapshot, interface, item.name.text) if item.extern.is_func else None


def _unknown(what: str, item: Import) -> UnsupportedModule:
    return UnsupportedModule(
        what, item.name.start, "NN344", "build the program with a published version of wasi:nn"
    )


def _memory(module: Module, exports: Mapping[str, tuple[int, int]]) -> int:
    index = next(exports[name][1] for name in _MEMORIES if name in exports)
    section = module.find(SectionId.MEMORY)
    memories: list[MemoryType] = []
    if section is not None:
        cursor = section.cursor()
        memories = [memory_type(cursor) for _ in range(cursor.items("memories"))]
        cursor.finish("the memories")
    memory = memories[index] if index < len(memories) else None
    if memory is None or memory.is_64 or memory.shared or memory.page_size != PAGE_SIZE:
        raise UnsupportedModule(
            "the memory of the program is not one of 32 bits with pages of 64 KiB for one thread",
            section.start if section else None,
            "NN346",
            "build the program for wasm32",
        )
    return index

"""Reads a module's imports, one at a time, and the ABI that they show."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import NamedTuple
from weakref import WeakKeyDictionary

from rewriter.abi.dialects import (
    MODULE_NAMES,
    WAMR,
    WASI_EPHEMERAL_NN,
    WASMEDGE,
    WITX,
    Dialect,
    Layout,
)
from rewriter.diagnostics import Diagnostic
from rewriter.wasm.imports import Extern, ExternKind, imports_of
from rewriter.wasm.limits import MOST_MEMORIES, check_number
from rewriter.wasm.module import Module
from rewriter.wasm.types import FuncType, MemoryType, Types

__all__ = ["Abi", "ImportedItem", "read_imports", "shown_layouts", "tell", "usual"]

_MOST_WASI_NN = 1000
"""The most wasi-nn imports. Each is kept and adapted separately; wasi-nn has a dozen functions
under two names."""


_OF_LAYOUT = frozenset(("load", "get_output"))
"""Functions whose type differs between layouts."""

_EXTENSIONS = WASMEDGE.functions.keys() - WITX.functions


class ImportedItem(NamedTuple):
    """One import.

    `kind` is "func", "table", "memory", "global" or "tag". `type` is set for functions and
    memories, `type_index` for functions. `compact`: it belongs to a group that has its module name
    once. `offset` is the byte offset of its name. `exact`: the function may not have a subtype."""

    module: str
    name: str
    kind: str
    type: FuncType | MemoryType | None
    type_index: int | None = None
    compact: bool = False
    offset: int | None = None
    exact: bool = False

    @property
    def is_wasi_nn(self) -> bool:
        """Whether its module has one of wasi-nn's names."""
        return self.module in MODULE_NAMES

    @property
    def shown_type(self) -> str:
        """Its type as messages show it."""
        return str(self.type or "of a type that no function has")


class Abi(NamedTuple):
    """The ABI of the wasi-nn functions that are imported under one module name.

    `name` is the name of a dialect in rewriter.abi.dialects, or None if the types fit none of them.
    `certain` is false if the imports look alike in all dialects, so that the module name decided.
    `evidence` says what the decision is based on.
    """

    name: str | None
    certain: bool
    evidence: tuple[Diagnostic, ...]


_FEW = 1000
"""Imports that are kept."""

_KEPT: WeakKeyDictionary[Module, Sequence[ImportedItem]] = WeakKeyDictionary()


def read_imports(module: Module) -> Iterator[ImportedItem]:
    """Each import. If they are few, they are read only once.

    Raises UnsupportedModule for more than engines accept, or nnshim can adapt.
    """
    kept = _KEPT.get(module)
    if kept is not None:
        return iter(kept)
    reading = _read_imports(module)
    few = list(islice(reading, _FEW + 1))
    if len(few) <= _FEW:
        _KEPT[module] = few
    return chain(few, reading)


def _read_imports(module: Module) -> Iterator[ImportedItem]:
    types = module.types
    memories = wasi_nn = 0
    for count, (group, item) in enumerate(imports_of(module), 1):
        extern, name = item.extern, group.module.text
        memories += extern.memory is not None
        wasi_nn += name in MODULE_NAMES
        check_number(count, "imports", item.name.start)
        check_number(memories, "memories", item.name.start, MOST_MEMORIES)
        check_number(wasi_nn, "imports from wasi-nn", item.name.start, _MOST_WASI_NN)
        yield ImportedItem(
            name,
            item.name.text,
            "func" if extern.is_func else extern.kind.name.lower(),
            extern.memory or _func_type(extern, types, item.extern_start),
            extern.type_index if extern.is_func else None,
            group.compact,
            item.name.start,
            extern.kind is ExternKind.FUNC_EXACT,
        )


def _func_type(extern: Extern, types: Types, start: int) -> FuncType | None:
    if not extern.is_func or extern.type_index is None:
        return None
    return types.of_function(extern.type_index, start)


def shown_layouts(module: Module, names: Collection[str]) -> dict[str, tuple[Layout, int]]:
    """The layout of wasi-nn's functions under each of these module names, if it is certain, with
    the byte offset of an import that shows it."""
    found: dict[str, dict[Layout | None, int]] = {}
    for item in read_imports(module):
        if item.module in names and item.name in _OF_LAYOUT | _EXTENSIONS:
            dialects = (WITX, WAMR) if item.name in WITX.functions else (WASMEDGE,)
            layout = next((d.layout for d in dialects if _fits(item, d)), None)
            found.setdefault(item.module, {}).setdefault(layout, item.offset or 0)
    return {
        name: (layout, offset)
        for name, layouts in found.items()
        for layout, offset in layouts.items()
        if layout is not None and len(layouts) == 1
    }


def tell(by_module: Mapping[str, list[ImportedItem]]) -> dict[str, Abi]:
    """The ABIs that the imports show, by module name."""
    abis = {module: _abi(module, items) for module, items in by_module.items()}
    certain = {module: abi for module, abi in abis.items() if abi.certain}
    for module in abis.keys() - certain.keys():
        for other, abi in certain.items():
            evidence = Diagnostic("NN133", f"{other}, in the same module, is {abi.name}")
            abis[module] = Abi(abi.name, False, (evidence,))
    extended = [module for module, abi in certain.items() if abi.name == WASMEDGE.name]
    for module, abi in certain.items() if extended else ():
        if abi.name == WITX.name:  # a guest has only one library per layout
            abis[module] = Abi(WASMEDGE.name, True, (*abi.evidence, *certain[extended[0]].evidence))
    return abis


def _abi(module: str, items: list[ImportedItem]) -> Abi:
    """The ABI of the functions imported from one module.

    Only `load` and `get_output` have different types in wamr and witx; wasmedge extends witx. If a
    module imports neither, the other functions may show its ABI. If their types contradict each
    other, the ABI that most of them have is taken.
    """
    types = [item for item in items if item.name in _OF_LAYOUT]
    extensions = [item for item in items if item.name in _EXTENSIONS]
    shown = WASMEDGE if extensions else WITX
    evidence = (
        *(_about(item, "NN131", f"{item.name} is {item.shown_type}") for item in types),
        *(_about(item, "NN132", f"{item.name} is imported") for item in extensions),
    )
    if types:
        fitting = {d.name: sum(_fits(item, d) for item in types) for d in (shown, WAMR)}
        most = [name for name, count in fitting.items() if count == max(fitting.values())]
        return Abi(most[0] if len(most) == 1 else None, True, evidence)
    if extensions:
        return Abi(WASMEDGE.name, True, evidence)
    guess = usual(module)
    nothing = Diagnostic("NN134", f"neither load nor get_output is imported from {module}")
    return Abi(guess.name, False, (nothing,))


def usual(module: str) -> Dialect:
    """The ABI that most guests have that import wasi-nn under this name."""
    return WITX if module == WASI_EPHEMERAL_NN else WAMR


def _about(item: ImportedItem, code: str, message: str) -> Diagnostic:
    return Diagnostic(code, message, item.offset, item.name)


def _fits(item: ImportedItem, dialect: Dialect) -> bool:
    return item.type == dialect.signature(item.name)

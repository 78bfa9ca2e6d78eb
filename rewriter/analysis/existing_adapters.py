"""Find the adapters that an earlier rewrite has put into a module.

An adapter is known by its bytes: it is one of the last functions, and the same as what a generation
has for the import that it calls, up to how that import's index is written. Where it is one of
several that have the same bytes, what it is exported as says which. Of any other adapter there are
traces.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from rewriter.abi.dialects import DIALECTS, Dialect
from rewriter.adapters.generations import GENERATIONS
from rewriter.analysis.traces import AdapterExport, Trace, adapter_exports, traces
from rewriter.errors import UnsupportedModule
from rewriter.wasm.leb128 import MAX_U32_WIDTH, encode_u32
from rewriter.wasm.module import Module
from rewriter.wasm.sections import Section, SectionId
from rewriter.wasm.types import AdapterMemory, FuncType

if TYPE_CHECKING:
    from rewriter.adapters.adapter import Adapter

__all__ = ["FoundAdapters", "StandingAdapter", "find_adapters", "own_exports"]

_CALL = b"\x10"
_AFTER_CALL = (b"\x0b", b"\x21", b"\x22")
"""What adapters do with an errno: they end with it, or local.set, or local.tee."""

_LONGEST = 1024
"""Bytes; no adapter is longer."""


class StandingAdapter(NamedTuple):
    """An adapter in a module: the index of the function, and of its type."""

    adapter: Adapter
    function_index: int
    type_index: int


class FoundAdapters(NamedTuple):
    """`standing` by the index of the import that each adapter stands before, and what there is of
    others; `offset` of the code section."""

    standing: Mapping[int, StandingAdapter]
    traces: tuple[Trace, ...]
    offset: int

    def check_source(self, guest: Dialect) -> None:
        """Raise UnsupportedModule where adapters would not be the same from `guest`."""
        standing = (found.adapter for found in self.standing.values())
        for adapter in (*standing, *(trace.adapter for trace in self.traces if trace.adapter)):
            from rewriter.adapters.adapter import adapter_for, same_adapter

            function = adapter.function
            known = function in guest.functions
            of_guest = adapter_for(function, guest, adapter.target) if known else None
            if not same_adapter(adapter.renewed, of_guest):
                raise UnsupportedModule(
                    f"it is said to be of the {guest.name} ABI, and its adapter {adapter.name} is"
                    f" for a guest of {adapter.source.name}",
                    self.offset,
                    "NN123",
                )


def find_adapters(
    module: Module,
    imported: Mapping[int, tuple[str, FuncType]],
    first: int,
    memory: AdapterMemory | None,
) -> FoundAdapters:
    """Find the adapters in a module.

    `imported` has the names and types of wasi-nn's functions by their indices; `first` is the
    index of the first function that the module defines. Raises MalformedModule where functions
    cannot be read.
    """
    if not imported:
        return FoundAdapters({}, (), 0)
    code = module.find(SectionId.CODE)
    exported = adapter_exports(module)
    standing: dict[int, StandingAdapter] = {}
    end = code.end if code else 0
    if code and memory and _may_have_adapters(code, imported):
        standing, end = _standing(module, _possible(imported, memory), first, exported)
    offset = code.start if code else 0
    indices = {found.function_index for found in standing.values()}
    return FoundAdapters(
        standing, traces(module, exported, _own(exported, standing), indices, end), offset
    )


def own_exports(module: Module, standing: Mapping[int, StandingAdapter]) -> list[AdapterExport]:
    """The exports that a rewrite has made of these adapters, in order."""
    return _own(adapter_exports(module), standing)


def _own(
    exported: Collection[AdapterExport], standing: Mapping[int, StandingAdapter]
) -> list[AdapterExport]:
    by_function = {found.function_index: found.adapter for found in standing.values()}
    return [
        item
        for item in exported
        if item.function in by_function and item.is_of(by_function[item.function], item.function)
    ]


def _may_have_adapters(code: Section, imported: Collection[int]) -> bool:
    """Most modules have none, and are not to be read for them."""
    tail = code.data[max(code.content, code.end - _LONGEST) : code.end]
    calls = (_CALL + index for slot in imported for index in _indices(slot))
    return any(call + after in tail for call in calls for after in _AFTER_CALL)


def _indices(slot: int) -> tuple[bytes, bytes]:
    """How the index of an import is written in a call. Linkers leave five bytes for it, and so do
    adapters; what reads a module and writes it anew makes it as short as it can be."""
    return encode_u32(slot, MAX_U32_WIDTH), encode_u32(slot)


def _standing(
    module: Module,
    possible: Mapping[bytes, tuple[int, Sequence[Adapter]]],
    first: int,
    exported: Collection[AdapterExport],
) -> tuple[dict[int, StandingAdapter], int]:
    """The adapters among the last functions, and where the body of the first of them starts."""
    from rewriter.functions.code import defined_functions  # which few modules get to need

    found: dict[int, StandingAdapter] = {}
    type_indices, bodies = defined_functions(module)
    functions = module.find(SectionId.FUNCTION)
    declared_at = functions.start if functions else 0
    end = bodies[len(bodies) - 1].end if bodies else 0
    for place in reversed(range(len(bodies))):
        body = bodies[place]
        slot, adapters = possible.get(module.data[body.content : body.end], (-1, ()))
        if not adapters or slot in found:
            break
        type_index = type_indices[place]
        func_type = module.types.of_function(type_index, declared_at)
        named = (a for a in adapters if any(item.is_of(a, first + place) for item in exported))
        adapter = next(named, adapters[0])
        if func_type != adapter.type:
            break
        found[slot] = StandingAdapter(adapter, first + place, type_index)
        end = body.start
    return found, end


def _possible(
    imported: Mapping[int, tuple[str, FuncType]], memory: AdapterMemory
) -> dict[bytes, tuple[int, list[Adapter]]]:
    """The bodies of all adapters that could stand before these imports."""
    possible: dict[bytes, tuple[int, list[Adapter]]] = {}
    for slot, (name, func_type) in imported.items():
        for before, after, adapter in _templates(name, func_type, memory, tuple(DIALECTS.values())):
            for index in _indices(slot):
                possible.setdefault(before + index + after, (slot, []))[1].append(adapter)
    return possible


@functools.lru_cache(maxsize=64)
def _templates(
    imported: str,
    imported_type: FuncType,
    memory: AdapterMemory,
    dialects: tuple[Dialect, ...],
) -> list[tuple[bytes, bytes, Adapter]]:
    """Each body in two parts, before and after the index of the import."""
    from rewriter.adapters.adapter import adapter_for
    from rewriter.adapters.needs import has

    templates = []
    hole = _CALL + encode_u32(0, MAX_U32_WIDTH)
    for generation, source, target in itertools.product(GENERATIONS, dialects, dialects):
        for function in source.functions:
            adapter = adapter_for(function, source, target) if has(target, function) else None
            if adapter and (adapter.imported, adapter.imported_type) == (imported, imported_type):
                adapter = adapter._replace(generation=generation)
                before, after = adapter.body(0, memory).split(hole)
                templates.append((before + _CALL, after, adapter))
    return templates

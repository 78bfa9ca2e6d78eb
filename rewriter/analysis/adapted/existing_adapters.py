"""Finds the adapters that earlier rewrites added to a module.

Adapters are the module's last functions. Each is exported under a name that says what it is, and
has exactly the bytes of that adapter for the import that it calls, except for the encoding of the
import's index. Adapters from before there were exports are recognised by their bytes alone. Any
other adapter is reported as a trace.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from rewriter.abi.dialects import DIALECTS, Dialect
from rewriter.abi.measured import dialect_named
from rewriter.adapters.generations import GENERATION, UNMARKED, AdapterName
from rewriter.analysis.adapted.adapter_global import adapter_global
from rewriter.analysis.adapted.traces import AdapterExport, Trace, adapter_exports, traces
from rewriter.errors import UnsupportedModule
from rewriter.wasm.leb128 import MAX_U32_WIDTH, encode_u32
from rewriter.wasm.module import Module
from rewriter.wasm.sections import Section, SectionId
from rewriter.wasm.types import AdapterMemory, FuncType

if TYPE_CHECKING:
    from rewriter.adapters.adapter import Adapter

__all__ = ["FoundAdapters", "StandingAdapter", "find_adapters", "own_exports"]

_CALL = b"\x10"
_AFTER_UNMARKED_CALL = (b"\x0b", b"\x21", b"\x22")
"""What an unmarked adapter does with the errno of a call: end, local.set or local.tee."""

_GLOBAL_OPCODES = (b"\x23", b"\x24")
"""global.get, global.set."""

_LONGEST_UNMARKED = 1024
"""Bytes."""


class StandingAdapter(NamedTuple):
    """An adapter in a module, with the indices of its function and of its type."""

    adapter: Adapter
    function_index: int
    type_index: int


class FoundAdapters(NamedTuple):
    """`standing` has the intact adapters by the index of the import behind each, and `traces` the
    others. `offset` is the byte offset of the code section."""

    standing: Mapping[int, StandingAdapter]
    traces: tuple[Trace, ...]
    offset: int

    def check_source(self, guest: Dialect) -> None:
        """Raise UnsupportedModule if the adapters are not those for a guest of `guest`."""
        standing = (found.adapter for found in self.standing.values())
        for adapter in (*standing, *(trace.adapter for trace in self.traces if trace.adapter)):
            from rewriter.adapters.adapter import adapter_for, same_adapter

            function = adapter.function
            known = function in guest.functions
            of_guest = (
                adapter_for(function, guest, adapter.target, told=adapter.told, apart=True)
                if known
                else None
            )
            elsewhere = adapter.source.layout != guest.layout
            if elsewhere or not same_adapter(adapter.renewed, of_guest):
                raise UnsupportedModule(
                    f"its ABI was given as {guest.name}, but its adapter {adapter.name} is for a "
                    f"guest with the {adapter.source.name} ABI",
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

    `imported` has the names and types of wasi-nn's functions by index. `first` is the index of the
    first function that the module defines. Raises MalformedModule if functions cannot be read.
    """
    if not imported:
        return FoundAdapters({}, (), 0)
    code = module.find(SectionId.CODE)
    exported = adapter_exports(module)
    standing: dict[int, StandingAdapter] = {}
    end = code.end if code else 0
    if code and memory and (exported or _may_have_unmarked(code, imported)):
        memory = memory._replace(global_index=adapter_global(module).number)
        standing, end = _standing(module, _Search(imported, memory, first, exported))
    offset = code.start if code else 0
    indices = {found.function_index for found in standing.values()}
    return FoundAdapters(
        standing, traces(module, exported, _own(exported, standing), indices, end), offset
    )


def own_exports(module: Module, standing: Mapping[int, StandingAdapter]) -> list[AdapterExport]:
    """The exports that a rewrite created for these adapters, in order."""
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


def _may_have_unmarked(code: Section, imported: Collection[int]) -> bool:
    """Whether the code may end with unmarked adapters. Most modules have none, and this avoids
    reading their functions."""
    tail = code.data[max(code.content, code.end - _LONGEST_UNMARKED) : code.end]
    calls = (_CALL + index for slot in imported for index in _indices(slot))
    return any(call + after in tail for call in calls for after in _AFTER_UNMARKED_CALL)


def _indices(slot: int) -> tuple[bytes, bytes]:
    """The two encodings of an import's index in a call. Linkers and adapters use five bytes; tools
    that parse and re-encode a module use the shortest form."""
    return encode_u32(slot, MAX_U32_WIDTH), encode_u32(slot)


def _standing(module: Module, search: _Search) -> tuple[dict[int, StandingAdapter], int]:
    """The adapters among the last functions, and the byte offset of the first one's body."""
    from rewriter.functions.code import defined_functions  # most modules return before this

    found: dict[int, StandingAdapter] = {}
    type_indices, bodies = defined_functions(module)
    functions = module.find(SectionId.FUNCTION)
    declared_at = functions.start if functions else 0
    end = bodies[len(bodies) - 1].end if bodies else 0
    for place in reversed(range(len(bodies))):
        body = bodies[place]
        function = search.first + place
        known = search.adapter(function, bytes(module.data[body.content : body.end]))
        if known is None or known[0] in found:
            break
        slot, adapter = known
        type_index = type_indices[place]
        if module.types.of_function(type_index, declared_at) != adapter.type:
            break
        found[slot] = StandingAdapter(adapter, function, type_index)
        end = body.start
    return found, end


class _Search(NamedTuple):
    """The arguments of the search: see `find_adapters`."""

    imported: Mapping[int, tuple[str, FuncType]]
    memory: AdapterMemory
    first: int
    exported: Collection[AdapterExport]

    def adapter(self, function: int, body: bytes) -> tuple[int, Adapter] | None:
        """The index of the import behind a function, and the adapter; None if it is not one."""
        for adapter in self._possible(function):
            parts = _template(adapter, self.memory)
            wanted = adapter.imported, adapter.imported_type
            for slot, known in self.imported.items():
                if known == wanted and body in _forms(parts, slot, self.memory):
                    return slot, adapter
        return None

    def _possible(self, function: int) -> Iterator[Adapter]:
        named = [item.name for item in self.exported if item.function == function]
        for name in named:
            yield from _named(name)
        if not named:
            yield from _unmarked()


def _named(name: AdapterName) -> Iterator[Adapter]:
    """The adapters with this name in an export, if it is of the current generation."""
    from rewriter.adapters.adapter import adapter_for
    from rewriter.adapters.needs import has

    source, target = DIALECTS.get(name.source), dialect_named(name.target)
    known = source and target and name.function in source.functions and has(target, name.function)
    if known and source and target and name.generation == GENERATION:
        for told in (True, False):
            if adapter := adapter_for(name.function, source, target, told=told, apart=True):
                yield adapter


@functools.cache
def _unmarked() -> tuple[Adapter, ...]:
    """All adapters from before there were markers."""
    from rewriter.adapters.adapter import Adapter
    from rewriter.adapters.unmarked.text import unmarked_functions

    return tuple(
        Adapter(function, DIALECTS[source], DIALECTS[target], UNMARKED)
        for function, source, target in unmarked_functions()
    )


@functools.lru_cache(maxsize=256)
def _template(adapter: Adapter, memory: AdapterMemory) -> tuple[bytes, ...]:
    """An adapter's body, split at the calls of the import."""
    hole = _CALL + encode_u32(0, MAX_U32_WIDTH)
    return tuple(adapter.body(0, memory).split(hole))


def _forms(parts: tuple[bytes, ...], slot: int, memory: AdapterMemory) -> tuple[bytes, bytes]:
    """A body with indices in five bytes, and in their shortest form."""
    long, short = ((_CALL + index).join(parts) for index in _indices(slot))
    for opcode in _GLOBAL_OPCODES:
        index = encode_u32(memory.global_index, MAX_U32_WIDTH)
        short = short.replace(opcode + index, opcode + encode_u32(memory.global_index))
    return long, short

"""Find the adapters that an earlier rewrite has put into a module.

An adapter is known by its bytes: it is one of the last functions, and the same as what would be
made for the import that it calls. Names and custom sections play no part, so that a stripped
module is recognised too.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from rewriter.cursor import Data
from rewriter.dialects import WAMR, WAMR_2_1, WAMR_EPHEMERAL, WASMEDGE, WITX
from rewriter.errors import MalformedModule
from rewriter.leb128 import MAX_U32_WIDTH, encode_u32
from rewriter.sections import Section
from rewriter.valtypes import AdapterMemory, FuncType, Types

if TYPE_CHECKING:
    from rewriter.adapters import Adapter

__all__ = ["StandingAdapter", "standing_adapters"]

_CONVENTIONS = (WITX, WASMEDGE, WAMR, WAMR_EPHEMERAL, WAMR_2_1)
_CALL = b"\x10"

_LONGEST = 1024
"""Bytes; no adapter is longer."""


class StandingAdapter(NamedTuple):
    """An adapter in a module: the index of the function, and of its type."""

    adapter: Adapter
    function_index: int
    type_index: int


def standing_adapters(
    data: Data,
    functions: Section | None,
    code: Section | None,
    types: Types,
    imported: Mapping[int, tuple[str, FuncType]],
    first: int,
    memory: AdapterMemory | None,
) -> dict[int, StandingAdapter]:
    """The adapters in a module, by the index of the import that each stands before.

    `imported` has the names and types of wasi-nn's functions by their indices; `first` is the
    index of the first function that the module defines.
    """
    if functions is None or code is None or memory is None or not imported:
        return {}
    tail = data[max(code.content, code.end - _LONGEST) : code.end]
    if not any(_CALL + encode_u32(slot, MAX_U32_WIDTH) in tail for slot in imported):
        return {}
    from rewriter.code import defined_functions  # which few modules get to need

    found: dict[int, StandingAdapter] = {}
    type_indices, bodies = defined_functions(data, functions, code)
    possible = _possible(imported, memory)
    for place in reversed(range(len(bodies))):
        body = bodies[place]
        slot, adapter = possible.get(data[body.content : body.end], (None, None))
        if slot is None or adapter is None or slot in found:
            break
        type_index = type_indices[place]
        if type_index >= len(types):
            raise MalformedModule(
                f"a function has type {type_index} of {len(types)}", functions.start
            )
        if types[type_index] != adapter.type:
            break
        found[slot] = StandingAdapter(adapter, first + place, type_index)
    return found


def _possible(
    imported: Mapping[int, tuple[str, FuncType]], memory: AdapterMemory
) -> dict[bytes, tuple[int, Adapter]]:
    """The bodies of all adapters that could stand before these imports."""
    possible: dict[bytes, tuple[int, Adapter]] = {}
    for slot, (name, func_type) in imported.items():
        for before, after, adapter in _templates(name, func_type, memory):
            body = before + encode_u32(slot, MAX_U32_WIDTH) + after
            possible.setdefault(body, (slot, adapter))
    return possible


@functools.lru_cache(maxsize=64)
def _templates(
    imported: str, imported_type: FuncType, memory: AdapterMemory
) -> list[tuple[bytes, bytes, Adapter]]:
    """Each body in two parts, before and after the index of the import."""
    from rewriter.adapters import adapter_for, has

    templates = []
    hole = _CALL + encode_u32(0, MAX_U32_WIDTH)
    for source, target in itertools.product(_CONVENTIONS, repeat=2):
        for function in source.functions:
            adapter = adapter_for(function, source, target) if has(target, function) else None
            if adapter and (adapter.imported, adapter.imported_type) == (imported, imported_type):
                before, after = adapter.body(0, memory).split(hole)
                templates.append((before + _CALL, after, adapter))
    return templates

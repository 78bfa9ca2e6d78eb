"""The names of graphs that a core module asks for.

A name is in memory, and a module can write to its memory before it passes the address. So a name
is never certain: what the data segments have at the address is only what the module starts with. A
name there that the policy does not allow fails, and any other is not known to be allowed.
"""

from __future__ import annotations

from collections.abc import Iterator
from weakref import WeakKeyDictionary

from rewriter.abi.dialect import BY_NAME, WITH_CONFIG
from rewriter.analysis.inspect import ModuleInfo
from rewriter.analysis.seen.numbering import followed
from rewriter.analysis.sources import called, guest_functions, is_function
from rewriter.constants.decoding import number_at
from rewriter.constants.found import Reached, Wanted
from rewriter.constants.values import MASK
from rewriter.diagnostics import Diagnostic
from rewriter.functions.code import constant_expression
from rewriter.policy.policy import Policy
from rewriter.policy.unknown import unknown
from rewriter.wasm.module import Module
from rewriter.wasm.sections import SectionId

__all__ = ["graphs"]

_NAMES = (BY_NAME | WITH_CONFIG).keys()

_LONGEST = 1024
"""Bytes of a name. Longer ones are not read."""

_PASSIVE, _NAMES_MEMORY = 1, 2


def graphs(info: ModuleInfo, policy: Policy) -> Iterator[Diagnostic]:
    """Diagnostics about the graphs that a module loads by name. The policy has to limit them.

    Raises MalformedModule for unreadable sections.
    """
    imported = {called(info, slot): item for slot, item in info.wasi_nn.items()}
    names = [name for name in imported if name in _NAMES]
    if not names:
        return
    if not policy.named_graphs:
        for name in names:
            offset = imported[name].offset
            yield Diagnostic(
                "NN805", f"the policy allows no named graph: it imports {name}", offset, name
            )
        return
    for name, found in _calls(info):
        if found is None:
            message = f"it imports {name}, and it is not known which names it passes"
            yield unknown(policy, message, imported[name].offset, name)
        else:
            yield from _judged(info, policy, name, found)


_FOUND: WeakKeyDictionary[Module, list[tuple[str, Reached | None]]] = WeakKeyDictionary()
"""Cache of calls, which are the same for all hosts."""


def _calls(info: ModuleInfo) -> list[tuple[str, Reached | None]]:
    """The calls by which graphs are loaded; None for functions whose calls are not followed."""
    if info.module not in _FOUND:
        _FOUND[info.module] = list(_follow(info))
    return _FOUND[info.module]


def _follow(info: ModuleInfo) -> Iterator[tuple[str, Reached | None]]:
    from rewriter.constants.guest import follow_arguments

    # All layouts have the same functions that load by name.
    known, wanted, names = followed(info, guesses=True), {}, {}
    for one in guest_functions(info):
        if one.name not in _NAMES:
            continue
        item = info.wasi_nn.get(one.number)
        if one.number not in known or (item and not is_function(one.dialect, item)):
            yield one.name, None
        else:
            wanted[one.number], names[one.number] = (Wanted((0,)), Wanted((1,))), one.name
    if wanted and info.adapter_memory is not None:
        memory = info.adapter_memory.memory_index
        for found in follow_arguments(info.module, known, memory, wanted):
            yield names[found.imported], found


def _judged(
    info: ModuleInfo, policy: Policy, function: str, found: Reached
) -> Iterator[Diagnostic]:
    place = str(found.place or "a function")
    offset = found.place.offset if found.place else None
    addresses, lengths = found.numbers
    if found.place is None:
        message = f"{function} can be called in ways that are not seen, with any name"
        yield unknown(policy, message, offset, function)
        return
    names = [_text(info, at, size) for at in addresses or () for size in lengths or ()]
    if not names:
        message = f"{place} passes a name to {function} that is not a constant"
        yield unknown(policy, message, offset, function)
    for name in names:
        if name is None:
            message = f"{place} passes a name to {function} that is not in the data segments"
            yield unknown(policy, message, offset, function)
        elif not policy.allows("named_graphs", name):
            message = f"the policy does not allow the graph {name!r}: {place} asks for it"
            yield Diagnostic("NN805", message, offset, function)
        else:
            message = f"{place} asks for the graph {name!r}, unless the module overwrites the name"
            yield unknown(policy, message, offset, function)


def _text(info: ModuleInfo, address: int, size: int) -> str | None:
    """The text that the data segments put at an address, without a NUL at its end; None if they do
    not, or if a part of it is not in one segment."""
    if not 0 < size <= _LONGEST or info.adapter_memory is None:
        return None
    found = None
    for start, place, length in _segments(info.module, info.adapter_memory.memory_index):
        if start is None:
            return None
        if start <= address and address + size <= start + length:
            first = place + address - start
            found = bytes(info.module.data[first : first + size])
        elif start < address + size and address < start + length:
            return None
    try:
        return found.removesuffix(b"\0").decode() if found is not None else None
    except UnicodeDecodeError:
        return None


def _segments(module: Module, memory: int) -> Iterator[tuple[int | None, int, int]]:
    """The active data segments of a memory, in order: the address in memory, the position in the
    file, and the length in bytes. The address is None if it is not a constant.

    https://webassembly.github.io/spec/core/binary/modules.html#data-section
    """
    section = module.find(SectionId.DATA)
    if section is None:
        return
    cursor = section.cursor()
    for _ in range(cursor.count("data segments")):
        flags = cursor.u32()
        index = cursor.u32() if flags == _NAMES_MEMORY else 0
        address = None
        if flags != _PASSIVE:
            start = cursor.pos
            constant_expression(cursor, ())
            address = number_at(cursor.data, start, cursor.pos)
        size = cursor.count("bytes of data")
        if flags != _PASSIVE and index == memory:
            yield None if address is None else address & MASK, cursor.pos, size
        cursor.pos += size

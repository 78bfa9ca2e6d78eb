"""How a host begins with a module, and what it wants of the module for that."""

from __future__ import annotations

from collections.abc import Iterator
from weakref import WeakKeyDictionary

from rewriter.analysis.inspect import (
    ExportedFunction,
    ModuleInfo,
    exported_functions,
    exports_functions,
)
from rewriter.analysis.linking import imports_of_wasi
from rewriter.analysis.modelled.unseen import not_measured
from rewriter.analysis.trapping import trapping
from rewriter.diagnostics import Diagnostic
from rewriter.hosts.host import Host
from rewriter.wasm.module import Module
from rewriter.wasm.types import NUMBERS

__all__ = ["beginning", "compact_imports"]

_GIVEN = NUMBERS | {"v128"}
"""The types of results that a program outside WebAssembly can be given."""

_START, _INITIALIZE = "_start", "_initialize"


def beginning(info: ModuleInfo, host: Host) -> Iterator[Diagnostic]:
    """What speaks against it that the host begins with the module, and ends with it.

    Raises MalformedModule for what cannot be read.
    """
    found = _exported(info, host)
    if _START in found and _INITIALIZE in found:
        if not host.knows("one_beginning"):
            yield not_measured("whether the host takes a module with _start and _initialize")
        elif host.one_beginning:
            message = "it exports both _start and _initialize, which the host refuses"
            yield Diagnostic("NN220", message, function=_INITIALIZE)
    yield from _initialize(found, host)
    yield from _entry(info, found, host)
    yield from _without_memory(info, found, host)
    yield from trapping(info, found, host)


_FOUND: WeakKeyDictionary[Module, dict[frozenset[str], dict[str, ExportedFunction]]] = (
    WeakKeyDictionary()
)
"""The functions that a module exports by names that hosts look for."""


def _exported(info: ModuleInfo, host: Host) -> dict[str, ExportedFunction]:
    first = (*host.calls_first, *host.calls_first_without_wasi)
    wanted = frozenset((*host.entries, *host.mains, *first, _START, _INITIALIZE))
    known = _FOUND.setdefault(info.module, {})
    if wanted not in known:
        known[wanted] = exported_functions(info.module, wanted)
    return known[wanted]


def _initialize(found: dict[str, ExportedFunction], host: Host) -> Iterator[Diagnostic]:
    first = found.get(_INITIALIZE)
    if first is None:
        return
    if not host.knows("initializes"):
        yield not_measured("whether the host calls _initialize")
        return
    if not host.initializes or (host.initializes_alone and _START in found):
        return
    is_odd = first.type.params or first.type.results
    if is_odd and _START in found and not host.knows("initializes_alone"):
        yield not_measured(f"whether the host minds that _initialize is {first.type}")
    elif first.type.params or first.type.results:
        yield _cannot_call(_INITIALIZE, first, "without arguments or results")


def _entry(
    info: ModuleInfo, found: dict[str, ExportedFunction], host: Host
) -> Iterator[Diagnostic]:
    """Of the function that the host calls, or that it looks for and does not find."""
    for name in host.entries:
        entry = found.get(name)
        if entry is None:
            continue
        if entry.is_imported and not host.calls_imported:
            message = f"its {_shown(name)} is an import, which the host cannot call"
            yield Diagnostic("NN217", message, function=name)
        elif entry.type.params and host.gives_arguments:
            message = f"its {_shown(name)} is {entry.type}, so its user must pass the arguments"
            yield Diagnostic("NN221", message, function=name)
        elif entry.type.results and not entry.type.params and not host.knows("strict_start"):
            yield not_measured(f"whether the host calls a {_shown(name)} that returns results")
        elif entry.type.params or (entry.type.results and host.strict_start):
            yield _cannot_call(name, entry, "without arguments or results")
        elif not host.gives_arguments and not _GIVEN.issuperset(entry.type.results):
            yield _cannot_call(name, entry, "for numbers")
        return
    for name in host.mains:
        entry = found.get(name)
        if entry is None:
            continue
        if entry.type.params:
            message = (
                f"its {name} takes arguments, for which the host allocates memory with its malloc"
            )
            yield Diagnostic("NN221", message, function=name)
        return
    if host.names_function:
        yield _none_found(info, host)


def _none_found(info: ModuleInfo, host: Host) -> Diagnostic:
    if not exports_functions(info):
        message = "it exports no function for the host's command to call"
        return Diagnostic("NN218", message, help="build it as a command, with _start")
    looked_for = " or ".join((*host.entries, *host.mains[:1]))
    message = f"it exports no {looked_for} for the host's command to call"
    return Diagnostic("NN218", message, help=f"name another function: {host.names_function}")


def _shown(name: str) -> str:
    return name or "function without a name"


def _cannot_call(name: str, function: ExportedFunction, how: str) -> Diagnostic:
    message = f"its {_shown(name)} is {function.type}, but the host calls it {how}"
    return Diagnostic("NN217", message, function=name)


def _without_memory(
    info: ModuleInfo, found: dict[str, ExportedFunction], host: Host
) -> Iterator[Diagnostic]:
    """What the host does with a module that exports no memory by the name that hosts look for."""
    if info.shared_memory is not None:
        return
    wasi = imports_of_wasi(info)
    if not host.knows("wants_memory") and (wasi or _START in found or _INITIALIZE in found):
        yield not_measured('whether the host accepts a module without a memory named "memory"')
        return
    if host.wants_memory and (wasi or _START in found or _INITIALIZE in found):
        message = 'it exports no memory named "memory", and the host refuses such a module'
        yield Diagnostic("NN219", message)
        return
    if host.without_memory is None:
        if wasi and host.measured is not None:
            first = wasi[0].name
            yield not_measured(f'whether {first} works without a memory named "memory"')
        return
    for item in wasi:
        functions = (host.others or {}).get(item.module, {})
        if item.name in functions and item.name not in host.without_memory:
            message = f'it imports {item.name} but exports no memory named "memory"'
            yield Diagnostic("NN223", message, item.offset, item.name)
            return


def compact_imports(info: ModuleInfo, host: Host) -> Iterator[Diagnostic]:
    """What speaks against it that the host reads the import section."""
    first = info.compact_import
    if first is not None and not host.compact_imports:
        message = "its import section is compact, which the host does not read"
        yield Diagnostic("NN213", message, first.offset)

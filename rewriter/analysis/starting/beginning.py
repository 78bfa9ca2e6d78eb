"""How a host starts a module, and what the module needs for that."""

from __future__ import annotations

from collections.abc import Iterator
from weakref import WeakKeyDictionary

from rewriter.analysis.inspect import (
    ExportedFunction,
    ModuleInfo,
    exported_functions,
    exports_functions,
)
from rewriter.analysis.linking import imports_of_wasi, wasi_in_memory
from rewriter.analysis.modelled.unseen import not_measured
from rewriter.analysis.starting.trapping import trapping
from rewriter.diagnostics import Diagnostic
from rewriter.hosts.host import Feature, Host
from rewriter.wasm.module import Module
from rewriter.wasm.types import NUMBERS, PAGE_SIZE

__all__ = ["beginning", "compact_imports"]

_GIVEN = NUMBERS | {"v128"}
"""The types of results that a host can return to its user."""

_START, _INITIALIZE = "_start", "_initialize"


def beginning(info: ModuleInfo, host: Host) -> Iterator[Diagnostic]:
    """Whatever may keep the host from starting the module or running it to its end.

    Raises MalformedModule for unreadable sections.
    """
    yield from _memories(info, host)
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
"""Cache: the functions that a module exports under names that hosts look for."""


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
        yield not_measured(f"whether the host accepts an _initialize that is {first.type}")
    elif first.type.params or first.type.results:
        yield _cannot_call(_INITIALIZE, first, "without arguments or results")


def _entry(
    info: ModuleInfo, found: dict[str, ExportedFunction], host: Host
) -> Iterator[Diagnostic]:
    """Diagnostics about the function that the host calls as the program, or does not find."""
    for name in host.entries:
        entry = found.get(name)
        if entry is None:
            continue
        if entry.is_imported and not host.calls_imported:
            yield _imported(name)
        elif entry.type.params and host.gives_arguments:
            message = f"its {_shown(name)} is {entry.type}, so you must pass the arguments"
            yield Diagnostic("NN221", message, function=name)
        elif entry.type.results and not entry.type.params and not host.knows("strict_start"):
            yield not_measured(f"whether the host calls a {_shown(name)} that returns results")
        elif entry.type.params or (entry.type.results and host.strict_start):
            yield _cannot_call(name, entry, "without arguments or results")
        elif not host.gives_arguments and not _GIVEN.issuperset(entry.type.results):
            yield _cannot_call(name, entry, "for numbers")
        return
    for name in host.mains:
        if name in found:
            yield from _main(name, found[name], host)
            return
    if host.names_function:
        yield _none_found(info, host)


_ARGUMENTS = ((), ("i32", "i32"))
_RESULTS = ((), ("i32",))
"""The parameters and results of C's `main`."""


def _main(name: str, entry: ExportedFunction, host: Host) -> Iterator[Diagnostic]:
    """Diagnostics about a function that the host calls as C's `main`."""
    as_in_c = entry.type.params in _ARGUMENTS and entry.type.results in _RESULTS
    if entry.is_imported and not host.calls_imported:
        yield _imported(name)
    elif not as_in_c and host.strict_main and host.knows("strict_main"):
        yield _cannot_call(name, entry, "as C's main, which is () or (i32 i32) -> (i32)")
    elif entry.type.params:
        message = f"its {name} takes arguments, for which the host calls the guest's malloc"
        yield Diagnostic("NN221", message, function=name)
    elif not as_in_c and not host.knows("strict_main"):
        yield not_measured(f"whether the host calls a {name} that is {entry.type}")


def _imported(name: str) -> Diagnostic:
    message = f"its {_shown(name)} is an import, which the host cannot call"
    return Diagnostic("NN217", message, function=name)


def _none_found(info: ModuleInfo, host: Host) -> Diagnostic:
    if not exports_functions(info):
        message = "it exports no function for the host's command to call"
        return Diagnostic("NN218", message, help="build it as a command, with _start")
    looked_for = " or ".join(filter(None, (*host.entries, *host.mains[:1])))
    message = f"it exports no {looked_for} for the host's command to call"
    return Diagnostic("NN218", message, help=f"name another function {host.names_function}")


def _shown(name: str) -> str:
    return name or "function without a name"


def _cannot_call(name: str, function: ExportedFunction, how: str) -> Diagnostic:
    message = f"its {_shown(name)} is {function.type}, but the host calls it {how}"
    return Diagnostic("NN217", message, function=name)


def _without_memory(
    info: ModuleInfo, found: dict[str, ExportedFunction], host: Host
) -> Iterator[Diagnostic]:
    """Diagnostics about a module that exports no memory named "memory"."""
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


def _memories(info: ModuleInfo, host: Host) -> Iterator[Diagnostic]:
    """Diagnostics about the module's memories."""
    exported = info.adapter_memory
    if info.abis and exported is None and not (host.in_first_memory and info.memories):
        message = 'it exports no memory named "memory", so calls of wasi-nn fail'
        yield Diagnostic("NN141", message)
    yield from _second_memory(info, host)
    shared = info.shared_memory is not None and info.shared_memory.shared
    if info.abis and shared and host.features.get(Feature.THREADS):
        if not host.knows("nn_in_shared"):
            yield not_measured("whether the host's wasi-nn works in a shared memory")
        elif not host.nn_in_shared:
            message = "it exports a shared memory, which the host's wasi-nn does not support"
            yield Diagnostic("NN216", message)
    for memory in (each for each in info.memories if each.page_size == PAGE_SIZE):
        most = host.most_wide_pages if memory.is_64 else host.most_pages
        known, pages = host.knows("most_pages"), f"a memory of {memory.minimum} pages"
        if known and memory.minimum > most:
            yield Diagnostic("NN216", f"it has {pages}, but the host allocates {most} at most")
        elif memory.minimum >= _MANY_PAGES and not known:
            yield not_measured(f"whether the host allocates {pages}")


def _second_memory(info: ModuleInfo, host: Host) -> Iterator[Diagnostic]:
    """Diagnostics about a module whose memory "memory" is not its first one."""
    exported = info.adapter_memory
    if exported is None or not exported.memory_index:
        return
    first = wasi_in_memory(info)
    if not host.knows("in_first_memory"):
        if info.abis or first:
            yield not_measured("whether the host uses a memory that is not the first")
    elif host.in_first_memory:
        what = (
            "which uses the module's first memory on this host, but the module exports another"
            ' one as "memory"'
        )
        if info.abis:
            yield Diagnostic("NN246", f"it imports {next(iter(info.abis))}, {what}")
        elif first:
            message = f"it imports {first.name}, {what}"
            yield Diagnostic("NN246", message, first.offset, first.name)


_MANY_PAGES = 32768
"""2 GiB. Beyond it, addresses are negative for code that treats them as signed."""


def compact_imports(info: ModuleInfo, host: Host) -> Iterator[Diagnostic]:
    """A diagnostic if the host may not read the import section."""
    first = info.compact_import
    if first is not None and not host.compact_imports:
        message = "its import section is compact, which the host does not support"
        yield Diagnostic("NN213", message, first.offset)

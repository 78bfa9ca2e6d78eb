"""What a host means for a module: whether it runs there, and what has to be done for it."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from rewriter.abi.hosts import Host, Proposal, find_host
from rewriter.abi.wasi import WASI
from rewriter.analysis.fitting import HIDDEN_TYPES, Fit, fit, hides_types
from rewriter.analysis.inspect import ModuleInfo, exported_function, inspect_module
from rewriter.codes import Severity
from rewriter.diagnostics import Diagnostic
from rewriter.errors import UsageError
from rewriter.wasm.module import Module
from rewriter.wasm.reader import Data
from rewriter.wasm.types import NUMBERS, PAGE_SIZE

__all__ = ["Runs", "Verdict", "assess", "check", "on_any_host"]


class Runs(Enum):
    """How a module runs on a host, as far as imports and exports show it."""

    AS_IT_IS = "as it is"
    AFTER_REWRITE = "after a rewrite"
    CANNOT = "no"


@dataclass(frozen=True)
class Verdict:
    """Whether a module runs on `host`; `reasons` why not as it is, errors or else warnings, and
    `caveats`, notes on what to look out for if it does."""

    host: str
    reasons: tuple[Diagnostic, ...]
    caveats: tuple[Diagnostic, ...]

    @property
    def runs(self) -> Runs:
        """As it is, after a rewrite for the host, or not at all."""
        if not self.reasons:
            return Runs.AS_IT_IS
        cannot = any(reason.severity is Severity.ERROR for reason in self.reasons)
        return Runs.CANNOT if cannot else Runs.AFTER_REWRITE


def check(
    data: Data | Module, hosts: Iterable[str], *, guest_abi: str | None = None
) -> list[Verdict]:
    """Whether a module runs on each of these hosts, by their names in rewriter.abi.hosts, in their
    order. `data` are the bytes of a core module.

    `guest_abi` names the module's ABI, where its imports do not tell it. Raises UsageError for
    names that are not known, MalformedModule and UnsupportedModule with the byte offset.
    """
    if isinstance(hosts, str):
        raise UsageError(f"hosts: expected several names, not {hosts!r} alone: [{hosts!r}]")
    profiles = list(map(find_host, hosts))
    info = inspect_module(data, guest_abi)
    return [assess(info, host) for host in profiles]


def assess(info: ModuleInfo, host: Host, guest: Host | None = None) -> Verdict:
    """Judge a module by its imports and exports: no more than those can be known of it.

    `guest` is the host that it was built for, where that is known.
    """
    found = fit(info, host.dialects, guest, tells_numbers=host.tells_numbers)
    said = (
        *_other_names(info, host),
        *found.diagnostics,
        *_compact_imports(info, host),
        *_versions(info, found, host),
        *(host.limits if info.abis else ()),
        *_not_defined(info, host),
        *_other_types(info, host),
        *_proposals(info, host),
        *_calls(info, host),
        *_without_memory(info, host),
    )
    errors, warnings, notes = (
        tuple(diagnostic for diagnostic in said if diagnostic.severity is severity)
        for severity in Severity
    )
    return Verdict(host.name, errors or warnings, notes)


def on_any_host(info: ModuleInfo) -> tuple[Diagnostic, ...]:
    """What is to be said of a module wherever it runs, beside the evidence for its ABIs."""
    found = [trace.diagnostic for trace in info.traces]
    if any(hides_types(info, slot) for slot in info.wasi_nn):
        found.append(HIDDEN_TYPES)
    if info.is_object_file:
        remedy = "link it before it is rewritten or run"
        found.append(Diagnostic("NN106", "this is an object file", help=remedy))
    return tuple(found)


def _other_names(info: ModuleInfo, host: Host) -> Iterator[Diagnostic]:
    for module in info.abis:
        if module not in host.modules:
            message = f"it imports {module}, and the host registers {host.modules[0]}"
            yield Diagnostic("NN201", message)


def _compact_imports(info: ModuleInfo, host: Host) -> Iterator[Diagnostic]:
    first = info.compact_import
    if first is not None and not host.compact_imports:
        message = "its import section is compact, which the host does not read"
        yield Diagnostic("NN213", message, first.offset)


def _versions(info: ModuleInfo, found: Fit, host: Host) -> Iterator[Diagnostic]:
    """The functions that the host has not always had, as they are imported in the end."""
    slots = found.adapters.items()
    used = (adapter.imported if adapter else info.wasi_nn[slot].name for slot, adapter in slots)
    for function in dict.fromkeys(used):
        if function in host.since:
            message = f"the host has {function} since {host.since[function]}"
            yield Diagnostic("NN221", message, function=function)


def _not_defined(info: ModuleInfo, host: Host) -> Iterator[Diagnostic]:
    """The imports beside wasi-nn's that the host does not define, or not surely."""
    if unknown := _unknown(info, host.others or {WASI: None}):
        if host.others is None:
            yield Diagnostic("NN222", f"whether the host defines {unknown} is not known")
        else:
            yield Diagnostic("NN212", f"the host does not define {unknown}")


def _unknown(info: ModuleInfo, known: Mapping[str, Collection[str] | None]) -> str:
    """The imports beside wasi-nn's that are not `known` by their module and name; None knows all
    functions of a module."""
    unknown: dict[str, None] = {}
    for item in info.imports:
        names = known.get(item.module, ())
        if item.is_wasi_nn or (item.kind == "func" and (names is None or item.name in names)):
            continue
        unknown[f"{item.module}.{item.name}"] = None
    named = ", ".join(itertools.islice(unknown, _MOST_NAMED))
    return f"{named} and {len(unknown) - _MOST_NAMED} more" if len(unknown) > _MOST_NAMED else named


def _other_types(info: ModuleInfo, host: Host) -> Iterator[Diagnostic]:
    """The functions beside wasi-nn's that the host defines with another type, each once."""
    others = host.others or {}
    said: set[tuple[str, str]] = set()
    for item in info.imports:
        defined = others.get(item.module, {}).get(item.name) if item.kind == "func" else None
        if defined is None or item.type == defined or (item.module, item.name) in said:
            continue
        said.add((item.module, item.name))
        given = str(item.type)
        if given == str(defined):
            given = "of the same form, and not final or in a group of types"
        message = f"the host's {item.module}.{item.name} is {defined}, and the import is {given}"
        yield Diagnostic("NN215", message, item.offset, item.name)


def _proposals(info: ModuleInfo, host: Host) -> Iterator[Diagnostic]:
    """What the module has and the host is not set up for."""
    found = {
        Proposal.THREADS: any(memory.shared for memory in info.memories),
        Proposal.PAGE_SIZES: any(memory.page_size != PAGE_SIZE for memory in info.memories),
        Proposal.EXACT_IMPORTS: any(item.exact for item in info.imports),
    }
    for proposal, is_there in found.items():
        if is_there and proposal in host.lacks:
            yield Diagnostic("NN216", f"it has {proposal.value}, which the host refuses")


def _calls(info: ModuleInfo, host: Host) -> Iterator[Diagnostic]:
    """The functions that the host calls first, and that it cannot call without arguments."""
    first = exported_function(info.module, "_initialize") if host.initializes else None
    if first is not None and (first.params or first.results):
        message = f"its _initialize is {first}, and the host calls it without arguments or results"
        yield Diagnostic("NN217", message, function="_initialize")
    for name in host.entries:
        entry = exported_function(info.module, name)
        if entry is None:
            continue
        if entry.params or not NUMBERS.issuperset(entry.results):
            message = f"its {name or 'function without a name'} is {entry}, and the host calls it"
            yield Diagnostic("NN217", f"{message} without arguments", function=name)
        return


def _without_memory(info: ModuleInfo, host: Host) -> Iterator[Diagnostic]:
    """Functions of WASI in which the host looks for a memory that is not there."""
    if host.others is None or info.shared_memory is not None or info.abis:
        return  # the latter is said of wasi-nn
    for item in info.imports:
        functions = host.others.get(item.module, {})
        if item.name in functions and item.name not in host.without_memory:
            message = f'it imports {item.name} and exports no memory named "memory"'
            yield Diagnostic("NN223", message, item.offset, item.name)
            return


_MOST_NAMED = 10

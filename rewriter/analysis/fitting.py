"""Chooses the adapters that make a module fit a host's dialects."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from rewriter.abi.dialect import BY_NAME
from rewriter.abi.dialects import WASMEDGE, WITX, Dialect
from rewriter.adapters.adapter import Adapter, adapter_for, same_adapter, speaks
from rewriter.adapters.needs import has, need
from rewriter.analysis.inspect import ImportedItem, ModuleInfo
from rewriter.analysis.reasons import (
    HIDDEN_NUMBERS,
    HIDDEN_NUMBERS_THERE,
    HIDDEN_TYPES,
    hidden_encodings,
    hidden_nul,
    lacking,
    lost,
    no_loader,
    unfit_memory,
    whatever_it_is,
    why,
    why_another,
)
from rewriter.analysis.sources import (
    called,
    guest_dialects,
    hidden_numbers,
    hides_types,
    is_function,
    is_told,
    mixed,
    says_told,
)
from rewriter.codes import Severity
from rewriter.diagnostics import Diagnostic, distinct
from rewriter.hosts.host import Host

__all__ = [
    "Decision",
    "Fit",
    "Wanted",
    "fit",
    "fit_import",
    "tells_guest",
    "told_guest",
]


class Fit(NamedTuple):
    """The adapters that make a module fit some dialects.

    `adapters` has the adapter, or None, for each wasi-nn function by the index of its import. Among
    the diagnostics, errors say why the module cannot be adapted, warnings why it needs new
    adapters, and others what to watch out for.
    """

    adapters: Mapping[int, Adapter | None]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def obstacles(self) -> tuple[Diagnostic, ...]:
        return tuple(d for d in self.diagnostics if d.severity is Severity.ERROR)

    @property
    def caveats(self) -> tuple[Diagnostic, ...]:
        """The diagnostics that are neither errors nor fixed by adapters."""
        decided = (Severity.ERROR, Severity.WARNING)
        return tuple(d for d in self.diagnostics if d.severity not in decided)


_SHOWN = (WITX, WASMEDGE)
"""The ABIs with witx's layout that imports can show."""


class Decision(NamedTuple):
    """The adapter for one import; None if it needs none, or if the diagnostics have an error."""

    adapter: Adapter | None
    diagnostics: tuple[Diagnostic, ...] = ()


class Wanted(NamedTuple):
    """What the imports have to fit.

    - `dialects`: the host's; one of them has to fit.
    - `guest`: the host that the module was built for, if known.
    - `told`: the user said, now or in an earlier rewrite, which ABI the module has.
    - `tells_numbers`, `links_all`: see rewriter.hosts.host.Host.
    - `keeps`: keep existing adapters if the host accepts their target.
    - `tells_types`: adapters find out the guest's numbers for types from the length of each tensor.
    - `apart`: the guest has functions in two layouts. Then each function in the layout that the
      host does not speak gets an adapter, even if it only marks the layout.
    """

    dialects: Sequence[Dialect]
    guest: Host | None = None
    told: bool = False
    tells_numbers: bool = False
    keeps: bool = False
    tells_types: bool = False
    apart: bool = False
    links_all: bool = False

    def speaks(self, dialect: Dialect) -> bool:
        """Whether the host accepts the numbers of an adapter's target."""
        known = dialect.assumed or dialect
        return any(self.takes(host, known) for host in self.dialects)

    def takes(self, host: Dialect, dialect: Dialect) -> bool:
        """Whether a host with one dialect accepts the numbers and names of another."""
        named = (
            self.wants_nul(host) and not dialect.wants_nul and dialect.functions.keys() & BY_NAME
        )
        return not named and speaks(host, dialect)

    def wants_nul(self, host: Dialect) -> bool:
        """Whether a host with a dialect needs a NUL after names. One that `tells_numbers` uses
        their length instead."""
        return host.wants_nul and not self.tells_numbers

    def fits_adapted(self, adapter: Adapter) -> bool:
        """Whether the host accepts an adapter's target."""
        target = adapter.target
        told = self.tells_numbers and any(host.layout == target.layout for host in self.dialects)
        return told or self.speaks(target)


def fit(
    info: ModuleInfo,
    dialects: Sequence[Dialect],
    guest: Host | None = None,
    *,
    tells_numbers: bool = False,
    links_all: bool = False,
) -> Fit:
    """Choose the adapters that make a module fit a host that speaks `dialects`.

    rewriter.hosts.host.Host describes `tells_numbers` and `links_all`. `guest` is what the module
    was built for. A `guest` without dialects means that this is unknown; then adapters find out the
    type of each tensor."""
    unknown = guest is not None and not guest.dialects
    known = None if unknown else guest
    told = known is not None or is_told(info)
    wanted = Wanted(dialects, known, told, tells_numbers, tells_types=unknown, links_all=links_all)
    # If such an import belongs to a changed adapter, it either fits the host or is an error.
    changed = {(t.adapter.imported, t.adapter.imported_type) for t in info.traces if t.adapter}
    dialects_of, of_two = guest_dialects(info), mixed(info)
    wanted = wanted._replace(apart=len({d.layout for d in dialects_of.values()}) > 1)
    decisions = {
        slot: Decision(None)
        if slot not in info.adapters and (item.name, item.type) in changed
        else fit_import(
            slot,
            info,
            dialects_of[slot],
            wanted._replace(keeps=tells_numbers and item.module in of_two),
        )
        for slot, item in info.wasi_nn.items()
    }
    said_of = {slot: decision.diagnostics for slot, decision in decisions.items()}
    for slot, reason in no_loader(info, said_of, dialects):
        decisions[slot] = Decision(None, (reason,))
    adapters = {
        slot: decision.adapter
        for slot, decision in decisions.items()
        if all(d.severity is not Severity.ERROR for d in decision.diagnostics)
    }
    said = itertools.chain(
        _of_the_module(info, wanted),
        _of_hidden_types(info, wanted, adapters),
        _of_hidden_numbers(info, wanted),
        *(decision.diagnostics for decision in decisions.values()),
        unfit_memory(info) if any(adapters.values()) else (),
    )
    return Fit(adapters, distinct(said))


def told_guest(info: ModuleInfo, guest: Host | None = None) -> Dialect | None:
    """The ABI that the user named for a guest, now or in an earlier rewrite; None for several."""
    wanted = Wanted((), guest if guest is not None and guest.dialects else None)
    dialects = guest_dialects(info)
    sources = {
        _source(dialects[slot], item, wanted, called(info, slot))[0]
        for slot, item in info.wasi_nn.items()
    }
    if len(sources) != 1:
        return None
    source, standing = sources.pop(), info.adapters.values()
    if wanted.guest is None and info.guest is not None:
        return info.guest  # adapters may show only its layout
    told = wanted.guest or any(tells_guest(s.adapter, source) for s in standing)
    return source if told else None


def tells_guest(adapter: Adapter, guest: Dialect) -> bool:
    """Whether an adapter by itself proves that its guest has an ABI."""
    shown = guest in _SHOWN or guest.assumed is not None
    return adapter.source is guest and (not shown or says_told(adapter))


def _of_the_module(info: ModuleInfo, wanted: Wanted) -> Iterator[Diagnostic]:
    """Diagnostics that do not depend on what its functions need."""
    yield from info.of_marks
    for module, abi in info.abis.items():
        if abi.name is None:
            if not wanted.links_all:
                yield Diagnostic("NN142", f"the ABI of {module} is unknown")
        elif not abi.certain:
            message = f"the ABI of {module} ({abi.name}) is a guess"
            yield Diagnostic("NN136", message, help="--guest-abi names it")
    for item in info.not_functions:
        what = f"{item.module}.{item.name}, a {item.kind}"
        message = f"it imports {what}, but hosts define only functions under this name"
        yield Diagnostic("NN144", message, item.offset, item.name)
    for trace in info.traces:
        if trace.adapter is None or not wanted.fits_adapted(trace.adapter):
            yield trace.diagnostic


def _of_hidden_types(
    info: ModuleInfo, wanted: Wanted, adapters: Mapping[int, Adapter | None]
) -> Iterator[Diagnostic]:
    """A diagnostic if nothing shows the numbers of tensor types and no adapter finds them out."""
    known = wanted.guest is not None or wanted.tells_numbers
    if not known and any(hides_types(info, slot) and not adapters.get(slot) for slot in adapters):
        yield HIDDEN_TYPES


def _of_hidden_numbers(info: ModuleInfo, wanted: Wanted) -> Iterator[Diagnostic]:
    """A diagnostic if the guest may have the numbers of any of several releases."""
    hidden = hidden_numbers(info) if wanted.guest is None else None
    if hidden is not None:
        near = any(host.layout == hidden for host in wanted.dialects)
        yield HIDDEN_NUMBERS_THERE if near and not wanted.tells_numbers else HIDDEN_NUMBERS


def fit_import(slot: int, info: ModuleInfo, imported_as: Dialect, wanted: Wanted) -> Decision:
    """Choose the adapter for a wasi-nn import, given its index. `imported_as` is the dialect of its
    module name. An existing adapter shows the guest's dialect, but does not affect the choice."""
    item = info.wasi_nn[slot]
    standing = info.adapters.get(slot)
    if standing:
        adapter = standing.adapter
        if wanted.keeps and wanted.fits_adapted(adapter):
            return Decision(adapter.renewed)
        source = adapter.source
        if not adapter.told:
            source, _ = _source(source, item, wanted, adapter.function)
            if adapter.function not in source.functions:
                message = f"it calls {adapter.function}, which the {source.name} ABI does not have"
                return Decision(
                    None, (Diagnostic("NN143", message, item.offset, adapter.function),)
                )
        return _decide(item, adapter.function, source, wanted, adapter)
    source, said = _source(imported_as, item, wanted, item.name)
    if not is_function(source, item):
        what = f"{item.module}.{item.name}, {item.shown_type}"
        message = f"{what}, which the {source.name} ABI does not have"
        linked = wanted.links_all and wanted.guest is None and info.guest is None
        return Decision(None, (*said, lacking("NN143", message, item, item.name, linked)))
    found = _decide(item, item.name, source, wanted)
    return Decision(found.adapter, (*said, *found.diagnostics))


def _source(
    imported_as: Dialect, item: ImportedItem, wanted: Wanted, function: str
) -> tuple[Dialect, tuple[Diagnostic, ...]]:
    """The dialect of a function as the guest calls it. Only a guest that was built for a host that
    `links_all` can import functions that its host lacks."""
    if wanted.guest is None:
        return imported_as, ()
    fitting = [d for d in wanted.guest.dialects if d.layout == imported_as.layout]
    if not fitting:
        message = (
            f"its {item.module} has the {imported_as.name} ABI, but {wanted.guest.name}, the host"
            " that --from names, does not speak it"
        )
        return imported_as, (Diagnostic("NN214", message, item.offset),)
    named = next((d for d in fitting if d is imported_as), fitting[0])
    beyond = wanted.guest.links_all and function not in named.functions
    return WASMEDGE if beyond else named, ()


def _target(function: str, source: Dialect, wanted: Wanted) -> Dialect:
    """The dialect that a function of `source` is adapted to.

    It is `source` itself if the host accepts that and has the function. Otherwise it is the host's
    first dialect that accepts the numbers of `source`, or has its layout, or its first of all."""
    speaking = [host for host in wanted.dialects if wanted.takes(host, source)]
    if any(function in host.functions for host in speaking):
        return source
    near = [host for host in wanted.dialects if host.layout == source.layout]
    return (*speaking, *near, *wanted.dialects)[0]


def _decide(
    item: ImportedItem,
    function: str,
    source: Dialect,
    wanted: Wanted,
    standing: Adapter | None = None,
) -> Decision:
    """The decision for one function. `standing` is its existing adapter."""
    target = _target(function, source, wanted)
    if not has(target, function):
        message = f"the host lacks {function}"
        missing = lacking("NN211", message, item, function, wanted.links_all)
        return Decision(None, (missing,))
    told = _is_told(function, source, target, wanted, standing)
    adapter = adapter_for(function, source, target, told=told, apart=wanted.apart)
    needed = need(function, source, target, told=told)
    said = list(lost(function, source, target)) if adapter else []
    of_host = next((d for d in wanted.dialects if d.layout == target.layout), target)
    said += whatever_it_is(function, of_host)
    if function == "load" and not told:
        said += hidden_encodings(source, target)
    if not wanted.told and standing is None and wanted.wants_nul(of_host):
        said += hidden_nul(function, source, target)
    if standing is None:
        if needed is not None:
            said.append(why(needed, item, function, source, target, wanted.dialects))
    elif not (
        same_adapter(standing.renewed, adapter)
        or (wanted.tells_numbers and wanted.fits_adapted(standing))
    ):
        said.append(why_another(standing.renewed, adapter, target, item))
    return Decision(adapter, tuple(said))


def _is_told(
    function: str, source: Dialect, target: Dialect, wanted: Wanted, standing: Adapter | None
) -> bool:
    """Whether an adapter treats the guest's numbers as certain: the user said so, or nothing
    suggests other numbers."""
    if function == "load":
        return wanted.told or source is not WITX
    if wanted.told or source not in _SHOWN:
        return True
    only_for_types = (
        standing is not None
        and standing.tells_whether_told
        and need(function, source, standing.target) is None
    )
    finds_out = wanted.tells_types or only_for_types
    return not finds_out and need(function, source, target) is None

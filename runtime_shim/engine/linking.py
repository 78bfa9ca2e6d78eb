"""Which imports of a module nnshim defines, or the host that the guest is run as."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rewriter.abi.dialects import DIALECTS, Dialect
from rewriter.analysis.inspect import ImportedItem, ModuleInfo
from rewriter.codes import Severity
from rewriter.errors import UsageError
from runtime_shim.abi.led_to import led_to, with_types_of
from runtime_shim.errors import HostHarm, LinkError

if TYPE_CHECKING:
    from rewriter.adapters.adapter import Adapter
    from rewriter.hosts.host import Host

__all__ = [
    "check_imports",
    "check_links",
    "check_memory",
    "check_signatures",
    "guest_dialects",
    "host_dialects",
    "row_of",
]

log = logging.getLogger("runtime_shim")


def row_of(name: str) -> Host | None:
    """The host with this name; None for nnshim's own, which depends on the guest.

    Raises UsageError for a name that is unknown or stands for several hosts.
    """
    from rewriter.hosts.table import find_row  # few guests need it

    row = find_row(name).newest
    return None if row.tells_numbers else row


def host_dialects(name: str, info: ModuleInfo | None = None) -> dict[str, Dialect]:
    """The dialect for each module name that a host registers, for NNHost.add_to_linker or
    Session.instantiate. With these, only the functions, numbers and rules of that host exist, as
    with RunOptions.as_host. `name` is a host, such as `wasmedge`, or a host and a release, such as
    `wamr-legacy@2.3.1`. If the host's counts do not show how large a buffer is, the adapters of the
    module that `info` describes do; nothing else is taken from them.

    Raises UsageError for a name that is unknown or stands for several hosts that differ, and for
    nnshim, whose dialects depend on the guest (guest_dialects).
    """
    from runtime_shim.abi.row import dialects_of

    row = row_of(name)
    if row is None:
        raise UsageError(f"{name} uses the dialects of its guest; call guest_dialects to get them")
    return dialects_of(row, counted=info is not None and _counts(info))


def _counts(info: ModuleInfo) -> bool:
    """Whether the module has an adapter for get_output."""
    traces = (trace.adapter for trace in info.traces)
    standing = (each.adapter for each in info.adapters.values())
    return any(each and each.function == "get_output" for each in (*traces, *standing))


def check_memory(info: ModuleInfo, row: Host) -> None:
    """Raise HostHarm if the host's functions access a different memory than the guest's."""
    from rewriter.analysis.linking import wasi_in_memory

    exported = info.adapter_memory
    if not row.in_first_memory or exported is None or not exported.memory_index:
        return
    if info.abis or wasi_in_memory(info):
        raise HostHarm(
            f"{row.label} reads and writes a module's first memory, but this module exports "
            'another one as "memory"'
        )


def check_links(
    info: ModuleInfo, row: Host, dialects: Mapping[str, Dialect], *, unknown: bool
) -> bool:
    """Whether functions that are not defined should trap when they are called, because `unknown`
    allows it or the host starts such a module.

    Raises LinkError for imports that the host or nnshim does not define, unless they should trap,
    and for imports that the host defines with another type. The message says what helps.
    """
    rewrite = f"`nnshim rewrite --for {row.label} IN OUT` makes it fit"
    other = [item for item in info.imports if item.is_wasi_nn and item.module not in dialects]
    if other and not unknown:
        names = " and ".join(dict.fromkeys(item.module for item in other))
        registered = " and ".join(row.modules)
        what = f"{row.label} registers {registered}, but the module imports {names}"
        raise LinkError(f"{what}; {rewrite}:", *map(_line, other))
    wrong = list(_wrong(info, dialects))
    if wrong:
        what = f"{row.label} defines some of the module's imports with other types; {rewrite}:"
        raise LinkError(what, *wrong)
    lacking = [item for item in info.imports if _is_lacking(item, row, dialects)]
    if unknown or not lacking:
        return unknown
    if not row.links_all:
        remedy = f"`nnshim check --for {row.label}` says what can be done"
        what = f"{row.label} does not define some of the module's imports; {remedy}:"
        raise LinkError(what, *map(_line, lacking))
    elsewhere = [item for item in info.imports if _is_only_there(item, row, lacking)]
    if elsewhere:
        what = f"{row.label} defines these imports of the module, but nnshim does not:"
        raise LinkError(what, *map(_line, elsewhere))
    names = ", ".join(f"{item.module}.{item.name}" for item in lacking)
    log.warning("%s starts the module without %s; calling that traps", row.label, names)
    return True


def _line(item: ImportedItem) -> str:
    return f"  {item.module}.{item.name} ({item.kind})"


def _is_lacking(item: ImportedItem, row: Host, dialects: Mapping[str, Dialect]) -> bool:
    """Whether it is known that the host does not define an import."""
    if item.module in dialects:
        return item.name not in dialects[item.module].functions
    if row.others is None or row.option_for(item.module) is not None:
        return False
    if row.may_define(item.module, item.name, item.kind):
        return False
    return item.name not in row.others.get(item.module, ())


def _is_only_there(item: ImportedItem, row: Host, lacking: Collection[ImportedItem]) -> bool:
    """Whether the host, but not nnshim, defines an import outside wasi-nn."""
    from rewriter.hosts.table import HOSTS

    here = HOSTS["nnshim"].others or {}
    is_here = item.name in here.get(item.module, ())
    return not (item.is_wasi_nn or is_here or item in lacking)


def _wrong(info: ModuleInfo, dialects: Mapping[str, Dialect]) -> Iterator[str]:
    for item in info.wasi_nn.values():
        dialect = dialects.get(item.module)
        expected = (
            dialect.signature(item.name) if dialect and item.name in dialect.functions else None
        )
        if expected is not None and item.type != expected:
            yield f"  {item.module}.{item.name} is {item.shown_type}, expected {expected}"


def check_signatures(info: ModuleInfo, dialects: Mapping[str, Dialect]) -> None:
    """Refuse a guest whose wasi-nn imports have other types than in the dialect."""
    wrong = []
    for item in info.wasi_nn.values():
        dialect = dialects[item.module]
        if item.name not in dialect.functions:
            continue
        expected = dialect.signature(item.name)
        if item.type != expected:
            wrong.append(
                f"  {item.module}.{item.name} is {item.type}, expected {expected} ({dialect.name})"
            )
    if wrong:
        raise LinkError("the module imports wasi-nn functions with wrong types:", *wrong)


def check_imports(info: ModuleInfo, missing: Sequence[int]) -> None:
    """Refuse a guest for imports that are not defined, given by their positions in the list of
    imports."""
    if missing:
        places = set(missing)
        unknown = [
            f"  {item.module}.{item.name} ({item.kind})"
            for place, item in enumerate(info.imports)
            if place in places
        ]
        raise LinkError("unresolved imports:", *unknown)


def guest_dialects(info: ModuleInfo) -> dict[str, Dialect]:
    """The dialect for each wasi-nn module name that a guest imports, with the numbers that the
    operator, a marker or its adapters say that it uses. If a rewrite has added an adapter for its
    get_output, the dialect is one of runtime_shim.abi.adapted or runtime_shim.abi.counted.

    Raises LinkError if the imports fit no dialect, or an adapter's target is unknown.
    """
    for unread in (said for said in info.of_marks if said.severity is Severity.ERROR):
        raise LinkError(f"the module's ABI is unknown: {unread.text}")
    dialects = {}
    for module, abi in info.abis.items():
        if abi.name is None:
            evidence = (f"  {module}.{item.message}" for item in abi.evidence)
            raise LinkError("the module's imports do not match any known wasi-nn ABI:", *evidence)
        dialects[module] = DIALECTS[abi.name]
        if info.guest is not None:
            dialects[module] = with_types_of(info.guest, dialects[module])
    for module, adapter in _adapters(info):
        dialects[module] = led_to(adapter, dialects[module])
    return dialects


def _adapters(info: ModuleInfo) -> Iterator[tuple[str, Adapter]]:
    """The adapters of a module, each with the module name that it calls."""
    for unknown in (trace for trace in info.traces if trace.adapter is None):
        raise LinkError(f"the module's ABI is unknown: {unknown.diagnostic.text}")
    for adapter in (trace.adapter for trace in info.traces if trace.adapter):
        for module, abi in info.abis.items():
            if DIALECTS[abi.name or ""].layout == adapter.target.layout:
                yield module, adapter
    for slot, standing in info.adapters.items():
        yield info.wasi_nn[slot].module, standing.adapter

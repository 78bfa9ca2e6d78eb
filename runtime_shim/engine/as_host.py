"""A guest that is run as one host would run it: what that defines, and what the module wants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from rewriter.abi.dialects import Dialect
from rewriter.analysis.inspect import ImportedItem, ModuleInfo
from rewriter.errors import UsageError
from runtime_shim.errors import LinkError

if TYPE_CHECKING:
    from rewriter.hosts.host import Host

__all__ = ["check_links", "host_dialects", "row_of"]


def row_of(name: str) -> Host | None:
    """The host that a name stands for; None for nnshim's own, which goes by the guest.

    Raises UsageError for a name that is not known, or is several hosts.
    """
    from rewriter.hosts.table import find_row  # few guests are run so

    row = find_row(name).newest
    return None if row.tells_numbers else row


def host_dialects(name: str) -> dict[str, Dialect]:
    """The dialect behind each module name that a host registers, to be given to
    NNHost.add_to_linker or Session.instantiate: only the functions, numbers and rules of the host
    are there then, as with RunOptions.as_host. The host is named as `wasmedge`, or with a release,
    as `wamr-legacy@2.3.1`.

    Raises UsageError for a name that is not known, for one that is several hosts, which differ, and
    for nnshim, whose dialects are those of the guest (guest_dialects).
    """
    from runtime_shim.abi.as_row import dialects_of

    row = row_of(name)
    if row is None:
        raise UsageError(f"{name} has the dialects of its guest: guest_dialects tells them")
    return dialects_of(row)


def check_links(
    info: ModuleInfo, row: Host, dialects: Mapping[str, Dialect], *, unknown: bool
) -> None:
    """Raise LinkError for imports that the host does not define, unless they may be `unknown`, and
    for those that it defines with another type. It says what helps."""
    rewrite = f"`nnshim rewrite --for {row.label}` makes it fit"
    other = [item for item in info.imports if item.is_wasi_nn and item.module not in dialects]
    if other and not unknown:
        names = " and ".join(dict.fromkeys(item.module for item in other))
        what = f"{row.label} registers {' and '.join(row.modules)}, and the module imports {names}"
        raise LinkError(f"{what}; {rewrite}:", *(f"  {_name(item)}" for item in other))
    lacking = [] if unknown else list(_lacking(info, row, dialects))
    if lacking:
        remedy = f"`nnshim check --for {row.label}` says what can be done"
        what = f"{row.label} does not define what the module imports; {remedy}:"
        raise LinkError(what, *lacking)
    wrong = list(_wrong(info, dialects))
    if wrong:
        what = f"{row.label} defines with other types what the module imports; {rewrite}:"
        raise LinkError(what, *wrong)


def _name(item: ImportedItem) -> str:
    return f"{item.module}.{item.name} ({item.kind})"


def _lacking(info: ModuleInfo, row: Host, dialects: Mapping[str, Dialect]) -> Iterator[str]:
    """The functions that the host does not define under its names; and others, if it is known all
    that it defines."""
    for item in info.imports:
        known = row.others if row.others is None else row.others.get(item.module, {})
        functions = dialects[item.module].functions if item.module in dialects else known
        if functions is not None and item.name not in functions:
            yield f"  {_name(item)}"


def _wrong(info: ModuleInfo, dialects: Mapping[str, Dialect]) -> Iterator[str]:
    for item in info.wasi_nn.values():
        dialect = dialects.get(item.module)
        expected = (
            dialect.signature(item.name) if dialect and item.name in dialect.functions else None
        )
        if expected is not None and item.type != expected:
            yield f"  {item.module}.{item.name} is {item.shown_type}, and there {expected}"

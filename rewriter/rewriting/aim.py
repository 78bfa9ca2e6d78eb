"""What the options of a rewrite come to for a module: names, and adapters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from rewriter.abi.dialects import WASI_NN, Dialect, find_dialect
from rewriter.diagnostics import Diagnostic
from rewriter.errors import HostMismatch
from rewriter.hosts.table import find_guest, find_host, find_hosts
from rewriter.options import RewriteOptions
from rewriter.wasm.module import Module

if TYPE_CHECKING:
    from rewriter.adapters.adapter import Adapter
    from rewriter.analysis.fitting import Fit
    from rewriter.analysis.inspect import ModuleInfo
    from rewriter.hosts.host import Host

__all__ = ["Aim", "Wanted", "choose"]


class Wanted(NamedTuple):
    """The adapter that is to stand before each wasi-nn import, by its index, or None for none, and
    what they were chosen by."""

    info: ModuleInfo
    adapters: Mapping[int, Adapter | None]


class Aim(NamedTuple):
    """`names` are the module names that change, old to new; `notes` say what was guessed. `wanted`
    is None for a rewrite that leaves adapters alone. Imports are to be `plain` for a host that
    takes no others: none of them in a group that has its module name once. `guest` is the ABI that
    the guest was said to have, where nothing but a mark tells it in the result; `unmarked` says
    that adapters tell it there, so that a mark goes."""

    names: Mapping[str, str]
    wanted: Wanted | None = None
    notes: tuple[Diagnostic, ...] = ()
    plain: bool = False
    guest: Dialect | None = None
    unmarked: bool = False


def choose(module: Module, options: RewriteOptions) -> Aim:
    """Raises HostMismatch where no rewrite makes the module fit, ModuleError where it cannot be
    read as far as that takes, and UsageError where `renames` has another name for wasi-nn's imports
    than the host or ABI."""
    if not options.adapts:
        to = options.to or (None if options.renames else WASI_NN)
        return Aim(options.module_names(to))
    from rewriter.analysis.fitting import fit  # what only renames starts without them
    from rewriter.analysis.inspect import inspect_module

    info = inspect_module(module, options.guest_abi)
    guest = find_guest(options.built_for) if options.built_for is not None else None
    target = _target(options)
    if guest is None:
        from rewriter.analysis.seen.numbering import as_shown

        info = as_shown(info, target.host)
    found = fit(
        info,
        target.dialects,
        guest,
        tells_numbers=target.tells_numbers,
        links_all=target.host is not None and target.host.links_all,
    )
    if found.obstacles:
        raise HostMismatch(f"{module.name} cannot {target.title}", found.obstacles)
    fits = all(name in target.names for name in info.abis)
    names = options.module_names(None if fits else target.names[0])
    told, shown = _only_marked(info, guest, found)
    return Aim(
        names,
        Wanted(info, found.adapters),
        tuple(_said(_of_adapters(info, target, guest, found), _beside(info, options, found))),
        target.plain_imports,
        None if shown else told,
        shown,
    )


def _of_adapters(
    info: ModuleInfo, target: _Target, guest: Host | None, found: Fit
) -> tuple[Diagnostic, ...]:
    """With what constants show of the guest's numbers, as `check` says it, unless somebody has said
    what it was built for."""
    if guest is not None:
        return found.caveats
    from rewriter.analysis.seen.told import instead_of_a_guess, with_constants

    if target.host is not None:
        return with_constants(info, target.host, found.caveats)
    said: list[Diagnostic] = []
    for one in found.caveats:
        said += instead_of_a_guess(info, one) if one.code == "NN137" else (one,)
    return tuple(said)


def _only_marked(info: ModuleInfo, guest: Host | None, found: Fit) -> tuple[Dialect | None, bool]:
    """What somebody has said of the guest, and whether adapters in the result tell it."""
    from rewriter.analysis.fitting import tells_guest, told_guest

    told = told_guest(info, guest)
    shown = any(a and tells_guest(a, told) for a in found.adapters.values() if told)
    return told, shown


def _said(of_adapters: Sequence[Diagnostic], beside: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """Without what adapters have said of the release that the rewrite is for, and the host says
    again of some releases."""
    codes = {found.code for found in of_adapters}
    yield from of_adapters
    yield from (found for found in beside if found.code not in codes)


def _beside(info: ModuleInfo, options: RewriteOptions, found: Fit) -> Iterator[Diagnostic]:
    """What was assumed of the host, what it depends on there, and what no rewrite mends and keeps
    the module from running all the same."""
    if options.host is None:
        return
    from rewriter.analysis.compatibility import Runs, assess

    chosen = find_hosts(options.host)
    yield from chosen.notes
    newest = chosen.newest
    if len(chosen.rows) > 1:
        message = (
            f"{chosen.name} stands for releases that differ; the result is for {newest.releases}"
        )
        others = ", ".join(row.label for row in chosen.rows if row is not newest)
        remedy = f"check the result for the others: {others}"
        yield Diagnostic("NN225", message, help=remedy)
    verdict = assess(info, newest, found=found)
    yield from verdict.conditions
    if verdict.runs is Runs.CANNOT:
        reasons = "; ".join(str(reason) for reason in verdict.reasons)
        yield Diagnostic("NN312", f"{newest.label} cannot run the result: {reasons}")


class _Target(NamedTuple):
    """What a module is adapted to: ABIs that will do, module names that will do, the best first,
    and what messages call it; `tells_numbers` as a host has it, which may take `plain_imports`
    only."""

    dialects: tuple[Dialect, ...]
    names: tuple[str, ...]
    tells_numbers: bool
    plain_imports: bool
    title: str
    host: Host | None = None


def _target(options: RewriteOptions) -> _Target:
    if options.host is not None:
        host = find_host(options.host)
        title = f"run on {options.host}"
        plain = not host.compact_imports
        return _Target(host.dialects, host.modules, host.tells_numbers, plain, title, host)
    dialect = find_dialect(options.abi or "")
    names = (options.to or dialect.layout.module,)
    return _Target((dialect,), names, False, False, f"be made to have the {dialect.name} ABI")

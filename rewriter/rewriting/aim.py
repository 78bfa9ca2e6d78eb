"""Chooses the renames and adapters for a module from the options of a rewrite."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from rewriter.abi.dialects import WASI_EPHEMERAL_NN, WASI_NN, WASMEDGE, Dialect, find_dialect
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
    """The wanted adapter of each wasi-nn import by index, or None, and the inspected module that
    they were chosen for."""

    info: ModuleInfo
    adapters: Mapping[int, Adapter | None]


class Aim(NamedTuple):
    """What a rewrite is to change.

    - `names`: the module names that change, old to new.
    - `wanted`: the adapters, or None if the rewrite does not touch adapters.
    - `notes`: what was guessed.
    - `plain`: the host does not support groups of imports that share their module name.
    - `guest`: the ABI that the user said the guest has, if only a mark can show it in the result.
    - `unmarked`: adapters show that ABI in the result, so that a mark is removed.
    """

    names: Mapping[str, str]
    wanted: Wanted | None = None
    notes: tuple[Diagnostic, ...] = ()
    plain: bool = False
    guest: Dialect | None = None
    unmarked: bool = False


def choose(module: Module, options: RewriteOptions) -> Aim:
    """Choose the renames and adapters for a module.

    Raises HostMismatch if no rewrite makes the module fit, ModuleError if it cannot be read as far
    as needed, and UsageError if `renames` gives wasi-nn's imports another name than the host or ABI
    does.
    """
    if not options.adapts:
        to = options.to or (None if options.renames else WASI_NN)
        return Aim(options.module_names(to))
    from rewriter.analysis.fitting import fit  # renames do not need them
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
    """The caveats about adapters, completed like those of `check` by what constants show of the
    guest's numbers, unless the user said what the guest was built for."""
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
    """The ABI that the user said the guest has, and whether adapters in the result show it."""
    from rewriter.analysis.fitting import tells_guest, told_guest

    told = told_guest(info, guest)
    shown = any(a and tells_guest(a, told) for a in found.adapters.values() if told)
    return told, shown


def _said(of_adapters: Sequence[Diagnostic], beside: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """Both without repeats: the host's notes about some releases repeat codes of the adapters'
    notes about the chosen release."""
    codes = {found.code for found in of_adapters}
    yield from of_adapters
    yield from (found for found in beside if found.code not in codes)


def _beside(info: ModuleInfo, options: RewriteOptions, found: Fit) -> Iterator[Diagnostic]:
    """Notes about the host: what was assumed, the conditions under which the module runs, and the
    reasons that keep it from running and that no rewrite can solve."""
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
    """The target of a rewrite: the ABIs and module names that it accepts, the best first, and its
    `title` in messages. `tells_numbers` is as in Host. `plain_imports` says that the host does not
    support grouped imports."""

    dialects: tuple[Dialect, ...]
    names: tuple[str, ...]
    tells_numbers: bool
    plain_imports: bool
    title: str
    host: Host | None = None


def _target(options: RewriteOptions) -> _Target:
    if options.makes_component:  # the adapter has WasmEdge's functions too
        return _Target((WASMEDGE,), (WASI_EPHEMERAL_NN,), False, True, "become a component")
    if options.host is not None:
        host = find_host(options.host)
        title = f"run on {options.host}"
        plain = not host.compact_imports
        return _Target(host.dialects, host.modules, host.tells_numbers, plain, title, host)
    dialect = find_dialect(options.abi or "")
    names = (options.to or dialect.layout.module,)
    return _Target((dialect,), names, False, False, f"be adapted to the {dialect.name} ABI")

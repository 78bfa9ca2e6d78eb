"""Whether a host runs a component, or the core module that it becomes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from weakref import WeakKeyDictionary

from rewriter.analysis.compatibility import Runs, Verdict, assess
from rewriter.analysis.components.described import ComponentInfo
from rewriter.analysis.components.on_host import said_of
from rewriter.analysis.inspect import ModuleInfo
from rewriter.analysis.modelled.counted import of_models_anyhow
from rewriter.codes import Severity
from rewriter.components.component import Component
from rewriter.diagnostics import Diagnostic
from rewriter.errors import ModuleError
from rewriter.hosts.host import Host
from rewriter.inlining.inline import inline
from rewriter.inlining.unversioned import add_version
from rewriter.inlining.uses import uses
from rewriter.models.model import Model
from rewriter.rewriting.flattening.as_core import as_core, loads
from rewriter.rewriting.making.differences import conditions_of

__all__ = ["assess_component", "core_form", "stays_component"]


def assess_component(info: ComponentInfo, host: Host, models: Sequence[Model] = ()) -> Verdict:
    """Judge a component by its imports and exports, by what its core modules use, and by the
    `models` that it runs. If the host cannot run it, but runs the core module that it becomes, the
    verdict is on that."""
    refused = _refused_by(info, host)
    if refused and (host.components is None or _fits_as_core(info, host)):
        return _as_core_module(info, host, models, refused)
    said = list(_said(info, host, models))
    said += of_models_anyhow(host, models if info.wasi_nn else ())
    return Verdict.of(host.label, said, host.label)


def core_form(info: ComponentInfo, host: Host) -> ModuleInfo | None:
    """The core module that the host runs instead of a component; None if it runs the component, or
    if no core module can be made of it."""
    refused = _refused_by(info, host)
    if not refused or not (host.components is None or _fits_as_core(info, host)):
        return None
    found = as_core(info.component)
    return None if isinstance(found, ModuleError) else found[0]


def stays_component(info: ComponentInfo, host: Host) -> bool:
    """Whether a rewrite for the host keeps a component: not for a host of core modules, nor for one
    that runs nothing but the core module that the component becomes."""
    if host.components is None:
        return False
    return host.name == "nnshim" or core_form(info, host) is None


def _said(info: ComponentInfo, host: Host, models: Sequence[Model] = ()) -> Iterator[Diagnostic]:
    yield from said_of(info, host)
    yield from loads(info, host, models)
    yield from conditions_of(info.component)


def _refused_by(info: ComponentInfo, host: Host) -> Sequence[Diagnostic]:
    """Why the host runs it as a component in no version of wasi:nn; empty if it may. `nnshim run`
    itself makes a core module of what it does not run."""
    if host.name == "nnshim":
        refusal = _refusal(info.component)
        return () if refusal is None else refusal.diagnostics
    if host.takes_no_components:
        return (_ONLY,)
    if host.components is None and host.measured is None:  # a profile may say nothing about them
        return (_OLDER,) if _is_newer(info) else ()
    found = Verdict.of(host.label, _said(info, host))
    return found.reasons if found.runs is Runs.CANNOT else ()


_ONLY = Diagnostic("NN277", "the host provides wasi-nn to core modules only")
_OLDER = Diagnostic(
    "NN277", "the host runs components of WASI before 0.2.0 only, and wasi:nn without a version"
)

_WASI_2 = re.compile(r"wasi:[^@]+@0\.2\.\d+")


def _is_newer(info: ComponentInfo) -> bool:
    """Whether it imports a version of wasi:nn, or WASI 0.2, which releases before these lack."""
    if any("@" in item.name for item in info.wasi_nn):
        return True
    return any(item.needs_host and _WASI_2.fullmatch(item.name) for item in info.imports)


_REFUSED: WeakKeyDictionary[Component, ModuleError | None] = WeakKeyDictionary()


def _refusal(component: Component) -> ModuleError | None:
    """Why `nnshim run` cannot replace what a component lowers from wasi:nn, None if it can. It then
    runs the core module that the component becomes."""
    if component not in _REFUSED:
        _REFUSED[component] = None
        try:
            versioned = add_version(component)
            if uses(versioned).snapshot is not None:
                inline(versioned, _NOTHING, _NOTHING)
        except ModuleError as error:
            _REFUSED[component] = error
    return _REFUSED[component]


_NOTHING = b"\0asm\1\0\0\0"


def _fits_as_core(info: ComponentInfo, host: Host) -> bool:
    """Whether the host starts and runs the core module, with some models. `nnshim run` tries it
    anyway."""
    if host.name == "nnshim":
        return True
    found = as_core(info.component)
    if isinstance(found, ModuleError) or "_start" not in found[0].exports:
        return False
    return assess(found[0], host).runs is not Runs.CANNOT


_LOST = ("NN348", "NN349")
"""What a core module cannot do that the component might ask for."""


def _as_core_module(
    info: ComponentInfo, host: Host, models: Sequence[Model], refused: Sequence[Diagnostic]
) -> Verdict:
    """The verdict by the core module that a component becomes: by `nnshim rewrite`, and by itself
    in `nnshim run`. `refused` says why the component does not run."""
    found = as_core(info.component)
    if isinstance(found, ModuleError):
        return Verdict.of(host.label, (*refused, *found.diagnostics))
    core, notes = found
    judged = assess(core, host, models=models)
    said = [*judged.reasons, *judged.caveats, *(note for note in notes if note.code in _LOST)]
    if host.name != "nnshim":
        why = next(each.message for each in refused if each.severity is Severity.ERROR)
        said.append(Diagnostic("NN283", f"it has to become a core module: {why}"))
    return Verdict.of(host.label, said, host.label)

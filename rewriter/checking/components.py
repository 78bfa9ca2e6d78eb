"""Whether hosts run a component."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from weakref import WeakKeyDictionary

from rewriter.analysis.compatibility import Verdict, assess
from rewriter.analysis.components.described import ComponentInfo
from rewriter.analysis.components.on_host import said_of
from rewriter.analysis.inspect import ModuleInfo
from rewriter.analysis.modelled.counted import of_models_anyhow
from rewriter.analysis.verdicts import spans_of_releases, together
from rewriter.components.component import Component
from rewriter.diagnostics import Diagnostic
from rewriter.errors import ModuleError
from rewriter.hosts.host import Host
from rewriter.hosts.table import Chosen
from rewriter.inlining.inline import inline
from rewriter.inlining.unversioned import add_version
from rewriter.inlining.uses import uses
from rewriter.models.model import Model
from rewriter.rewriting.flattening.as_core import as_core, loads

__all__ = ["assess_component", "component_by_release", "core_form", "judge_component"]


def judge_component(info: ComponentInfo, chosen: Chosen, models: Sequence[Model] = ()) -> Verdict:
    """The verdict on all releases that were chosen: the worst of them, with what is said of each.
    `models` are those that it runs.

    Raises MalformedModule for a core module in the component that cannot be read.
    """
    return together(chosen, [assess_component(info, row, models) for row in chosen.rows])


def component_by_release(info: ComponentInfo, chosen: Chosen) -> dict[str, Verdict]:
    """The verdicts on releases one after the other of which all run the component, or none does,
    by what they are called: "wasmtime 35 to 49", or "wamr" where that are all that were chosen."""
    spans = spans_of_releases(chosen, partial(assess_component, info))
    if len(spans) == 1:
        return {chosen.name: judge_component(info, chosen)}
    return {label: judge_component(info, span) for label, span in spans.items()}


def assess_component(info: ComponentInfo, host: Host, models: Sequence[Model] = ()) -> Verdict:
    """Judge a component by its imports and exports, by what its core modules use, and by the
    `models` that it runs."""
    if host.takes_no_components or _is_newer(info, host):
        return _as_core_module(info, host, models)
    refusal = _refused_by(info, host)
    if refusal is not None:
        return _as_core_module(info, host, models, refusal.diagnostics)
    said = list(said_of(info, host))
    said += loads(info, host, models)
    said += of_models_anyhow(host, models if info.wasi_nn else ())
    return Verdict.of(host.label, said, host.label)


def core_form(info: ComponentInfo, host: Host) -> ModuleInfo | None:
    """The core module that the host runs instead of a component; None if it runs the component, or
    if no core module can be made of it."""
    if not (host.takes_no_components or _is_newer(info, host) or _refused_by(info, host)):
        return None
    found = as_core(info.component)
    return None if isinstance(found, ModuleError) else found[0]


def _refused_by(info: ComponentInfo, host: Host) -> ModuleError | None:
    return _refusal(info.component) if host.name == "nnshim" else None


def _is_newer(info: ComponentInfo, host: Host) -> bool:
    """Whether it imports a version of wasi:nn, and the host is a release from before there were
    any. A profile without a measurement of components says nothing about them."""
    if host.components is not None or host.measured is not None:
        return False
    return any("@" in item.name for item in info.wasi_nn)


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

_LOST = ("NN348", "NN349")
"""What a core module cannot do that the component might ask for."""


_ONLY = Diagnostic("NN277", "the host provides wasi-nn to core modules only")


def _as_core_module(
    info: ComponentInfo,
    host: Host,
    models: Sequence[Model],
    refusal: Sequence[Diagnostic] = (_ONLY,),
) -> Verdict:
    """The verdict by the core module that a component becomes: by `nnshim rewrite` for hosts of
    core modules, and by itself in `nnshim run`. `refusal` says why the component does not run."""
    found = as_core(info.component)
    if isinstance(found, ModuleError):
        return Verdict.of(host.label, (*refusal, *found.diagnostics))
    core, notes = found
    judged = assess(core, host, models=models)
    said = [*judged.reasons, *judged.caveats, *(note for note in notes if note.code in _LOST)]
    if host.name == "nnshim":
        return Verdict.of(host.label, said, host.label)
    said.append(
        Diagnostic("NN283", "it is a component, and the host provides wasi-nn to core modules only")
    )
    return Verdict.of(host.label, said, host.label)

"""Whether hosts run a component."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from weakref import WeakKeyDictionary

from rewriter.abi.snapshots import PACKAGE, Components, Snapshot
from rewriter.abi.wasi_interfaces import EXIT_WITH_CODE, FUNCTIONS, OPTIONS
from rewriter.analysis.compatibility import Verdict, assess, refused_features
from rewriter.analysis.components.described import ComponentInfo, Interface
from rewriter.analysis.features import features
from rewriter.analysis.inspect import ModuleInfo, inspect_module
from rewriter.analysis.modelled.counted import of_models_anyhow
from rewriter.analysis.verdicts import spans_of_releases, together
from rewriter.components.component import Component
from rewriter.diagnostics import Diagnostic
from rewriter.errors import ModuleError
from rewriter.functions.feature import Feature
from rewriter.hosts.host import Host
from rewriter.hosts.table import Chosen
from rewriter.models.model import Model

__all__ = ["assess_component", "component_by_release", "judge_component"]


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
    `models` that it runs. Functions are compared by name, not by type: bindings that are generated
    from an interface have its types."""
    if host.takes_no_components:
        return _as_core_module(info, host, models)
    said = list(_said(info, host))
    said += of_models_anyhow(host, models if info.wasi_nn else ())
    return Verdict.of(host.label, said)


_FLATTENED: WeakKeyDictionary[Component, tuple[ModuleInfo, tuple[Diagnostic, ...]] | ModuleError]
_FLATTENED = WeakKeyDictionary()
"""The core module that a component becomes, with what it loses, or why it cannot become one."""

_LOST = ("NN348", "NN349")
"""What a core module cannot do that the component might ask for."""


def _as_core_module(info: ComponentInfo, host: Host, models: Sequence[Model]) -> Verdict:
    """The verdict of a host of core modules: `nnshim rewrite` makes one of the component, and
    `nnshim run` does so by itself."""
    if info.component not in _FLATTENED:
        _FLATTENED[info.component] = _flattened(info.component)
    found = _FLATTENED[info.component]
    if isinstance(found, ModuleError):
        only = Diagnostic("NN277", "the host runs core modules only")
        return Verdict.of(host.label, (only, *found.diagnostics))
    core, notes = found
    judged = assess(core, host, models=models)
    said = [*judged.reasons, *judged.caveats, *(note for note in notes if note.code in _LOST)]
    if host.name == "nnshim":
        return Verdict.of(host.label, said, host.label)
    said.append(Diagnostic("NN283", "it is a component, and the host runs core modules only"))
    return Verdict.of(host.label, said, host.label)


def _flattened(component: Component) -> tuple[ModuleInfo, tuple[Diagnostic, ...]] | ModuleError:
    from rewriter.rewriting.flattening.flatten import flatten  # hosts of components need it not

    try:
        core = flatten(component)
        return inspect_module(core.data), core.notes
    except ModuleError as error:
        return error


def _said(info: ComponentInfo, host: Host) -> Iterator[Diagnostic]:
    if host.components is None:
        yield Diagnostic("NN280", "it is unknown whether the host runs components")
        return
    yield from _versions(info, host.components.wasi_nn)
    for item in info.imports:
        proxied = info.is_proxy and item.package == "wasi:http"  # `wasmtime serve` has them all
        if item.needs_host and not proxied:
            yield from _import(item, host.components)
    yield from _features(info, host)
    yield from _run(info, host.components)
    if info.wasi_nn:
        message = "wasi-nn must be built in or enabled, with a backend for the model"
        yield Diagnostic("NN251", message, help="`nnshim hosts HOST` says how")
        message = "it is unknown which model formats it loads, and on which devices"
        yield Diagnostic("NN282", message)
    if any("load-by-name" in item.functions for item in info.wasi_nn):
        message = "a graph must exist for each name that the guest asks for"
        yield Diagnostic("NN252", message, help="`nnshim hosts HOST` says how it is named")


def _run(info: ComponentInfo, has: Components) -> Iterator[Diagnostic]:
    """How it is started, where that is not by `wasmtime run`. Wasmtime calls functions of
    components by name since release 33."""
    versions = info.run
    if any(_takes_version(version, has) for version in versions):
        return
    newer = [version for version in versions if _may_take(version, has)]
    if newer:
        message = f"it is unknown whether the host starts wasi:cli/run@{newer[0]}"
        yield Diagnostic("NN280", message)
        return
    if info.is_proxy:
        message = "the component exports wasi:http/incoming-handler, and not wasi:cli/run: start it"
        yield Diagnostic("NN281", f"{message} with `wasmtime serve -S cli`")
        return
    if not info.exports:
        message = "the component exports nothing, so there is no function to call"
        yield Diagnostic("NN281", message)
        return
    exports = f"exports wasi:cli/run in no version of WASI {has.wasi}" if versions else ""
    message = f"the component {exports or 'does not export wasi:cli/run'}: name a function with"
    yield Diagnostic("NN281", f"{message} --invoke (Wasmtime 33 and later)")


def _import(item: Interface, has: Components) -> Iterator[Diagnostic]:
    is_known = item.package == PACKAGE or item.interface in FUNCTIONS
    if is_known and item.sort != "instance":
        message = f"it imports {item.name} as a {item.sort}, but the host defines an instance"
        yield Diagnostic("NN278", message, item.offset)
    elif is_known and not item.is_read:
        message = f"it is unknown which functions of {item.name} it imports: their type is an alias"
        yield Diagnostic("NN280", message, item.offset)
    elif item.package == PACKAGE:
        yield from _wasi_nn(item, has.wasi_nn)
    elif item.package in OPTIONS:
        option = OPTIONS[item.package]
        message = f"it imports {item.name}, which the host has only with `{option}`, if at all"
        yield Diagnostic("NN279", message, item.offset)
    elif item.interface in FUNCTIONS:
        yield from _wasi(item, has)
    elif item.package.startswith("wasi:"):
        message = f"it is unknown whether the host has {item.name}"
        yield Diagnostic("NN280", message, item.offset)
    else:
        message = f"it imports {item.name}, which the host does not define"
        yield Diagnostic("NN278", message, item.offset)


def _versions(info: ComponentInfo, has: Snapshot) -> Iterator[Diagnostic]:
    """That interfaces of wasi:nn are imported in other versions than the host's, once for each."""
    first: dict[str, Interface] = {}
    for item in info.wasi_nn:
        if item.version != has.version and item.needs_host:
            first.setdefault(item.version, item)
    for version, item in first.items():
        imported = Snapshot(version, {})
        yield Diagnostic("NN276", f"it imports {imported}, but the host has {has}", item.offset)


def _wasi_nn(item: Interface, has: Snapshot) -> Iterator[Diagnostic]:
    if item.version != has.version:
        return
    functions = has.functions.get(item.interface.partition("/")[2])
    if functions is None:
        message = f"it imports {item.name}, which is not an interface of {has}"
        yield Diagnostic("NN278", message, item.offset)
        return
    missing = min(item.functions - functions, default=item.unknown)
    if missing is not None:
        message = f"it imports {missing} of {item.name}, but the host's {item.name} lacks it"
        yield Diagnostic("NN276", message, item.offset)


def _wasi(item: Interface, has: Components) -> Iterator[Diagnostic]:
    if _may_take(item.version, has):
        message = f"it is unknown whether the host has {item.name}"
        yield Diagnostic("NN280", message, item.offset)
    elif not _takes_version(item.version, has):
        message = f"it imports {item.name}, but the host has WASI {has.wasi}"
        yield Diagnostic("NN278", message, item.offset)
    elif EXIT_WITH_CODE in item.functions and _patch(has.wasi) < _patch("0.2.12"):
        message = f"it imports {EXIT_WITH_CODE}, which needs `-S cli-exit-with-code`"
        yield Diagnostic("NN279", message, item.offset)
    elif item.unknown is not None:
        message = f"it is unknown whether the host has {item.unknown} of {item.name}"
        yield Diagnostic("NN280", message, item.offset)


def _takes_version(version: str, has: Components) -> bool:
    """Whether the host's interfaces of WASI are found for imports of this version. Release
    candidates are found under their whole names only."""
    if version == has.wasi:
        return True
    numbers = version.split(".")
    return (
        has.any_patch and len(numbers) == 3 and numbers[:2] == ["0", "2"] and numbers[2].isdigit()
    )


def _may_take(version: str, has: Components) -> bool:
    """Whether this is a version of WASI 0.3 and the host may have it."""
    return has.may_have_wasi_3 and version.startswith("0.3.")


def _patch(version: str) -> int:
    return int(version.rpartition(".")[2])


_FEATURES: WeakKeyDictionary[Component, Mapping[Feature, int]] = WeakKeyDictionary()
"""By component: it is read once, and compared with many hosts."""


def _features(info: ComponentInfo, host: Host) -> Iterator[Diagnostic]:
    if info.component not in _FEATURES:
        _FEATURES[info.component] = _of_core_modules(info.component)
    yield from refused_features(_FEATURES[info.component], host)
    if info.component.newer is not None:
        what, offset = info.component.newer
        message = f"it is unknown whether the host reads components with {what}"
        yield Diagnostic("NN227", message, offset)


def _of_core_modules(component: Component) -> dict[Feature, int]:
    """The parts of WebAssembly that the core modules use, with the first position in the file."""
    found: dict[Feature, int] = {}
    for part in component.parts():
        if not part.is_component:
            module = part.module()
            with part.offsets():
                for feature, offset in features(module).items():
                    found.setdefault(feature, offset + part.start)
    return found

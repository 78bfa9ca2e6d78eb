"""Whether a host of components has what a component needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from weakref import WeakKeyDictionary

from rewriter.abi.snapshots import PACKAGE, Components, Snapshot
from rewriter.abi.wasi_interfaces import EXIT_WITH_CODE, FUNCTIONS, OPTIONS
from rewriter.analysis.compatibility import refused_features
from rewriter.analysis.components.described import ComponentInfo, Interface
from rewriter.analysis.components.versions import misfits_of, shimmed, version_obstacles
from rewriter.analysis.features import features
from rewriter.components.component import Component
from rewriter.components.items import items
from rewriter.components.run_function import RunFunction
from rewriter.components.sections import SectionKind, sections
from rewriter.components.types import MEMORIES_64
from rewriter.diagnostics import Diagnostic
from rewriter.functions.feature import Feature
from rewriter.hosts.host import Host
from rewriter.inlining.versions import Changed

__all__ = ["said_of"]


def said_of(info: ComponentInfo, host: Host) -> Iterator[Diagnostic]:
    """What a component's imports, its exports and its core modules mean on a host of components.
    wasi:nn's functions are compared by name and type, those of WASI by name: bindings that are
    generated from an interface have its types."""
    if host.components is None:
        yield Diagnostic("NN280", "it is unknown whether the host runs components")
        return
    yield from _versions(info, host.components)
    for item in info.imports:
        proxied = info.is_proxy and item.package == "wasi:http"  # `wasmtime serve` has them all
        if item.needs_host and not proxied:
            yield from _import(item, host.components, info)
    yield from _features(info, host)
    yield from _run(info, host.components)
    if info.wasi_nn:
        message = "wasi-nn must be built in or enabled, with a backend for the model"
        yield Diagnostic("NN251", message, help="`nnshim hosts HOST` says how")
    if any("load-by-name" in item.functions for item in info.wasi_nn):
        message = "a graph must exist for each name that the guest asks for"
        yield Diagnostic("NN252", message, help="`nnshim hosts HOST` says how it is named")


def _run(info: ComponentInfo, has: Components) -> Iterator[Diagnostic]:
    """How it is started, where that is not by `wasmtime run`. Wasmtime calls functions of
    components by name since release 33."""
    versions = info.run
    taken = [version for version in versions if _takes_version(version, has)]
    if taken:
        yield from _function_run(info, max(taken, key=partial(_preference, has)))
        return
    newer = [version for version in versions if _may_take(version, has)]
    if newer:
        message = f"it is unknown whether the host starts wasi:cli/run@{newer[0]}"
        yield Diagnostic("NN280", message)
        return
    if not has.has_options:
        what = "exports in another version" if versions else "does not export"
        yield Diagnostic("NN277", f"the host calls wasi:cli/run, which the component {what}")
        return
    if info.is_proxy:
        message = "the component exports wasi:http/incoming-handler, and not wasi:cli/run: start it"
        options = "-S cli -S nn" if info.wasi_nn else "-S cli"
        yield Diagnostic("NN281", f"{message} with `wasmtime serve {options}`")
        return
    if not info.exports:
        message = "the component exports nothing, so there is no function to call"
        yield Diagnostic("NN281", message)
        return
    exports = f"exports wasi:cli/run in no version of WASI {has.wasi}" if versions else ""
    message = f"the component {exports or 'does not export wasi:cli/run'}: name a function with"
    yield Diagnostic("NN281", f"{message} --invoke (Wasmtime 33 and later)")


def _preference(has: Components, version: str) -> tuple[bool, int, str]:
    """What orders the versions that a host takes: its own is the first choice, then the newest."""
    patch = version.rpartition(".")[2]
    return version == has.wasi, len(patch), patch


def _function_run(info: ComponentInfo, version: str) -> Iterator[Diagnostic]:
    """Why the host cannot call `run`, or may not be able to."""
    name = f"wasi:cli/run@{version}"
    found = info.run[version]
    if found is RunFunction.MISSING:
        yield Diagnostic(
            "NN277", f"the host calls run of {name}, which the component does not have"
        )
    elif found is RunFunction.OTHER_TYPE:
        message = f"the host calls run of {name}, but its type is not `func() -> result`"
        yield Diagnostic("NN277", message)
    elif found is RunFunction.UNKNOWN:
        message = f"it is unknown whether run of {name} is a function of type `func() -> result`"
        yield Diagnostic("NN280", message)


def _import(item: Interface, has: Components, info: ComponentInfo) -> Iterator[Diagnostic]:
    is_known = item.package == PACKAGE or item.interface in FUNCTIONS
    if is_known and item.sort != "instance":
        message = f"it imports {item.name} as a {item.sort}, but the host defines an instance"
        yield Diagnostic("NN278", message, item.offset)
    elif is_known and not item.is_read:
        message = f"it is unknown which functions of {item.name} it imports: their type is an alias"
        yield Diagnostic("NN280", message, item.offset)
    elif item.package == PACKAGE:
        yield from _wasi_nn(item, has, info)
    elif item.package in OPTIONS and has.has_options:
        option = OPTIONS[item.package]
        message = f"it imports {item.name}, which the host has only with `{option}`, if at all"
        yield Diagnostic("NN279", message, item.offset)
    elif item.interface in FUNCTIONS:
        yield from _wasi(item, has)
    elif item.package.startswith("wasi:") and has.has_options:
        message = f"it is unknown whether the host has {item.name}"
        yield Diagnostic("NN280", message, item.offset)
    else:
        yield _undefined(item.name, item)


def _undefined(what: str, item: Interface) -> Diagnostic:
    message = f"it imports {what}, which the host does not define"
    return Diagnostic("NN278", message, item.offset)


def _versions(info: ComponentInfo, has: Components) -> Iterator[Diagnostic]:
    """That interfaces of wasi:nn are imported in other versions than the host's, once for each, and
    why a rewrite does not help."""
    first: dict[str, Interface] = {}
    for item in info.wasi_nn:
        if has.snapshot(item.version) is None and item.needs_host:
            first.setdefault(item.version, item)
    if not first:
        return
    obstacles = version_obstacles(info, has.wasi_nn)
    helps, said = _of_shim(info, has.wasi_nn) if obstacles else (True, ())
    code = "NN276" if not helps else "NN287" if obstacles else "NN286"
    for version, item in first.items():
        own = (each for each in info.snapshots if each.version == version)
        imported = next(own, Snapshot(version, {}))
        versions = dict.fromkeys(
            str(each._replace(form="") if len(has.every) > 1 else each) for each in has.every
        )
        message = f"it imports {imported}, but the host has {' and '.join(versions)}"
        yield Diagnostic(code, message, item.offset)
    if has.wasi_nn.version and not helps:
        yield from obstacles
    yield from said


_ANY_OUTPUT = ("those that --output-name names",)
"""The names of outputs in the place of those that a rewrite needs."""

_ANY_INPUT = {0: "those that --input-name names"}

_OF_SHIMS: WeakKeyDictionary[Component, dict[str, tuple[bool, Sequence[Diagnostic]]]]
_OF_SHIMS = WeakKeyDictionary()
"""By component and version: whether there can be a shim, and what is said of it."""


def _of_shim(info: ComponentInfo, snapshot: Snapshot) -> tuple[bool, Sequence[Diagnostic]]:
    known = _OF_SHIMS.setdefault(info.component, {})
    if snapshot.version not in known:
        found = shimmed(info, snapshot, _ANY_OUTPUT, _ANY_INPUT)
        if isinstance(found, Changed):
            known[snapshot.version] = True, found.notes
        else:
            known[snapshot.version] = False, () if found is None else found.diagnostics
    return known[snapshot.version]


def _wasi_nn(item: Interface, has: Components, info: ComponentInfo) -> Iterator[Diagnostic]:
    snapshot = has.snapshot(item.version, info.snapshots)
    if snapshot is None:
        return
    name = item.interface.partition("/")[2]
    for misfit in misfits_of(item, snapshot):
        what = f"it imports {misfit.text}"
        if not misfit.known:
            yield Diagnostic("NN280", what, item.offset)
        elif name not in snapshot.functions:
            yield Diagnostic("NN278", what, item.offset)
        else:
            yield Diagnostic("NN276", what, item.offset, misfit.function)


def _wasi(item: Interface, has: Components) -> Iterator[Diagnostic]:
    if _may_take(item.version, has):
        message = f"it is unknown whether the host has {item.name}"
        yield Diagnostic("NN280", message, item.offset)
    elif not _takes_version(item.version, has):
        message = f"it imports {item.name}, but the host has WASI {has.wasi}"
        yield Diagnostic("NN278", message, item.offset)
    elif EXIT_WITH_CODE in item.functions and not has.has_exit_code:
        message = f"it imports {EXIT_WITH_CODE}, which needs `-S cli-exit-with-code`"
        if has.has_options:
            yield Diagnostic("NN279", message, item.offset)
        else:
            yield _undefined(f"{EXIT_WITH_CODE} of {item.name}", item)
    elif item.unknown is not None and not has.has_options:
        yield _undefined(f"{item.unknown} of {item.name}", item)
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


_FEATURES: WeakKeyDictionary[Component, Mapping[Feature, int]] = WeakKeyDictionary()
"""By component: it is read once, and compared with many hosts."""


def _features(info: ComponentInfo, host: Host) -> Iterator[Diagnostic]:
    if info.component not in _FEATURES:
        _FEATURES[info.component] = _of_core_modules(info.component)
    yield from refused_features(_FEATURES[info.component], host)
    memory_64 = _FEATURES[info.component].get(Feature.MEMORY_64)
    newer = info.component.newer
    if newer is None and memory_64 is not None and _passes_memories(info.component):
        newer = MEMORIES_64, memory_64
    if newer is not None:
        what, offset = newer
        message = f"it is unknown whether the host reads components with {what}"
        yield Diagnostic("NN227", message, offset)


def _passes_memories(component: Component) -> bool:
    """Whether a function that is lifted, lowered or built in uses a memory. Before `cm64`, which
    Wasmtime 49 has off, that cannot be a 64-bit one."""
    inner = (
        sections(part.data, part.start, part.end) for part in component.parts() if part.is_component
    )
    return any(
        reference.sort == "core memory"
        for section in chain(component.sections, *inner)
        if section.kind is SectionKind.CANONICAL_FUNCTION
        for item in items(section)
        for reference in item.references
    )


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

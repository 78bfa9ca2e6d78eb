"""What a component shows as the core module that it can become: the models that it loads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from weakref import WeakKeyDictionary

from rewriter.analysis.components.described import ComponentInfo
from rewriter.analysis.inspect import ModuleInfo, inspect_module
from rewriter.analysis.seen.formats import formats_of, loaded
from rewriter.analysis.seen.loads import targets
from rewriter.analysis.seen.numbering import as_shown, constants_of
from rewriter.components.component import Component
from rewriter.constants.constant import Subject
from rewriter.diagnostics import Diagnostic
from rewriter.errors import ModuleError
from rewriter.hosts.host import Host
from rewriter.models.model import Model
from rewriter.rewriting.flattening.flatten import flatten
from rewriter.rewriting.flattening.passing import passes_loads

__all__ = ["as_core", "loads"]

_FLATTENED: WeakKeyDictionary[Component, tuple[ModuleInfo, tuple[Diagnostic, ...]] | ModuleError]
_FLATTENED = WeakKeyDictionary()


def as_core(component: Component) -> tuple[ModuleInfo, tuple[Diagnostic, ...]] | ModuleError:
    """The core module that a component becomes, with what it loses, or why it cannot become one."""
    if component not in _FLATTENED:
        try:
            core = flatten(component)
            _FLATTENED[component] = inspect_module(core.data), core.notes
        except ModuleError as error:
            _FLATTENED[component] = error
    return _FLATTENED[component]


def loads(info: ComponentInfo, host: Host, models: Sequence[Model]) -> Iterator[Diagnostic]:
    """What the constants that a component passes to `load` mean on a host of components, and NN282
    where some are not known. Offsets are left out: those of the core module are not the file's."""
    if not info.wasi_nn:
        return
    found = as_core(info.component)
    core = None if isinstance(found, ModuleError) else as_shown(found[0], host, models)
    if core is not None:
        for said in (*formats_of(core, host, models), *targets(core, host)):
            yield said._replace(offset=None)
    if core is None or not _knows(core, host) or not passes_loads(info.component, _asked(core)):
        message = "it is unknown which model formats it loads, and on which devices"
        yield Diagnostic("NN282", message)


def _asked(core: ModuleInfo) -> Iterator[tuple[int, int]]:
    """Each encoding and target that the program passes to `load`, of those that are known."""
    for encoding, target, _ in constants_of(core).loads():
        yield from product(encoding.numbers or (), target.numbers or ())


def _knows(core: ModuleInfo, host: Host) -> bool:
    return loaded(core, host).only and not constants_of(core).hidden(Subject.TARGET)

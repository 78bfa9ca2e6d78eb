"""Puts two core modules into a component: they become what it lowers from wasi:nn.

Each `canon lower` and `canon resource.drop` of wasi:nn defines one core function. An alias of a
core module's export takes its place, and has the same index but for what was added before.

- `early` stands before the first of them. The functions that take no pointers come from it, because
  a component needs them before it has a memory.
- `late` stands before the first function that takes pointers, and imports the memory of the
  component.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from rewriter.abi.snapshots import PACKAGE
from rewriter.components.component import Component
from rewriter.components.items import items
from rewriter.components.sections import ComponentCursor, SectionKind
from rewriter.components.types import sort
from rewriter.errors import UnsupportedModule
from rewriter.inlining import encoding
from rewriter.inlining.uses import Site, Uses, uses
from rewriter.inlining.writer import Writer
from rewriter.wasm.patch import Edit

__all__ = ["GUEST_REALLOC", "HostFunction", "Inlining", "inline"]

GUEST_REALLOC = "guest-realloc"
"""What `early` exports for a component whose functions of wasi:nn need no realloc."""


class HostFunction(NamedTuple):
    """A function that the host has for the core modules: of its parameters and its result each is
    `u32` or `u64`."""

    name: str
    parameters: Sequence[str] = ()
    result: str | None = None


def inline(
    component: Component,
    early: bytes,
    late: bytes,
    *,
    host: str = "",
    functions: Sequence[HostFunction] = (),
) -> bytes:
    """The component with two core modules in the place of wasi:nn, which it still imports.

    `early` imports functions from `host`; `late` imports from `early`, from `host`, and from
    `guest` the `memory` and the `realloc` of the component. Each exports its functions by names
    such as `graph#load`. The component imports an instance called `host` with these functions,
    unless there are none.

    Raises UnsupportedModule where wasi:nn is used otherwise than by lowering its functions in the
    outermost component, with one memory and one realloc, and ModuleError for what cannot be read.
    """
    found = uses(component)
    return _Running(component, found, early, late, host, functions).written()


class Inlining:
    """The core modules and where they are put. Subclasses give `early` its host functions."""

    def __init__(
        self,
        component: Component,
        found: Uses,
        early: bytes,
        late: bytes,
        interfaces: Collection[str],
        replaced: Collection[str] | None = None,
        edits: Iterable[Edit] = (),
    ) -> None:
        """The functions called `replaced` are taken from the core modules, or else all; none of
        `interfaces` may be used otherwise."""
        for other in found.others:
            if other.interface in interfaces:
                raise UnsupportedModule(
                    f"{PACKAGE}/{other.interface} {other.what}",
                    other.offset,
                    "NN363",
                    "compose components after this, not before",
                )
        self.early, self.late = early, late
        self.sites = [s for s in found.sites if replaced is None or s.use.export in replaced]
        self.guest = _guest(component, self.sites)
        instead = {site.start: self._instead(site) for site in self.sites}
        self.writer = Writer(component, instead, edits)
        self._early: int | None = None
        self._late: int | None = None

    def written(self) -> bytes:
        return self.writer.written()

    def early_host(self) -> Mapping[str, int]:
        """Define the functions that `early` imports from `host`: their core indices by name."""
        raise NotImplementedError

    def late_host(self, early: int) -> Mapping[str, int]:
        """Define those that `late` imports, where `early` is the index of a core instance."""
        raise NotImplementedError

    def _instead(self, site: Site) -> Callable[[], None]:
        def put() -> None:
            early = self._early_instance()
            instance = early if site.use.early else self._late_instance(early, site)
            alias = encoding.core_alias("core func", instance, site.use.export)
            self.writer.put(SectionKind.ALIAS, alias)

        return put

    def _early_instance(self) -> int:
        if self._early is None:
            self._early = self._instance(self.early, {"host": self.early_host()})
        return self._early

    def _late_instance(self, early: int, site: Site) -> int:
        if self._late is None:
            guest = self._guest_instance(early, site)
            host = self.late_host(early)
            self._late = self._instance(self.late, {"host": host}, early=early, guest=guest)
        return self._late

    def _instance(
        self, module: bytes, functions: Mapping[str, Mapping[str, int]], **instances: int
    ) -> int:
        add = self.writer.add
        index = add(SectionKind.CORE_MODULE, "core module", module)
        for name, defined in functions.items():
            exports = [(each, "core func", at) for each, at in defined.items()]
            instances[name] = self._core_instance(encoding.core_exports(exports))
        return self._core_instance(encoding.instantiate(index, instances))

    def _core_instance(self, item: bytes) -> int:
        return self.writer.add(SectionKind.CORE_INSTANCE, "core instance", item)

    def _guest_instance(self, early: int, site: Site) -> int:
        """A core instance of the component's memory and realloc."""
        exports = []
        for each in self.guest:
            if each.instance >= self.writer.counts["core instance"]:
                what = f"the {each.name} of wasi:nn's functions comes behind the first of them"
                raise _memory_error(what, site)
            instance = self.writer.new("core instance", each.instance)
            exports.append(
                (each.name, each.sort, self.core_alias(each.sort, instance, each.export))
            )
        if len(exports) == 1:
            realloc = self.core_alias("core func", early, GUEST_REALLOC)
            exports.append(("realloc", "core func", realloc))
        return self._core_instance(encoding.core_exports(exports))

    def core_alias(self, of: str, instance: int, name: str) -> int:
        item = encoding.core_alias(of, instance, name)
        return self.writer.add(SectionKind.ALIAS, of, item)

    def lowered(
        self, instance: int, name: str, memory: int | None = None, realloc: int | None = None
    ) -> int:
        """Lower a function of an instance; the index of the core function."""
        alias = encoding.alias("func", instance, name)
        function = self.writer.add(SectionKind.ALIAS, "func", alias)
        item = encoding.lower(function, memory, realloc)
        return self.writer.add(SectionKind.CANONICAL_FUNCTION, "core func", item)


class _Running(Inlining):
    """With functions of one more import."""

    def __init__(
        self,
        component: Component,
        found: Uses,
        early: bytes,
        late: bytes,
        host: str,
        functions: Sequence[HostFunction],
    ) -> None:
        super().__init__(component, found, early, late, [*found.imports])
        self.host = host
        self.functions = functions
        self.indices: Mapping[str, int] = {}

    def early_host(self) -> Mapping[str, int]:
        if self.functions:
            add = self.writer.add
            described = {each.name: (each.parameters, each.result) for each in self.functions}
            kind = add(SectionKind.TYPE, "type", encoding.scalar_functions(described))
            item = encoding.import_instance(self.host, kind)
            instance = add(SectionKind.IMPORT, "instance", item)
            self.indices = {each.name: self.lowered(instance, each.name) for each in self.functions}
        return self.indices

    def late_host(self, early: int) -> Mapping[str, int]:
        return self.indices


class _GuestExport(NamedTuple):
    """The memory or the realloc of a component: an export of a core instance."""

    name: str
    sort: str
    instance: int
    export: str


def _guest(component: Component, sites: Sequence[Site]) -> Sequence[_GuestExport]:
    """The memory and the realloc of functions that take pointers, if there are any of them.

    Raises UnsupportedModule where these do not have one memory and at most one realloc.
    """
    for site in sites:
        if not site.plain:
            what = "lowered with other strings than UTF-8, or asynchronously"
            raise _memory_error(f"{site.use.export} is {what}", site)
        if not site.use.early and site.memory is None:
            raise _memory_error(f"{site.use.export} is lowered without a memory", site)
    late = [site for site in sites if not site.use.early]
    memories = [("core memory", s.memory, s) for s in late if s.memory is not None]
    reallocs = [("core func", s.realloc, s) for s in late if s.realloc is not None]
    sources = _aliased(component, {(of, at) for of, at, _ in (*memories, *reallocs)})
    found = []
    for name, each in (("memory", memories), ("realloc", reallocs)):
        first = None
        for of, at, site in each:
            source = sources.get((of, at))
            if source is None:
                raise _memory_error(f"the {name} is not a core module's export", site)
            if first not in (None, source):
                raise _memory_error(f"wasi:nn is lowered with more than one {name}", site)
            if first is None:
                found.append(_GuestExport(name, of, *source))
            first = source
    return found


def _memory_error(what: str, site: Site) -> UnsupportedModule:
    return UnsupportedModule(
        what,
        site.start,
        "NN364",
        "build the program with one memory and one cabi_realloc, as wit-bindgen does",
    )


def _aliased(
    component: Component, wanted: Collection[tuple[str, int]]
) -> dict[tuple[str, int], tuple[int, str]]:
    """The core instances and names that some aliases stand for, by their sorts and indices."""
    counts = {"core memory": 0, "core func": 0}
    found = {}
    for section in component.sections:
        for item in items(section):
            if item.adds not in counts:
                continue
            place = item.adds, counts[item.adds]
            counts[item.adds] += 1
            if place in wanted and section.kind is SectionKind.ALIAS:
                cursor = ComponentCursor(component.data, item.start, item.end)
                sort(cursor)
                cursor.byte()
                found[place] = cursor.u32(), cursor.name().text
    return found

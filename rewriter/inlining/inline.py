"""Puts two core modules into a component: they become what it lowers from wasi:nn.

Each `canon lower` and `canon resource.drop` of wasi:nn defines one core function. An alias of a
core module's export takes its place, and has the same index but for what was added before.

- `early` stands before the first of them. The functions that take no pointers come from it, because
  a component needs them before it has a memory.
- `late` stands before the first function that takes pointers, and imports the memory that this is
  lowered with.
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
from rewriter.inlining.instances import Instantiation
from rewriter.inlining.sites import Site
from rewriter.inlining.uses import Inside, Uses, uses
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

    There is an instance of `late` for each memory and realloc that functions of wasi:nn are lowered
    with. These instances share only what `early` has.

    Components inside that get wasi:nn from this one are treated in the same way, each with an
    `early` and a `late` of its own. They import `host`, too.

    Raises UnsupportedModule where wasi:nn is used otherwise than by lowering its functions (NN363),
    or not in the usual form (NN364), and ModuleError for what cannot be read.
    """
    added = _Added(early, late, host, functions)
    return _Running(component, uses(component), added).written()


class Inlining:
    """The core modules and where they are put. Subclasses give `early` its host functions."""

    def __init__(
        self,
        component: Component,
        found: Uses,
        early: bytes,
        late: bytes,
        interfaces: Collection[str],
        replaced: Collection[str],
        instead: Mapping[int, Callable[[], None]] | None = None,
        edits: Iterable[Edit] = (),
    ) -> None:
        """The functions called `replaced` are taken from the core modules; none of `interfaces` may
        be used otherwise. `instead` and `edits` are for the writer."""
        for other in found.others:
            if other.interface in interfaces:
                raise UnsupportedModule(
                    f"{PACKAGE}/{other.interface} {other.what}",
                    other.offset,
                    "NN363",
                    "compose components after this, not before",
                )
        self.early, self.late = early, late
        sites = [site for site in found.sites if site.use.export in replaced]
        self.guests = _guests(component, sites)
        replacing = {site.start: self._instead(site) for site in sites}
        for each in found.inside:
            replacing |= {made.start: self._instantiating(each, made) for made in each.instances}
        inside = {each.part.start: self._inside(each) for each in found.inside}
        self.writer = Writer(component, {**(instead or {}), **replacing}, edits, inside)
        self._early: int | None = None
        self._late: dict[_Guest, int] = {}
        self._modules: dict[bytes, int] = {}

    def written(self) -> bytes:
        return self.writer.written()

    def early_host(self) -> Mapping[str, int]:
        """Define the functions that `early` imports from `host`: their core indices by name."""
        raise NotImplementedError

    def late_host(self, early: int, guest: Mapping[str, int]) -> Mapping[str, int]:
        """Define those that `late` imports, where `early` is the index of a core instance, and
        `guest` has the indices of a `memory` and a `realloc`."""
        raise NotImplementedError

    def changed(self, inside: Inside) -> bytes:
        """A component inside, with core modules in it."""
        raise NotImplementedError

    def argument(self, name: str) -> str:
        """The new name of an import of a component inside."""
        return name

    def given(self, of: str, index: int) -> int:
        """The new index of what is passed to a component inside."""
        return self.writer.new(of, index)

    def passed(self, inside: Inside) -> Mapping[str, int]:
        """More instances that are passed to a component inside: their indices by name."""
        return {}

    def _inside(self, inside: Inside) -> Callable[[], bytes]:
        def made() -> bytes:
            with inside.part.offsets():
                return self.changed(inside)

        return made

    def _instantiating(self, inside: Inside, instance: Instantiation) -> Callable[[], None]:
        def put() -> None:
            more = self.passed(inside)
            arguments = [
                (self.argument(name), code, self.given(of, at))
                for name, of, code, at in instance.arguments
            ]
            arguments += [(name, encoding.INSTANCE, at) for name, at in more.items()]
            component = self.writer.new("component", instance.component)
            item = encoding.instantiate_component(component, arguments)
            self.writer.put(SectionKind.INSTANCE, item)

        return put

    def _instead(self, site: Site) -> Callable[[], None]:
        def put() -> None:
            early = self._early_instance()
            instance = early if site.use.early else self._late_instance(early, site)
            alias = encoding.core_alias("core func", instance, site.use.export)
            self.writer.put(SectionKind.ALIAS, alias)

        return put

    def _early_instance(self) -> int:
        if self._early is None:
            self._early = self._instance(self.early, self.early_host())
        return self._early

    def _late_instance(self, early: int, site: Site) -> int:
        guest = self.guests[site.start]
        if guest not in self._late:
            indices = self._guest_indices(guest, early, site)
            functions = {"guest": self._guest_exports(indices)}
            host = self.late_host(early, indices)
            self._late[guest] = self._instance(self.late, host, early=early, **functions)
        return self._late[guest]

    def _instance(self, module: bytes, host: Mapping[str, int], **instances: int) -> int:
        index = self._modules.get(module)
        if index is None:
            index = self.writer.add(SectionKind.CORE_MODULE, "core module", module)
            self._modules[module] = index
        exports = [(each, "core func", at) for each, at in host.items()]
        instances["host"] = self._core_instance(encoding.core_exports(exports))
        return self._core_instance(encoding.instantiate(index, instances))

    def _core_instance(self, item: bytes) -> int:
        return self.writer.add(SectionKind.CORE_INSTANCE, "core instance", item)

    def _guest_indices(self, guest: _Guest, early: int, site: Site) -> Mapping[str, int]:
        """The core indices of a memory and a realloc."""
        indices = {}
        for name, of, source in (
            ("memory", "core memory", guest.memory),
            ("realloc", "core func", guest.realloc),
        ):
            if source is None:
                indices[name] = self.core_alias(of, early, GUEST_REALLOC)
                continue
            if source.instance >= self.writer.counts["core instance"]:
                what = f"the {name} of wasi:nn's functions comes behind the first of them"
                raise _memory_error(what, site)
            instance = self.writer.new("core instance", source.instance)
            indices[name] = self.core_alias(of, instance, source.name)
        return indices

    def _guest_exports(self, indices: Mapping[str, int]) -> int:
        exports = [
            ("memory", "core memory", indices["memory"]),
            ("realloc", "core func", indices["realloc"]),
        ]
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


class _Added(NamedTuple):
    """What components get, and the import that they have more."""

    early: bytes
    late: bytes
    host: str
    functions: Sequence[HostFunction]


class _Running(Inlining):
    """With functions of one more import."""

    def __init__(self, component: Component, found: Uses, added: _Added) -> None:
        super().__init__(component, found, added.early, added.late, found.imports, found.functions)
        self.added = added
        self.indices: Mapping[str, int] = {}
        self._host: int | None = None

    def changed(self, inside: Inside) -> bytes:
        return _Running(inside.component, inside.uses, self.added).written()

    def passed(self, inside: Inside) -> Mapping[str, int]:
        needed = self.added.functions and inside.uses.instances
        return {self.added.host: self._host_instance()} if needed else {}

    def early_host(self) -> Mapping[str, int]:
        if self.added.functions:
            instance = self._host_instance()
            names = [each.name for each in self.added.functions]
            self.indices = {name: self.lowered(instance, name) for name in names}
        return self.indices

    def _host_instance(self) -> int:
        """The index of the import."""
        if self._host is None:
            add, functions = self.writer.add, self.added.functions
            described = {each.name: (each.parameters, each.result) for each in functions}
            kind = add(SectionKind.TYPE, "type", encoding.scalar_functions(described))
            item = encoding.import_instance(self.added.host, kind)
            self._host = add(SectionKind.IMPORT, "instance", item)
        return self._host

    def late_host(self, early: int, guest: Mapping[str, int]) -> Mapping[str, int]:
        return self.indices


class _CoreExport(NamedTuple):
    """An export of a core instance."""

    instance: int
    name: str


class _Guest(NamedTuple):
    """What functions of wasi:nn are lowered with."""

    memory: _CoreExport
    realloc: _CoreExport | None


def _guests(component: Component, sites: Sequence[Site]) -> Mapping[int, _Guest]:
    """What the functions that take pointers are lowered with, by the starts of the sites. One
    without a realloc has the first realloc of its memory.

    Raises UnsupportedModule where a memory or realloc is not an export of a core module.
    """
    for site in sites:
        if not site.plain:
            what = "lowered with other strings than UTF-8, or asynchronously"
            raise _memory_error(f"{site.use.export} is {what}", site)
    late = [site for site in sites if not site.use.early]
    wanted = {("core memory", s.memory) for s in late} | {("core func", s.realloc) for s in late}
    sources = _aliased(component, wanted)
    found: dict[int, _Guest] = {}
    reallocs: dict[_CoreExport, _CoreExport] = {}
    for site in late:
        memory = sources.get(("core memory", site.memory))
        realloc = sources.get(("core func", site.realloc))
        if site.memory is None:
            raise _memory_error(f"{site.use.export} is lowered without a memory", site)
        if memory is None:
            raise _memory_error("the memory is not a core module's export", site)
        if realloc is not None:
            reallocs.setdefault(memory, realloc)
        elif site.realloc is not None:
            raise _memory_error("the realloc is not a core module's export", site)
        found[site.start] = _Guest(memory, realloc)
    return {
        start: _Guest(memory, realloc or reallocs.get(memory))
        for start, (memory, realloc) in found.items()
    }


def _memory_error(what: str, site: Site) -> UnsupportedModule:
    return UnsupportedModule(
        what,
        site.start,
        "NN364",
        "build the program with the bindings of wit-bindgen",
    )


def _aliased(
    component: Component, wanted: Collection[tuple[str, int | None]]
) -> Mapping[tuple[str, int | None], _CoreExport]:
    """The core instances and names that some aliases stand for, by their sorts and indices."""
    counts = {"core memory": 0, "core func": 0}
    found: dict[tuple[str, int | None], _CoreExport] = {}
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
                found[place] = _CoreExport(cursor.u32(), cursor.name().text)
    return found

"""How a component uses wasi:nn.

Specification: https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from rewriter.abi.snapshots import AUGUST, JUNE, OCTOBER, PACKAGE, Snapshot
from rewriter.components.component import Component
from rewriter.components.items import Item, items, options, read_import
from rewriter.components.sections import (
    ComponentCursor,
    ComponentSection,
    Reference,
    SectionKind,
    sections,
)
from rewriter.components.types import sort
from rewriter.errors import MalformedModule, UnsupportedModule
from rewriter.wasm.limits import check_number
from rewriter.wasm.reader import Data, Name

__all__ = ["RESOURCES", "NNAlias", "NNImport", "Other", "Site", "Use", "Uses", "outermost", "uses"]

RESOURCES: Mapping[str, str] = {
    "tensor": "tensor",
    "graph": "graph",
    "inference": "graph-execution-context",
    "errors": "error",
}
"""The resource of each interface."""

_VERSIONED = (JUNE, AUGUST, OCTOBER)
_DROP = "[resource-drop]"
_EARLY = ("[method]tensor.ty", "[method]error.code")

_ANOTHER_BUILD = "build the program with a published version of wasi:nn"


class Use(NamedTuple):
    """A function of an interface such as `graph`: `load`, or `[resource-drop]graph`."""

    interface: str
    name: str

    @property
    def export(self) -> str:
        return f"{self.interface}#{self.name}"

    @property
    def early(self) -> bool:
        """Whether it takes no pointers, so that it can be lowered before there is a memory."""
        return self.name.startswith(_DROP) or self.name in _EARLY


class Site(NamedTuple):
    """Where a function is lowered, at data[start:end]. `memory` and `realloc` are indices, or None.
    `plain` means that strings are UTF-8, and that there are no options newer than WASI 0.2."""

    use: Use
    start: int
    end: int
    memory: int | None = None
    realloc: int | None = None
    plain: bool = True


class Other(NamedTuple):
    """A use of an interface besides lowering its functions, at a byte offset."""

    interface: str
    what: str
    offset: int


class NNImport(NamedTuple):
    """An imported interface of wasi:nn: where the import begins, its name, and the index of its
    type among types and its own among instances."""

    start: int
    name: Name
    type_index: int
    instance: int


class NNAlias(NamedTuple):
    """A `func` or `type` of an interface, by its name there."""

    interface: str
    sort: str
    name: Name


class Uses(NamedTuple):
    """The uses of wasi:nn, in the order of the file. `snapshot` is None if it is not imported;
    `functions` are by their names as exports of core modules, such as `graph#load`."""

    snapshot: Snapshot | None
    functions: Mapping[str, Use]
    others: Sequence[Other]
    sites: Sequence[Site]
    imports: Mapping[str, NNImport]
    aliases: Sequence[NNAlias]

    @property
    def realloc(self) -> bool:
        """Whether a function is lowered with a realloc."""
        return any(site.realloc is not None for site in self.sites)


def uses(component: Component) -> Uses:
    """Find the uses of wasi:nn.

    Raises UnsupportedModule for several versions of it, and for a version or function that is not
    known; MalformedModule for an index of something that does not exist.
    """
    scan = _Scan(component)
    for section in component.sections:
        for item in items(section):
            scan.item(section, item)
    functions = {site.use.export: site.use for site in scan.sites}
    return Uses(scan.snapshot, functions, scan.others, scan.sites, scan.imports, scan.aliases)


def outermost(data: Data, section: ComponentSection, scope: int) -> Iterator[Reference]:
    """The references inside a nested component to things of the outermost one, where the nested
    one is `scope` deep."""
    for inner in sections(data, section.content, section.end):
        if inner.kind is SectionKind.COMPONENT:
            yield from outermost(data, inner, scope + 1)
        else:
            for item in items(inner, scope):
                yield from (each for each in item.references if each.scope == 0)


_MOST = 10_000
"""Aliases, types and lowered functions of wasi:nn, of each. The largest known components have fewer
than a hundred, and each takes more memory than in the file."""

_UNCOUNTED = ("core type", "value")
"""Of which an item can add several."""


class _Scan:
    def __init__(self, component: Component) -> None:
        self.data = component.data
        self.snapshot: Snapshot | None = None
        self.others: list[Other] = []
        self.sites: list[Site] = []
        self.imports: dict[str, NNImport] = {}
        self.aliases: list[NNAlias] = []
        self.counts: Counter[str] = Counter()
        self.instances: dict[int, str] = {}
        self.functions: dict[int, tuple[str, str]] = {}
        self.resources: dict[int, tuple[str, str]] = {}
        """Types that are aliases of an interface's exports."""
        self.derived: dict[int, str] = {}
        """Types that have such types in them, with the interface of one."""

    def item(self, section: ComponentSection, item: Item) -> None:
        references = [each for each in item.references if each.scope == 0]
        if section.kind is SectionKind.COMPONENT:
            references = [*outermost(self.data, section, 1)]
        for each in references:
            if each.number >= self.counts[each.sort] and each.sort not in _UNCOUNTED:
                raise MalformedModule(f"there is no {each.sort} {each.number}", each.start)
        read = _READERS.get(section.kind)
        if read is None or not read(self, item):
            self._others(section, references)
        if item.adds is not None:
            self.counts[item.adds] += 1

    def _others(self, section: ComponentSection, references: Sequence[Reference]) -> None:
        for each in references:
            found = self._interface(each)
            if found is None:
                continue
            if section.kind is SectionKind.TYPE:
                self.derived[self.counts["type"]] = found
                check_number(len(self.derived), "types of wasi:nn", each.start, _MOST)
            else:
                self.others.append(Other(found, _WHAT.get(section.kind, _ELSEWHERE), each.start))
                check_number(len(self.others), "uses of wasi:nn", each.start, _MOST)
                return

    def _interface(self, reference: Reference) -> str | None:
        """The interface that something is of."""
        number = reference.number
        if reference.sort == "instance":
            return self.instances.get(number)
        if reference.sort == "func":
            return self.functions.get(number, (None,))[0]
        if reference.sort == "type":
            return self.resources.get(number, (None,))[0] or self.derived.get(number)
        return None

    def import_(self, item: Item) -> bool:
        found = read_import(ComponentCursor(self.data, item.start, item.end))
        package, _, rest = found.name.text.partition("/")
        if package != PACKAGE or found.sort != "instance" or found.type_index is None:
            return False
        interface, _, version = rest.partition("@")
        snapshot = next((each for each in _VERSIONED if each.version == version), None)
        if snapshot is None or interface not in RESOURCES:
            raise UnsupportedModule(
                f"the component imports {found.name.text}; the known versions are "
                + ", ".join(each.version for each in _VERSIONED),
                found.name.start,
                "NN362",
                _ANOTHER_BUILD,
            )
        if self.snapshot not in (None, snapshot) or interface in self.imports:
            raise UnsupportedModule(
                "the component imports wasi:nn more than once, or in several versions",
                found.name.start,
                "NN361",
                "build its parts with one version",
            )
        self.snapshot = snapshot
        index = self.counts["instance"]
        self.instances[index] = interface
        self.imports[interface] = NNImport(item.start, found.name, found.type_index, index)
        return True

    def alias(self, item: Item) -> bool:
        cursor = ComponentCursor(self.data, item.start, item.end)
        kind, target, number = sort(cursor), cursor.byte(), cursor.u32()
        if target != 0 or number not in self.instances:
            return False
        interface, name = self.instances[number], cursor.name()
        named = interface, name.text
        self.aliases.append(NNAlias(interface, kind, name))
        check_number(len(self.aliases), "aliases of wasi:nn", item.start, _MOST)
        if kind == "func":
            self.functions[self.counts[kind]] = named
        elif kind == "type":
            self.resources[self.counts[kind]] = named
        return kind in ("func", "type")

    def canonical(self, item: Item) -> bool:
        cursor = ComponentCursor(self.data, item.start, item.end)
        code = cursor.byte()
        if code == _LOWER:
            cursor.byte()
            function = self.functions.get(cursor.u32())
            if function is None:
                return False
            found = options(cursor)
            plain = found.keys() <= _PLAIN_OPTIONS
            use = self._use(*function, item)
            site = Site(use, item.start, item.end, found.get(3), found.get(4), plain)
        elif code == _RESOURCE_DROP:
            resource = self.resources.get(cursor.u32())
            if resource is None:
                return False
            interface, name = resource
            site = Site(self._use(interface, f"{_DROP}{name}", item), item.start, item.end)
        else:
            return False
        self.sites.append(site)
        check_number(len(self.sites), "lowered functions of wasi:nn", item.start, _MOST)
        return True

    def _use(self, interface: str, name: str, item: Item) -> Use:
        functions = self.snapshot.functions if self.snapshot else {}
        if name not in functions[interface] and name != f"{_DROP}{RESOURCES[interface]}":
            raise UnsupportedModule(
                f"{name} of {PACKAGE}/{interface} is not a function of {self.snapshot}",
                item.start,
                "NN362",
                _ANOTHER_BUILD,
            )
        return Use(interface, name)


_LOWER, _RESOURCE_DROP = 0x01, 0x03
_PLAIN_OPTIONS = {0, 3, 4}
"""UTF-8, a memory and a realloc."""

_READERS = {
    SectionKind.IMPORT: _Scan.import_,
    SectionKind.ALIAS: _Scan.alias,
    SectionKind.CANONICAL_FUNCTION: _Scan.canonical,
}

_ELSEWHERE = "is used in another way than by lowering its functions"
_WHAT = {
    SectionKind.COMPONENT: "is used in a component inside",
    SectionKind.INSTANCE: "is passed to a component inside",
    SectionKind.EXPORT: "is exported",
    SectionKind.IMPORT: "has a type that another import uses",
}

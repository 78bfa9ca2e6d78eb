"""How a component uses wasi:nn.

Specification: https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from rewriter.abi.snapshots import PACKAGE, VERSIONED, Snapshot
from rewriter.components.component import Component, Part
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
from rewriter.inlining.forms import form_of, unversioned_types
from rewriter.inlining.instances import Instantiation, read_instantiation
from rewriter.inlining.sites import DROP, NNAlias, NNImport, Other, Site, Use
from rewriter.wasm.limits import check_number
from rewriter.wasm.reader import Data

__all__ = ["RESOURCES", "Inside", "Uses", "outermost", "uses"]

RESOURCES: Mapping[str, str] = {
    "tensor": "tensor",
    "graph": "graph",
    "inference": "graph-execution-context",
    "errors": "error",
}
"""The resource of each interface."""

_ANOTHER_BUILD = "build the program with a published version of wasi:nn"


class Inside(NamedTuple):
    """A component inside that imports wasi:nn, and gets it from the component around it wherever it
    is instantiated. Positions in `component` and `uses` count from the start of `part`."""

    part: Part
    component: Component
    uses: Uses
    instances: Sequence[Instantiation]


class Uses(NamedTuple):
    """The uses of wasi:nn, in the order of the file, without those of components `inside`.
    `snapshot` is None if it is not imported; `functions` are by their names as exports of core
    modules, such as `graph#load`."""

    snapshot: Snapshot | None
    functions: Mapping[str, Use]
    others: Sequence[Other]
    sites: Sequence[Site]
    imports: Mapping[str, NNImport]
    aliases: Sequence[NNAlias]
    inside: Sequence[Inside]

    @property
    def instances(self) -> int:
        """How many instances lower functions of wasi:nn where there is one of this component: this
        one, and those inside."""
        inside = sum(len(each.instances) * each.uses.instances for each in self.inside)
        return inside + bool(self.sites)

    @property
    def realloc(self) -> bool:
        """Whether a function is lowered with a realloc."""
        return any(site.realloc is not None for site in self.sites)


def uses(component: Component, depth: int = 0) -> Uses:
    """Find the uses of wasi:nn. The component stands in `depth` others.

    Raises UnsupportedModule for several versions of it, and for a version or function that is not
    known; MalformedModule for an index of something that does not exist.
    """
    scan = _Scan(component, depth)
    for section in component.sections:
        for item in items(section):
            scan.item(section, item)
    functions = {site.use.export: site.use for site in scan.sites}
    inside = [*scan.inside()]
    found = scan.snapshot, functions, scan.others, scan.sites, scan.imports, scan.aliases
    return Uses(*found, inside)


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

_DEEPEST = 4
"""How deep components may stand in others that pass them wasi:nn: each level takes a copy of what
stands in it."""

_UNCOUNTED = ("core type", "value")
"""Of which an item can add several."""


class _Scan:
    def __init__(self, component: Component, depth: int) -> None:
        self.component = component
        self.data = component.data
        self.types: Mapping[str, Mapping[str, str]] | None = None
        """Of the functions of interfaces without a version, which tell their form. None until the
        first of them."""
        self.depth = depth
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
        self.components: dict[int, Part] = {}
        self.mentioned: Counter[int] = Counter()
        """How often each component is used."""
        self.passed: defaultdict[int, list[Instantiation]] = defaultdict(list)
        """The instances that interfaces are passed to, by their components."""

    def item(self, section: ComponentSection, item: Item) -> None:
        references = [each for each in item.references if each.scope == 0]
        if section.kind is SectionKind.COMPONENT:
            references = [*outermost(self.data, section, 1)]
            part = Part(self.data, item.start, item.end, 1, True)
            self.components[self.counts["component"]] = part
        for each in references:
            self.mentioned[each.number] += each.sort == "component"
            if each.number >= self.counts[each.sort] and each.sort not in _UNCOUNTED:
                raise MalformedModule(f"there is no {each.sort} {each.number}", each.start)
        read = _READERS.get(section.kind)
        if read is None or not read(self, item):
            self._others(section, item, references)
        if item.adds is not None:
            self.counts[item.adds] += 1

    def _others(
        self, section: ComponentSection, item: Item, references: Sequence[Reference]
    ) -> None:
        for each in references:
            found = self._interface(each)
            if found is None:
                continue
            if section.kind is SectionKind.TYPE:
                self.derived[self.counts["type"]] = found
                check_number(len(self.derived), "types of wasi:nn", each.start, _MOST)
            else:
                what = _WHAT.get(section.kind, _ELSEWHERE)
                if section.kind is SectionKind.CANONICAL_FUNCTION and each.sort == "type":
                    what = _LIFTED if self.data[item.start] == _LIFT else what
                self.others.append(Other(found, what, each.start))
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
        snapshot = self._snapshot(version)
        if snapshot is None or interface not in RESOURCES:
            known = f"the known versions are {', '.join(each.version for each in VERSIONED)}"
            if not version:
                known = "its functions have the types of no known form without a version"
            raise UnsupportedModule(
                f"the component imports {found.name.text}; {known}",
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

    def _snapshot(self, version: str) -> Snapshot | None:
        if version:
            return next((each for each in VERSIONED if each.version == version), None)
        if self.types is None:
            self.types = unversioned_types(self.component)
        return form_of(self.types)

    def alias(self, item: Item) -> bool:
        cursor = ComponentCursor(self.data, item.start, item.end)
        kind, target, number = sort(cursor), cursor.byte(), cursor.u32()
        if target != 0 or number not in self.instances:
            return False
        interface, name = self.instances[number], cursor.name()
        named = interface, name.text
        self.aliases.append(NNAlias(item.start, interface, kind, name))
        check_number(len(self.aliases), "aliases of wasi:nn", item.start, _MOST)
        if kind == "func":
            self.functions[self.counts[kind]] = named
        elif kind == "type":
            self.resources[self.counts[kind]] = named
        return kind in ("func", "type")

    def instance(self, item: Item) -> bool:
        """Whether interfaces are passed to an instance of a component inside, each by its name."""
        found = read_instantiation(self.data, item)
        if found is None or found.component not in self.components or self.depth == _DEEPEST:
            return False
        interfaces = self._passed(found)
        given = [each for each in item.references if each.scope == 0 and self._interface(each)]
        if not interfaces or len(given) != len(interfaces):
            return False
        self.passed[found.component].append(found)
        return True

    def _passed(self, instance: Instantiation) -> set[str]:
        """The interfaces that an instance is passed by their own names."""
        names = {
            each.name.partition("@")[0]: self.instances.get(each.number)
            for each in instance.arguments
            if each.sort == "instance"
        }
        return {each for name, each in names.items() if each and name == f"{PACKAGE}/{each}"}

    def inside(self) -> Iterator[Inside]:
        """The components inside that use what they are passed. Others have several sources of
        wasi:nn."""
        for number, instances in self.passed.items():
            part = self.components[number]
            with part.offsets():
                component = Component(self.data[part.start : part.end])
                found = uses(component, self.depth + 1)
            lacks = any(found.imports.keys() - self._passed(each) for each in instances)
            if lacks or self.mentioned[number] != len(instances):
                interface = min(self._passed(instances[0]))
                self.others.append(Other(interface, _SEVERAL, instances[0].start))
            yield Inside(part, component, found, instances)

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
            site = Site(self._use(interface, f"{DROP}{name}", item), item.start, item.end)
        else:
            return False
        self.sites.append(site)
        check_number(len(self.sites), "lowered functions of wasi:nn", item.start, _MOST)
        return True

    def _use(self, interface: str, name: str, item: Item) -> Use:
        functions = self.snapshot.functions if self.snapshot else {}
        known = name in functions[interface]
        if self.types is not None and name not in self.types.get(interface, ()):
            known = False  # its type was not read
        if not known and name != f"{DROP}{RESOURCES[interface]}":
            raise UnsupportedModule(
                f"{name} of {PACKAGE}/{interface} is not a function of {self.snapshot}",
                item.start,
                "NN362",
                _ANOTHER_BUILD,
            )
        return Use(interface, name)


_LIFT, _LOWER, _RESOURCE_DROP = 0x00, 0x01, 0x03
_PLAIN_OPTIONS = {0, 3, 4}
"""UTF-8, a memory and a realloc."""

_READERS = {
    SectionKind.IMPORT: _Scan.import_,
    SectionKind.ALIAS: _Scan.alias,
    SectionKind.INSTANCE: _Scan.instance,
    SectionKind.CANONICAL_FUNCTION: _Scan.canonical,
}

_SEVERAL = "is passed to a component inside, which is also used with another wasi:nn"

_LIFTED = "has a type that an exported function uses"
_ELSEWHERE = "is used in another way than by lowering its functions"
_WHAT = {
    SectionKind.COMPONENT: "is used in a component inside",
    SectionKind.INSTANCE: "is passed to a component inside",
    SectionKind.EXPORT: "is exported",
    SectionKind.IMPORT: "has a type that another import uses",
}

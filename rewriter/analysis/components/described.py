"""What a component imports and exports, and how it was made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from typing import NamedTuple

from rewriter.abi.snapshots import PACKAGE, SNAPSHOTS, VERSIONED, Snapshot, unversioned_form
from rewriter.abi.wasi_interfaces import (
    EXIT_WITH_CODE,
    FUNCTIONS,
    WITHOUT_METHODS,
    resources_of,
)
from rewriter.analysis.components.resources import hides_resource, misnamed_resource
from rewriter.components.component import Component, Part
from rewriter.components.run_function import RunFunction, run_function
from rewriter.components.shapes import UNKNOWN, Shapes
from rewriter.components.types import TypeExport
from rewriter.errors import MalformedModule
from rewriter.wasm.imports import groups
from rewriter.wasm.limits import check_number
from rewriter.wasm.reader import Cursor, Data
from rewriter.wasm.sections import SectionId

__all__ = ["ComponentInfo", "Interface", "Making", "describe_component"]

_MOST_IMPORTS = 1000
"""Imports and exports of a component. The largest known have fewer than a hundred."""


class Making(StrEnum):
    """How a component was made, as far as its parts show it."""

    ADAPTED = "a core module and adapters"
    """`wasm-tools component new --adapt`: one module that imports WASI 0.1."""
    COMPONENTIZE_PY = "componentize-py"
    COMPONENTIZE_JS = "componentize-js (jco)"
    COMPOSED = "other components"
    """A composition: a component in it imports wasi:nn."""
    CORE_MODULE = "a core module"
    """One module that imports the interfaces of components by itself, as for wasm32-wasip2."""
    UNKNOWN = "unknown"


class Interface(NamedTuple):
    """An import of a component. `functions` are those that it uses of the ones that are known of
    the interface. `unknown` is anything else that it needs there, such as another function or a
    resource, or a known name for another resource. `offset` is the position of the name in bytes.
    `resources` are those that it uses of the ones that are known of the interface.

    `types` are those of `functions`, as rewriter.components.shapes gives them. One that was not
    read is missing; all are, in a component that does not import wasi:nn.

    `is_read` is False for an instance whose type, or a resource in it, stands elsewhere, so that
    it is not known. `needs_host` is False for types only, which a host does not have to define.
    """

    name: str
    sort: str
    functions: frozenset[str]
    unknown: str | None
    offset: int
    is_read: bool
    needs_host: bool
    types: Mapping[str, str]
    resources: frozenset[str] = frozenset()

    @property
    def interface(self) -> str:
        """The name without its version: `wasi:nn/graph`."""
        return self.name.partition("@")[0]

    @property
    def package(self) -> str:
        """`wasi:nn`"""
        return self.interface.partition("/")[0]

    @property
    def version(self) -> str:
        """`0.2.0-rc-2024-10-28`, empty where it has none."""
        return self.name.partition("@")[2]


class ComponentInfo(NamedTuple):
    """A component. `snapshots` are those of wasi:nn whose functions it imports, one unless it
    imports several versions, none where it imports no wasi:nn, or none that is known. `wasi` are
    the versions of the other packages of WASI that it imports. `run` are the versions of
    wasi:cli/run that it exports as an instance, each with its function `run`."""

    component: Component
    imports: Sequence[Interface]
    exports: Sequence[str]
    wasi_nn: Sequence[Interface]
    snapshots: Sequence[Snapshot]
    wasi: Sequence[str]
    core_modules: int
    making: Making
    run: Mapping[str, RunFunction]

    @property
    def is_command(self) -> bool:
        return bool(self.run)

    @property
    def size(self) -> int:
        """In bytes."""
        return self.component.size

    @property
    def is_proxy(self) -> bool:
        """Whether it answers HTTP requests, as `wasmtime serve` passes them, and is not a
        command."""
        handlers = (name.partition("@")[0] == "wasi:http/incoming-handler" for name in self.exports)
        return not self.is_command and any(handlers)


def describe_component(data: Data | Component) -> ComponentInfo:
    """Read a component.

    Raises MalformedModule and UnsupportedModule as Component does, and UnsupportedModule for more
    than a thousand imports or exports.
    """
    component = data if isinstance(data, Component) else Component(data)
    imports = list(_interfaces(component))
    exports = list(_exports(component))
    instances = [item.name.text for item in component.exports if item.sort == "instance"]
    wasi_nn = [item for item in imports if item.package == PACKAGE]
    making, core_modules = _making(component)
    return ComponentInfo(
        component,
        imports,
        exports,
        wasi_nn,
        tuple(_snapshots(wasi_nn)),
        tuple(
            dict.fromkeys(
                item.version
                for item in imports
                if item.package.startswith("wasi:") and item.package != PACKAGE
            )
        ),
        core_modules,
        making,
        {
            name.partition("@")[2]: run_function(component.data, name)
            for name in instances
            if name.partition("@")[0] == "wasi:cli/run"
        },
    )


def _interfaces(component: Component) -> Iterator[Interface]:
    items = []
    for number, item in enumerate(component.imports, 1):
        check_number(number, "imports of a component", item.name.start, _MOST_IMPORTS)
        items.append(item)
    wanted = {item.type_index for item in items if item.sort == "instance"}
    functions: dict[int | None, _Functions] = {
        index: _Functions.of(exports) for index, exports in component.instance_types(wanted)
    }
    uses_nn = any(item.name.text.startswith(f"{PACKAGE}/") for item in items)
    shapes = Shapes(component.data)
    types = _types(component, shapes) if uses_nn else {}
    for item in items:
        is_instance = item.sort == "instance"
        found = functions.get(item.type_index if is_instance else None)
        is_read = found is not None or not is_instance
        if found is None:
            is_type = item.sort == "type" and item.type_index is not None
            needs_host, found = not is_type, _NO_FUNCTIONS
        else:
            needs_host = found != _NO_FUNCTIONS
        known = _known(item.name.text)
        unknown = min((found.known | found.resources) - known, default=found.other)
        misnamed = misnamed_resource(item.name.text, shapes)
        hidden = hides_resource(item.name.text, shapes)
        yield Interface(
            item.name.text,
            item.sort,
            found.known & known,
            misnamed or unknown,
            item.name.text_start,
            is_read and not hidden,
            needs_host or hidden or misnamed is not None,
            types.get(item.name.text, {}) if is_instance else {},
            found.resources & known,
        )


def _types(component: Component, shapes: Shapes) -> dict[str, dict[str, str]]:
    """The types of the functions of known names that each instance is imported with."""
    return {
        name: {
            function: shape
            for function, shape in functions.items()
            if function in _EVERY_FUNCTION and shape != UNKNOWN
        }
        for section in component.sections
        for name, functions in shapes.add(section)
    }


class _Functions(NamedTuple):
    """What a host has to have for the type of an instance: the functions that some known interface
    has, the resources that some has, and the first thing that none has."""

    known: frozenset[str]
    resources: frozenset[str]
    other: str | None

    @classmethod
    def of(cls, exports: Iterable[TypeExport]) -> _Functions:
        known, resources, other = set(), set(), None
        for item in exports:
            name = item.name.text
            if item.sort == "type" and item.type_index is not None:
                continue
            if item.sort == "func" and name in _EVERY_FUNCTION:
                known.add(name)
            elif item.sort == "type" and name in _EVERY_RESOURCE:
                resources.add(name)
            elif other is None:
                other = name
        return cls(frozenset(known), frozenset(resources), other)


_NO_FUNCTIONS = _Functions(frozenset(), frozenset(), None)
_EVERY_FUNCTION = frozenset(
    {EXIT_WITH_CODE}.union(
        *FUNCTIONS.values(), *(names for each in SNAPSHOTS for names in each.functions.values())
    )
)
_EVERY_RESOURCE = resources_of(_EVERY_FUNCTION).union(*WITHOUT_METHODS.values())


def _known(name: str) -> frozenset[str]:
    """The functions and resources that are known of an interface."""
    interface = name.partition("@")[0]
    package, _, rest = interface.partition("/")
    if package == PACKAGE:
        known = frozenset[str]().union(*(each.functions.get(rest, ()) for each in SNAPSHOTS))
    else:
        known = FUNCTIONS.get(interface, frozenset())
    if interface == "wasi:cli/exit":
        known |= {EXIT_WITH_CODE}
    return known | resources_of(known) | WITHOUT_METHODS.get(interface, frozenset())


def _exports(component: Component) -> Iterator[str]:
    for number, item in enumerate(component.exports, 1):
        check_number(number, "exports of a component", item.name.start, _MOST_IMPORTS)
        yield item.name.text


def _snapshots(imports: Iterable[Interface]) -> Iterator[Snapshot]:
    """Those of wasi:nn that have the functions which are imported, of each version one. Types tell
    the forms without a version."""
    by_version: dict[str, list[Interface]] = {}
    for item in imports:
        by_version.setdefault(item.version, []).append(item)
    for version, items in by_version.items():
        found = _unversioned(items) if not version else _of_version(version)
        if found is not None and all(_has(found, item) for item in items):
            yield found


def _unversioned(imports: Sequence[Interface]) -> Snapshot | None:
    functions = {_interface(item): item.functions for item in imports}
    return unversioned_form(
        functions, {name: text for item in imports for name, text in item.types.items()}
    )


def _of_version(version: str) -> Snapshot | None:
    return next((each for each in VERSIONED if each.version == version), None)


def _interface(item: Interface) -> str:
    return item.interface.partition("/")[2]


def _has(snapshot: Snapshot, item: Interface) -> bool:
    functions = snapshot.functions.get(_interface(item))
    return (
        functions is not None
        and item.is_read
        and item.unknown is None
        and item.functions <= functions
    )


_WASI_1 = "wasi_snapshot_preview1"
_PY_RUNTIME = "libcomponentize_py_runtime.so"
_INTERFACES = ("wasi:", "cm32p2|wasi:")
_MARKS = (_WASI_1, _PY_RUNTIME, *_INTERFACES)


def _making(component: Component) -> tuple[Making, int]:
    """How the component was made, and how many core modules are in it."""
    number, nested, marks = 0, False, set[str]()
    for part in component.parts():
        if part.is_component:
            continue
        number += 1
        found = set(_marks(part))
        marks |= found if part.depth == 1 else set()
        nested |= part.depth > 1 and not found.isdisjoint(_INTERFACES)
    if _PY_RUNTIME in marks:
        return Making.COMPONENTIZE_PY, number
    if _COMPONENTIZE_JS in _processed_by(component):
        return Making.COMPONENTIZE_JS, number
    if nested:
        return Making.COMPOSED, number
    if _WASI_1 in marks:
        return Making.ADAPTED, number
    return (Making.CORE_MODULE if marks else Making.UNKNOWN), number


def _marks(part: Part) -> Iterator[str]:
    """Beginnings of the names from which a core module imports that tell how it was made."""
    section = part.module().find(SectionId.IMPORT)
    with part.offsets():
        for group in groups(section) if section else ():
            for mark in _MARKS:
                if group.module.text.startswith(mark):
                    yield mark


_COMPONENTIZE_JS = "ComponentizeJS"


def _processed_by(component: Component) -> Iterator[str]:
    """The tools that the component's own `producers` section names, none if it cannot be read.

    https://github.com/WebAssembly/tool-conventions/blob/main/ProducersSection.md
    """
    for section in component.sections:
        if section.name == "producers":
            cursor = Cursor(section.data, section.name_end, section.end)
            with suppress(MalformedModule):
                for _ in range(cursor.count("fields")):
                    field = cursor.name().text
                    for _ in range(cursor.count("values")):
                        name = cursor.name().text
                        cursor.name()
                        if field == "processed-by":
                            yield name

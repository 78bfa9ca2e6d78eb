"""Gives a component that imports wasi:nn without a version one, with a shim in it where functions
differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from rewriter.abi.snapshots import AUGUST, JUNE, PACKAGE, Snapshot
from rewriter.components.component import Component
from rewriter.components.sections import SectionKind
from rewriter.inlining import encoding
from rewriter.inlining.shimming import Shimming
from rewriter.inlining.shims.types import (
    errors_type,
    graph_type,
    inference_type,
    tensor_type,
)
from rewriter.inlining.shims.unversioned import make_unversioned, pieces_of
from rewriter.inlining.sites import NNAlias
from rewriter.inlining.uses import RESOURCES, Inside, Uses, uses
from rewriter.inlining.writer import Writer
from rewriter.wasm.patch import Edit, renamed

__all__ = ["add_version"]

_NO_NAMES: Mapping[int, str] = {}

_EMPTY_INSTANCE = encoding.instance_of(())


def add_version(
    component: Component,
    inputs: Mapping[int, str] = _NO_NAMES,
    outputs: Mapping[int, str] = _NO_NAMES,
) -> Component:
    """The component with imports of the version of wasi:nn that its form is nearest to: JUNE where
    programs make errors, otherwise AUGUST. The component itself, where its imports have a version.

    The forms differ in this, which a shim does:

    - errors that are numbers: the shim reads the host's. The codes that the form does not have
      become runtime-error.
    - no encoding ggml, before autodetect
    - tensors that are records: the shim makes and reads the host's. Graphs and contexts are numbers
      then, and are the host's handles, which nothing drops.
    - inputs and outputs that have indices. `inputs` and `outputs` are the names of some; for any
      other, the decimal index is the name.

    Raises UnsupportedModule for a form that is not known (NN362), and where wasi:nn is also used in
    other ways than by lowering its functions (NN363). ModuleError for what cannot be read.
    """
    found = uses(component)
    if found.snapshot is None or found.snapshot.version:
        return component
    to = JUNE if found.snapshot.functions["errors"] else AUGUST
    return Component(_changed(component, found, to, inputs, outputs), component.name)


def _changed(
    component: Component,
    found: Uses,
    to: Snapshot,
    inputs: Mapping[int, str],
    outputs: Mapping[int, str],
) -> bytes:
    if found.snapshot is not None and pieces_of(found.snapshot):
        return _Shimming(component, found, found.snapshot, to, inputs, outputs).written()
    return Writer(component, {}, _renaming(found, to)).written()


def _renaming(found: Uses, to: Snapshot) -> Iterator[Edit]:
    for interface, item in found.imports.items():
        new = renamed(item.name, _new_name(interface, to))
        yield Edit(item.name.start, item.name.end, new)


def _new_name(interface: str, to: Snapshot) -> str:
    return f"{PACKAGE}/{interface}@{to.version}"


class _Shimming(Shimming):
    """All four interfaces are imported where the component imports the first of its own: those of
    the version stand in another order, and one may need another that the form does not. An empty
    instance takes the place of each import, so that the others keep their indices."""

    def __init__(
        self,
        component: Component,
        found: Uses,
        form: Snapshot,
        to: Snapshot,
        inputs: Mapping[int, str],
        outputs: Mapping[int, str],
    ) -> None:
        self._to, self._inputs, self._outputs = to, inputs, outputs
        self.shim = make_unversioned(form, inputs, outputs)
        self._resources = {
            resource
            for interface, resource in RESOURCES.items()
            if any(name.startswith("[") for name in form.functions[interface])
        }
        self._interfaces = {item.instance: name for name, item in found.imports.items()}
        self._instances: dict[str, int] = {}
        instead: dict[int, Callable[[], None]] = {
            item.start: self._import for item in found.imports.values()
        }
        instead |= {alias.start: self._aliasing(alias) for alias in found.aliases}
        super().__init__(
            component,
            found,
            self.shim.early,
            self.shim.late,
            found.imports.keys(),
            {name for piece in pieces_of(form) for name in piece.replaced},
            instead,
        )

    def imported(self, interface: str) -> int:
        return self._instances[interface]

    def changed(self, inside: Inside) -> bytes:
        return _changed(inside.component, inside.uses, self._to, self._inputs, self._outputs)

    def argument(self, name: str) -> str:
        package, _, interface = name.partition("/")
        return _new_name(interface, self._to) if package == PACKAGE else name

    def given(self, of: str, index: int) -> int:
        interface = self._interfaces.get(index) if of == "instance" else None
        return super().given(of, index) if interface is None else self._instances[interface]

    def passed(self, inside: Inside) -> Mapping[str, int]:
        form = inside.uses.snapshot
        if form is None or not pieces_of(form):
            return {}
        return {
            _new_name(interface, self._to): index
            for interface, index in self._instances.items()
            if interface not in inside.uses.imports
        }

    def _import(self) -> None:
        if not self._instances:
            self._define_import("errors", errors_type(self._to))
            self._define_import("tensor", tensor_type())
            tensor, error = self.resource("tensor"), self.resource("errors")
            self._define_import("inference", inference_type(self._to, tensor, error))
            context, error = self.resource("inference"), self.resource("errors")
            self._define_import("graph", graph_type(context, error))
        self.writer.put(SectionKind.INSTANCE, _EMPTY_INSTANCE)

    def _define_import(self, interface: str, type_: bytes) -> None:
        kind = self.writer.add(SectionKind.TYPE, "type", type_)
        item = encoding.import_instance(_new_name(interface, self._to), kind)
        self._instances[interface] = self.writer.add(SectionKind.IMPORT, "instance", item)

    def _aliasing(self, alias: NNAlias) -> Callable[[], None]:
        """Aliases the same of the new interface. A function that it does not have becomes another
        one, which is not lowered. A type that is not a resource becomes a u32: only the types of
        the old imports name it."""
        name, functions = alias.name.text, self._to.functions[alias.interface]
        if alias.sort == "func" and name not in functions:
            name = min(functions)

        def put() -> None:
            if alias.sort == "type" and name not in self._resources:
                self.writer.put(SectionKind.TYPE, encoding.U32)
                return
            item = encoding.alias(alias.sort, self._instances[alias.interface], name)
            self.writer.put(SectionKind.ALIAS, item)

        return put

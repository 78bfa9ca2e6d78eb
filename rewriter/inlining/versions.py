"""Gives a component another version of wasi:nn, with a shim in it where functions have changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from rewriter.abi.snapshots import JUNE, OCTOBER, PACKAGE, VERSIONED, WITH_INDICES, Snapshot
from rewriter.components.component import Component
from rewriter.components.sections import SectionKind
from rewriter.diagnostics import Diagnostic
from rewriter.errors import UnsupportedModule
from rewriter.inlining import encoding
from rewriter.inlining.shimming import Shimming
from rewriter.inlining.shims.shim import (
    ERRORS,
    NAMED,
    STEPS,
    Piece,
    make_shim,
)
from rewriter.inlining.shims.types import (
    EXPORTED_TYPES,
    errors_type,
    inference_type,
    tensor_type,
)
from rewriter.inlining.shims.unversioned import indexed_names
from rewriter.inlining.unversioned import add_version
from rewriter.inlining.uses import Inside, Uses, uses
from rewriter.inlining.writer import Writer
from rewriter.wasm.patch import Edit, renamed

__all__ = ["Changed", "change_version"]

_NO_NAMES: Mapping[int, str] = {}
_CONSTRUCTOR = "[constructor]error"
_INIT = "graph#[method]graph.init-execution-context"


class Changed(NamedTuple):
    """A component that imports another version of wasi:nn, and what is not as it was.

    `names_outputs` says whether names of the model's inputs or outputs are in it.
    """

    data: bytes
    notes: tuple[Diagnostic, ...]
    names_outputs: bool = False


def change_version(
    component: Component,
    to: Snapshot,
    outputs: Sequence[str] = (),
    inputs: Mapping[int, str] = _NO_NAMES,
) -> Changed:
    """The component with imports of version `to` of wasi:nn: JUNE, AUGUST or OCTOBER.

    Where they have no version, they get one first: rewriter.inlining.unversioned says how, and what
    `inputs` and `outputs` do for programs that know indices.

    The imports get other names. Where functions have changed, core modules in the component do
    what the old ones did by calls of the new ones:

    - set-input, compute and get-output (up to AUGUST) by OCTOBER's compute. set-input copies the
      tensor, and each compute gets all inputs that are set, as new tensors: inputs stay set, as
      on Wasmtime 25 to 34. A wrong name, type or shape is an error of compute, not of set-input.
      get-output makes a tensor of the named output of the last compute. Hosts have their own
      names for outputs (Wasmtime's OpenVINO backend: 0, 1 and so on, where older ones had the
      model's). So if there is one output, any name is its name; of several, an unknown name is a
      runtime-error, as on Wasmtime 25 to 34.
    - OCTOBER's compute by set-input, compute and get-output. No function of older versions lists
      the outputs: compute returns those with the names in `outputs`. Inputs of an earlier compute
      that are left out stay set on older hosts.
    - [constructor]error (JUNE only): the shim keeps such errors itself.

    A component inside that gets wasi:nn from this one gets a shim of its own.

    Raises UnsupportedModule, with a function's name, where that cannot be done: where wasi:nn is
    also used in other ways than by lowering its functions, where an interface that the functions
    need is not imported, and from OCTOBER without `outputs`. ModuleError for what cannot be read.
    """
    if to not in VERSIONED:
        raise UnsupportedModule(f"a component cannot get {to}", None, "NN365")
    before = uses(component)
    indexed = _check_indices(before, to, outputs, inputs)
    component = add_version(component, inputs, dict(enumerate(outputs)))
    found = uses(component)
    if found.snapshot is None or found.snapshot is to:
        changed = Changed(component.data[:], ())
    else:
        changed = _changed(component, found, to, outputs)
    if not indexed:
        return changed
    notes = (_names_note(inputs, outputs), *changed.notes)
    return changed._replace(notes=notes, names_outputs=True)


def _check_indices(
    found: Uses, to: Snapshot, outputs: Sequence[str], inputs: Mapping[int, str]
) -> bool:
    """Whether the program knows inputs or outputs by their indices. Raises UnsupportedModule where
    hosts of the version need names that are not known."""
    sets, gets = (_calls(found, f"inference#{name}") for name in ("set-input", "get-output"))
    for offset, known, code, what in (
        (sets, inputs, "NN354", "inputs are not known; give them (--input-name 0=NAME, or --model"),
        (
            None if to is OCTOBER else gets,
            outputs,
            "NN366",
            "outputs are not known; give them (--output-name 0=NAME, or --model",
        ),
    ):
        if offset is not None and not known:
            missing, _, give = what.partition("; ")
            reason = f"the program knows inputs and outputs by index, and the names of {missing}"
            raise UnsupportedModule(reason, offset, code, f"{give} FILE)")
    return sets is not None or gets is not None


def _calls(found: Uses, function: str) -> int | None:
    """Where a function of a form with indices is lowered, here or inside; None if it is not."""
    if found.snapshot in WITH_INDICES:
        for site in found.sites:
            if site.use.export == function:
                return site.start
    for each in found.inside:
        inner = _calls(each.uses, function)
        if inner is not None:
            return each.part.start + inner
    return None


def _names_note(inputs: Mapping[int, str], outputs: Sequence[str]) -> Diagnostic:
    told = ", ".join(indexed_names(inputs))
    known = f"inputs {told}; " * bool(inputs) + f"outputs {', '.join(outputs)}; " * bool(outputs)
    message = f"indices become names: {known}any other becomes its decimal digits"
    return Diagnostic("NN375", message)


def _changed(component: Component, found: Uses, to: Snapshot, outputs: Sequence[str]) -> Changed:
    change = _Change(component, found, to, outputs)
    writer = _Shimming(change) if change.pieces else Writer(component, {}, change.edits())
    return Changed(writer.written(), tuple(change.notes()), NAMED in change.pieces)


class _Change:
    """What has to change."""

    def __init__(
        self, component: Component, found: Uses, to: Snapshot, outputs: Sequence[str]
    ) -> None:
        self.component = component
        self.found = found
        self.to = to
        self.outputs = outputs
        functions = _imported_functions(component, found)
        steps = (found.snapshot is OCTOBER) != (to is OCTOBER) and bool(functions.get("inference"))
        makes_errors = to is not JUNE and _CONSTRUCTOR in functions.get("errors", ())
        self.pieces: list[Piece] = []
        self.retyped: set[str] = set()
        if steps:
            self.pieces.append(STEPS if to is OCTOBER else NAMED)
            self.retyped |= {"tensor", "errors", "inference"}
        if makes_errors or (steps and to is OCTOBER):
            self.pieces.append(ERRORS)
            self.retyped.add("errors")
        self._check()

    @property
    def replaced(self) -> set[str]:
        """The names of the functions that the shim has."""
        return {name for piece in self.pieces for name in piece.replaced}

    def _check(self) -> None:
        used = {name: use for name, use in self.found.functions.items() if name in self.replaced}
        what = ", ".join(used) or f"{PACKAGE}/inference"
        needed = {
            call.interface
            for piece in self.pieces
            for call in (*piece.early_calls.values(), *piece.late_calls.values())
        }
        for interface in sorted((needed | self.retyped) - self.found.imports.keys()):
            raise self._impossible(
                f"{what} cannot be made of {self.to}: the component does not import "
                f"{PACKAGE}/{interface}"
            )
        takes_pointers = not all(use.early for use in used.values())
        if STEPS in self.pieces and takes_pointers and _INIT not in used:
            raise self._impossible(
                f"{what} cannot be made of {self.to}: the component does not call "
                "init-execution-context"
            )
        if NAMED in self.pieces and not self.outputs:
            raise UnsupportedModule(
                f"inference#compute cannot be made of {self.to}: the names of the model's outputs "
                "are not known",
                self.found.imports["inference"].name.start,
                "NN366",
                "give the names of the outputs (--output-name 0=NAME, or --model FILE)",
            )
        for alias in self.found.aliases:
            if alias.sort != "type" or alias.interface not in self.retyped:
                continue
            name = alias.name.text
            if name not in EXPORTED_TYPES[alias.interface]:
                raise self._impossible(
                    f"the type {name} of {PACKAGE}/{alias.interface} does not exist in {self.to}"
                )

    def _impossible(self, reason: str) -> UnsupportedModule:
        offset = next(iter(self.found.imports.values())).name.start
        return UnsupportedModule(reason, offset, "NN365", "build the program for that version")

    def new_name(self, interface: str) -> str:
        return f"{PACKAGE}/{interface}@{self.to.version}"

    def edits(self) -> Iterator[Edit]:
        """Other names for imports whose types stay, and for aliases of functions that no longer
        exist: these become another function, which is not lowered."""
        for interface, item in self.found.imports.items():
            if interface not in self.retyped:
                name = item.name
                yield Edit(name.start, name.end, renamed(name, self.new_name(interface)))
        for alias in self.found.aliases:
            exist = self.to.functions[alias.interface]
            if alias.sort == "func" and alias.name.text not in exist:
                new = renamed(alias.name, min(exist))
                yield Edit(alias.name.start, alias.name.end, new)

    def notes(self) -> Iterator[Diagnostic]:
        if STEPS in self.pieces:
            yield Diagnostic(
                "NN367",
                "of a model with one output, get-output returns that one for any name; with "
                "several, the name has to be the host's",
            )
            yield Diagnostic(
                "NN368", "set-input does not report a wrong name, type or shape, but compute does"
            )
        if NAMED in self.pieces:
            names = ", ".join(self.outputs)
            yield Diagnostic(
                "NN369", f"compute returns {names}, and inputs that are left out stay set"
            )


def _imported_functions(component: Component, found: Uses) -> Mapping[str, set[str]]:
    """The functions in the types of the imports, used or not."""
    indices: Mapping[int | None, str] = {
        item.type_index: interface for interface, item in found.imports.items()
    }
    return {
        indices[index]: {each.name.text for each in exports if each.sort == "func"}
        for index, exports in component.instance_types(indices.keys())
    }


class _Shimming(Shimming):
    def __init__(self, change: _Change) -> None:
        self.change = change
        found = change.found
        self.shim = make_shim(change.pieces, change.outputs if NAMED in change.pieces else ())
        interfaces = {"inference"} if change.pieces == [NAMED] else set()
        if ERRORS in change.pieces:
            interfaces.add("errors")
        if STEPS in change.pieces:
            interfaces |= {"inference", "graph"}
        retyped = {found.imports[each].start: self._import(each) for each in sorted(change.retyped)}
        super().__init__(
            change.component,
            found,
            self.shim.early,
            self.shim.late,
            interfaces,
            change.replaced,
            retyped,
            change.edits(),
        )

    def changed(self, inside: Inside) -> bytes:
        change = self.change
        return _changed(inside.component, inside.uses, change.to, change.outputs).data

    def argument(self, name: str) -> str:
        package, _, interface = name.partition("@")[0].partition("/")
        return self.change.new_name(interface) if package == PACKAGE else name

    def _import(self, interface: str) -> Callable[[], None]:
        """Imports an interface with all functions of its new version."""

        def put() -> None:
            kind = self.writer.add(SectionKind.TYPE, "type", self._type(interface))
            item = encoding.import_instance(self.change.new_name(interface), kind)
            self.writer.put(SectionKind.IMPORT, item)

        return put

    def _type(self, interface: str) -> bytes:
        if interface == "tensor":
            return tensor_type()
        if interface == "errors":
            return errors_type(self.change.to)
        return inference_type(self.change.to, self.resource("tensor"), self.resource("errors"))

    def imported(self, interface: str) -> int:
        """The index of an import. Raises UnsupportedModule if it is not there yet."""
        item = self.change.found.imports[interface]
        if item.instance >= self.writer.counts["instance"]:
            raise UnsupportedModule(
                f"{PACKAGE}/{interface} is imported behind what needs it",
                item.name.start,
                "NN365",
                "build the component with wit-component",
            )
        return self.writer.new("instance", item.instance)

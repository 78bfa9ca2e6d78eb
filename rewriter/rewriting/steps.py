"""The steps of a rewrite, each on one module in memory or mapped: plan, validate, make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from rewriter.diagnostics import Diagnostic
from rewriter.errors import (
    InvalidModule,
    InvalidResult,
    MalformedModule,
    ModuleError,
    UnsupportedModule,
    UsageError,
)
from rewriter.files import wasm_tools
from rewriter.files.input import Source
from rewriter.files.pieces import assemble, sha256
from rewriter.files.place import Pieces
from rewriter.options import COMPONENT, RewriteOptions
from rewriter.rewriting.plan import make_plan
from rewriter.rewriting.values import Plan
from rewriter.wasm.module import Module
from rewriter.wasm.sections import COMPONENT as COMPONENT_HEADER

if TYPE_CHECKING:
    from rewriter.components.component import Component
    from rewriter.rewriting.making.make import Made

__all__ = ["Done", "Planned", "make", "output_check", "plan", "validate_input"]


class Planned(NamedTuple):
    """What is to become of `original`. `source` is the core module that is rewritten, where the
    original is a component that becomes one, and the original otherwise; `flattened` says what was
    lost by that, None if nothing was. The options are meant for the source."""

    original: Source
    source: Source
    options: RewriteOptions
    plan: Plan
    flattened: tuple[Diagnostic, ...] | None


class Done(NamedTuple):
    """What has become of it. `made` is the component that the core module became, if it did. The
    output's pieces have ranges of `planned.source`."""

    planned: Planned
    made: Made | None

    @property
    def changed(self) -> bool:
        """Whether the output differs from the original."""
        planned = self.planned
        return bool(planned.plan.edits) or planned.flattened is not None or self.made is not None

    @property
    def pieces(self) -> Pieces:
        return self.planned.plan.pieces if self.made is None else (self.made.data,)


def plan(original: Source, options: RewriteOptions, module: Module | None = None) -> Planned:
    """Read it, and decide what changes. `module` is the original where that was parsed before.

    Raises HostMismatch, NothingToRename, ModuleError, UsageError, InputError and ModelError as
    `rewrite` does.
    """
    options = _meant(original, options)
    source, flattened = _core(original, options)
    made = _plan(source, module, _of_core(options, flattened), original)
    return Planned(original, source, options, made, flattened)


def make(planned: Planned) -> Done:
    """The output. Raises ModuleError, DependencyMissing, InputError and ModelError where that is a
    component that cannot be made."""
    if not planned.options.makes_component:
        return Done(planned, None)
    return Done(planned, _make(planned.source, planned.plan, planned.options))


def _meant(original: Source, options: RewriteOptions) -> RewriteOptions:
    """The options, where wasi:nn and the version that components are made with mean the same for a
    core module."""
    if options.is_of_components and not _is_component(original):
        from rewriter.abi.snapshots import OCTOBER  # renames of core modules start without it

        if options.to == OCTOBER.name:
            return replace(options, to=COMPONENT)
    return options


def _make(source: Source, plan: Plan, options: RewriteOptions) -> Made:
    """The component. Errors about the module include the name of the source."""
    from rewriter.rewriting.making.make import make_component
    from rewriter.rewriting.making.names import read_adapter, read_names

    wasi = read_adapter(options.wasi_adapter)
    names = read_names(options)
    try:
        core = Module(assemble(source, plan.pieces), source.name)
        return make_component(core, names, wasi)
    except ModuleError as error:
        raise error.of(source.name) from error


def _core(source: Source, options: RewriteOptions) -> tuple[Source, tuple[Diagnostic, ...] | None]:
    """The core module that a component becomes, and what it loses by that. Any other source, and a
    component that stays one, is given back, with None.

    Raises UnsupportedModule for a component that cannot become a core module, or if the options do
    not say what it has to become, and MalformedModule for one that cannot be read.
    """
    if not _is_component(source):
        _refuse_names(source, options)
        return source, None
    if options.makes_component:
        raise UnsupportedModule(
            f"{source.name}: this is a component already",
            4,
            "NN105",
            "pass a core module; --to wasi:nn@VERSION and --for HOST change a component's version",
        )
    try:
        from rewriter.components.component import Component  # modules are rewritten without it
        from rewriter.rewriting.flattening.flatten import flatten
        from rewriter.rewriting.making.names import read_all_names

        component = Component(source.data, source.name)
        if _stays_component(component, options):
            return source, None
        done = flatten(component, read_all_names(options))
    except (MalformedModule, UnsupportedModule) as error:
        raise error.of(source.name) from error
    notes = (note for note in done.notes if note.code != "NN311" or not options.drop_debug)
    return Source(source.name, done.data, status=source.status), tuple(notes)


def _refuse_names(source: Source, options: RewriteOptions) -> None:
    """Raises UsageError for names of inputs and outputs, or models, that have no effect."""
    if options.makes_component or options.is_of_components:
        return  # a core module for another version is refused later, with the reason
    if options.inputs or options.outputs or options.models:
        raise UsageError(
            "names of inputs and outputs (--input-name, --output-name, --model) have no effect: "
            f"{source.name} stays a core module; --to wasi:nn makes a component of it"
        )


def _of_core(options: RewriteOptions, flattened: object) -> RewriteOptions:
    """The options for the core module: one that was a component, or becomes one, has changed."""
    if flattened is None and not options.makes_component:
        return options
    return replace(options, require=False)


def _is_component(source: Source) -> bool:
    return bytes(source.data[: len(COMPONENT_HEADER)]) == COMPONENT_HEADER


def _stays_component(component: Component, options: RewriteOptions) -> bool:
    """Whether the options ask for a component. Raises UnsupportedModule if they do not say what
    for."""
    if options.host is not None:
        from rewriter.analysis.components.described import describe_component
        from rewriter.hosts.table import find_host
        from rewriter.rewriting.flattening.on_host import stays_component

        return stays_component(describe_component(component), find_host(options.host))
    if options.to is None and options.abi is None and not options.renames:
        raise UnsupportedModule(
            "this is a component, and the options do not say what it has to become",
            4,
            "NN105",
            "name a host (--for HOST), the module name of a core module (--to wasi_ephemeral_nn), "
            "another version (--to wasi:nn@0.2.0-rc-2024-10-28), or an import (--rename OLD=NEW)",
        )
    return options.is_of_components or (options.to is None and options.abi is None)


def _plan(source: Source, module: Module | None, options: RewriteOptions, original: Source) -> Plan:
    """Make the plan. A record describes the original: the source, or the component that it was.
    Errors about the module include the name of the source."""
    entry = None
    if options.record:
        from rewriter.rewriting.provenance import new_entry

        entry = new_entry(options.operation, sha256(original, (range(len(original.data)),)))
    try:
        if _is_component(source):
            from rewriter.components.component import Component
            from rewriter.rewriting.versions.rename import plan_component

            return plan_component(Component(source.data, source.name), options, entry)
        if options.is_of_components:
            raise UsageError(
                f"{source.name} is a core module, and {options.to} is for components: make one "
                f"with --to {COMPONENT} first, then rewrite that to this version"
            )
        module = module or Module(source.data, source.name)
        return make_plan(module, options, entry, changed=source is not original)
    except MalformedModule as error:
        remedy = error.remedy or "build the module or fetch it again"
        reason = f"{source.name}: {error.reason}"
        raise MalformedModule(reason, error.offset, error.code, remedy) from error
    except UnsupportedModule as error:
        raise error.of(source.name) from error


def validate_input(source: Source) -> None:
    """Raises InvalidModule, which names the file."""
    try:
        wasm_tools.validate(source.for_validation)
    except InvalidModule as error:
        remedy = "build the module again, or rewrite it without validation"
        reason = f"{source.name} is not valid: {error.reason}"
        raise InvalidModule(reason, error.offset, error.code, remedy) from error


def output_check(planned: Planned) -> Callable[[bytes | str], None]:
    """What validates the output. The names that a user gives to a component's imports can be wrong
    together, although each can be a name."""
    source, options = planned.source, planned.options
    if not (options.renames and _is_component(source)):
        return _validate_output

    def check(component: bytes | str) -> None:
        try:
            wasm_tools.validate(component)
        except InvalidModule as error:
            raise UsageError(
                f"renames (--rename): with these names, {source.name} is not a valid component; "
                f"nothing was written: {error}"
            ) from error

    return check


def _validate_output(module: bytes | str) -> None:
    try:
        wasm_tools.validate(module)
    except InvalidModule as error:
        raise InvalidResult(
            "the input is valid, but the result of the rewrite is not. This is a bug in nnshim;"
            f" nothing was written: {error}"
        ) from error

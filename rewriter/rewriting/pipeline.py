"""A rewrite from end to end: read, plan, validate, write."""

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
from rewriter.files.input import Source, open_source
from rewriter.files.pieces import assemble, sha256
from rewriter.files.place import File, Place
from rewriter.options import COMPONENT, RewriteOptions
from rewriter.rewriting.plan import make_plan
from rewriter.rewriting.values import Plan
from rewriter.wasm.module import Module, check_bytes
from rewriter.wasm.sections import COMPONENT as COMPONENT_HEADER

if TYPE_CHECKING:
    from rewriter.rewriting.making.make import Made

__all__ = ["Result", "rewrite", "rewrite_file", "rewrite_source"]


class Result(NamedTuple):
    """What `rewrite_file` did. The SHA-256 digests are hexadecimal, or None if not requested.
    `flattened` says what a component lost when it became a core module, None for a core module."""

    plan: Plan
    written: bool
    input_sha256: str | None = None
    output_sha256: str | None = None
    flattened: tuple[Diagnostic, ...] | None = None
    input_size: int | None = None
    """In bytes, that of the component if there was one."""
    made: Made | None = None
    """The component that the core module became."""
    assembled: bool = False
    """Whether the input was text: its digest and size are those of the module assembled from it."""

    @property
    def changed(self) -> bool:
        """Whether the output differs from the input."""
        return bool(self.plan.edits) or self.flattened is not None or self.made is not None

    @property
    def output_size(self) -> int:
        """Of the output, in bytes."""
        return self.plan.output_size if self.made is None else len(self.made.data)

    @property
    def notes(self) -> tuple[Diagnostic, ...]:
        """What was lost or guessed, and what has become outdated."""
        made = () if self.made is None else self.made.notes
        return (*(self.flattened or ()), *self.plan.notes, *made)

    @property
    def cannot_run(self) -> bool:
        """Whether the host cannot run the result, for a reason that no rewrite can solve. If the
        host stands for several releases, this is about the newest."""
        return any(note.code == "NN312" for note in self.notes)


_DEFAULTS = RewriteOptions()


def rewrite(data: bytes | Module, options: RewriteOptions = _DEFAULTS) -> bytes:
    """Make a core module or a component fit another host. Takes and returns the bytes of a .wasm
    file. A component that was made from a core module becomes one again, for `to`, `abi` or `host`
    in the options that mean core modules. Otherwise it stays a component, and the names of its
    imports change. A core module becomes a component, for `to` wasi:nn.

    Returns the input if nothing has to change.

    It raises:

    - HostMismatch if no rewrite makes the module or component fit
    - NothingToRename if nothing has to change and `options.require` is set
    - ModuleError (MalformedModule, UnsupportedModule, InvalidModule) if the module cannot be
      rewritten
    - UsageError if `data` is not bytes, or if the options give wasi-nn's imports another name than
      the host or ABI does
    - DependencyMissing if the module is to be validated and wasm-tools is not installed, or an
      adapter for WASI is missing for a component
    - InputError and ModelError for the files in the options
    """
    module = data if isinstance(data, Module) else None
    check_bytes(data if module is None else module.data)
    given = bytes(data.data if isinstance(data, Module) else data)
    original = Source(module.name if module else "<bytes>", given)
    options = _meant(original, options)
    source, flattened = _core(original, options)
    plan = _plan(source, module, _of_core(options, flattened), original)
    if options.validate:
        _validate_input(original)
    if options.makes_component:
        rewritten = _make(source, plan, options).data
    elif not plan.edits and flattened is None:
        return given
    else:
        rewritten = assemble(source, plan.pieces)
    if options.validate:
        _output_check(source, options)(rewritten)
    return rewritten


def rewrite_file(
    source_path: str,
    output_path: str | None,
    options: RewriteOptions = _DEFAULTS,
    *,
    digests: bool = False,
) -> Result:
    """Like `rewrite`, from file to file.

    The module is not read into memory. Memory holds only the changes and, if there is something to
    adapt, the positions of types and functions and the data for following constants.

    `-` is standard input or output. Text input is assembled first. Both paths may be the same file,
    which is not touched if there is nothing to change. If `output_path` is None, the plan is made
    and the input validated, but nothing is written.

    Raises what `rewrite` raises, InputError and OutputError. Nothing at `output_path` changes
    before the output is complete and validated.
    """
    place = None if output_path is None else File(output_path)
    with open_source(source_path) as original:
        return rewrite_source(original, place, options, digests=digests)


def rewrite_source(
    original: Source, place: Place | None, options: RewriteOptions, *, digests: bool
) -> Result:
    """Like `rewrite_file`, from bytes to any place that an output can have."""
    if place is not None:
        place.check(original)
    options = _meant(original, options)
    source, flattened = _core(original, options)
    plan = _plan(source, None, _of_core(options, flattened), original)
    if options.validate:
        _validate_input(original)
    made = _make(source, plan, options) if options.makes_component else None
    pieces = plan.pieces if made is None else (made.data,)
    changed = bool(plan.edits) or flattened is not None or made is not None
    input_sha256 = output_sha256 = None
    if digests:
        input_sha256 = sha256(original, (range(len(original.data)),))
        output_sha256 = sha256(source, pieces) if changed else input_sha256
    written = False
    if place is not None and (changed or not place.holds(original)):
        check = _output_check(source, options) if options.validate and changed else None
        place.write(source, pieces, check or (lambda _: None))
        written = True
    size, text = len(original.data), original.is_text
    return Result(plan, written, input_sha256, output_sha256, flattened, size, made, text)


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
        if _stays_component(options):
            return source, None
        from rewriter.components.component import Component  # modules are rewritten without it
        from rewriter.rewriting.flattening.flatten import flatten
        from rewriter.rewriting.making.names import read_all_names

        done = flatten(Component(source.data, source.name), read_all_names(options))
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


def _stays_component(options: RewriteOptions) -> bool:
    """Whether the options ask for a component. Raises UnsupportedModule if they do not say what
    for."""
    if options.host is not None:
        from rewriter.hosts.table import find_host

        return find_host(options.host).components is not None
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


def _validate_input(source: Source) -> None:
    try:
        wasm_tools.validate(source.for_validation)
    except InvalidModule as error:
        remedy = "build the module again, or rewrite it without validation"
        reason = f"{source.name} is not valid: {error.reason}"
        raise InvalidModule(reason, error.offset, error.code, remedy) from error


def _output_check(source: Source, options: RewriteOptions) -> Callable[[bytes | str], None]:
    """What validates the output. The names that a user gives to a component's imports can be wrong
    together, although each can be a name."""
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

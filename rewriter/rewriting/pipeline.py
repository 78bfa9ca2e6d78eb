"""A rewrite from end to end: read, plan, validate, write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from rewriter.abi.dialects import WASI_NN, find_dialect
from rewriter.abi.hosts import find_host
from rewriter.diagnostics import Diagnostic
from rewriter.errors import (
    HostMismatch,
    InvalidModule,
    InvalidResult,
    MalformedModule,
    NothingToRename,
    UnsupportedModule,
)
from rewriter.files import output, wasm_tools
from rewriter.files.input import Source, open_source
from rewriter.files.pieces import assemble, sha256
from rewriter.options import RewriteOptions
from rewriter.rewriting.plan import make_plan
from rewriter.rewriting.values import Plan
from rewriter.wasm.module import Module

if TYPE_CHECKING:
    from rewriter.adapters.adapter import Adapter
    from rewriter.analysis.inspect import ModuleInfo

__all__ = ["Result", "rewrite", "rewrite_file"]


@dataclass(frozen=True)
class Result:
    """What `rewrite_file` did. `notes` say what was guessed, and what no longer holds.
    The SHA-256 digests are hexadecimal, None unless asked for."""

    plan: Plan
    written: bool
    notes: tuple[Diagnostic, ...] = ()
    input_sha256: str | None = None
    output_sha256: str | None = None


_DEFAULTS = RewriteOptions()


def rewrite(data: bytes | Module, options: RewriteOptions = _DEFAULTS) -> bytes:
    """Make a core module fit another host; the bytes of a .wasm in, the same out.

    Where nothing has to change, the input comes back. Raises HostMismatch where no rewrite makes
    the module fit, NothingToRename if that is an error by the options, ModuleError
    (MalformedModule, UnsupportedModule, InvalidModule), UsageError where the options have another
    name for wasi-nn's imports than the host or ABI, and DependencyMissing where it is to be
    validated and wasm-tools is not installed.
    """
    given = bytes(data.data if isinstance(data, Module) else data)
    source = Source("<bytes>", given)
    plan, _ = _plan(source, data if isinstance(data, Module) else None, options)
    if options.validate:
        _validate_input(source)
    if not plan.edits:
        return given
    rewritten = assemble(source, plan.pieces)
    if options.validate:
        _validate_output(rewritten)
    return rewritten


def rewrite_file(
    source_path: str,
    output_path: str | None,
    options: RewriteOptions = _DEFAULTS,
    *,
    digests: bool = False,
) -> Result:
    """`rewrite` from file to file, holding in memory no more than the changes, and where types
    and functions stand if there is something to adapt.

    `-` is standard input or output; text input is assembled first; both paths may be the same
    file, which is then left untouched if there is nothing to change. With `output_path` None the
    plan is made and the input validated, and nothing is written.

    Raises what `rewrite` raises, InputError and OutputError; before the output is whole and
    validated, nothing at `output_path` changes.
    """
    with open_source(source_path) as source:
        if output_path is not None:
            output.check_path(source, output_path)
        plan, notes = _plan(source, None, options)
        if options.validate:
            _validate_input(source)
        input_sha256 = output_sha256 = None
        if digests:
            input_sha256 = sha256(source, (range(len(source.data)),))
            output_sha256 = sha256(source, plan.pieces) if plan.edits else input_sha256
        written = False
        if output_path is not None and (plan.edits or not output.is_same_file(source, output_path)):
            _write(source, plan, output_path, options.validate and bool(plan.edits))
            written = True
    return Result(plan, written, notes, input_sha256, output_sha256)


def _plan(
    source: Source, module: Module | None, options: RewriteOptions
) -> tuple[Plan, tuple[Diagnostic, ...]]:
    """The plan, and notes on it."""
    record = None
    if options.record:
        from rewriter.rewriting.provenance import new_entry

        record = new_entry(options.operation, sha256(source, (range(len(source.data)),)))
    try:
        module = module or Module(source.data)
        aim = _fitting(source.name, module, options) if options.adapts else _renaming(options)
        plan = make_plan(
            module,
            aim.mapping,
            aim.info,
            aim.adapters,
            drop_debug=options.drop_debug,
            drop_signature=options.drop_signature,
            keep_offsets=options.keep_offsets,
            record=record,
        )
    except MalformedModule as error:
        remedy = "build the module or fetch it again"
        reason = f"{source.name}: {error.reason}"
        raise MalformedModule(reason, error.offset, error.code, remedy) from error
    except UnsupportedModule as error:
        raise error.of(source.name) from error
    if options.require and not plan.edits:
        raise NothingToRename(f"there is nothing to change in {source.name}")
    if not plan.outdated:
        return plan, aim.notes
    remedy = "--drop-debug removes them"
    if not plan.adapting.adapted:
        remedy += ", --keep-offsets leaves the code where it was"
    names = ", ".join(plan.outdated)
    message = f"code has moved, so these no longer match: {names}"
    return plan, (*aim.notes, Diagnostic("NN311", message, help=remedy))


class _Aim(NamedTuple):
    """The names that change, and the adapters that are wanted, chosen by what is in the module."""

    mapping: Mapping[str, str]
    info: ModuleInfo | None = None
    adapters: Mapping[int, Adapter | None] | None = None
    notes: tuple[Diagnostic, ...] = ()


def _renaming(options: RewriteOptions) -> _Aim:
    to = options.to or (None if options.renames else WASI_NN)
    return _Aim(options.module_names(to))


def _fitting(name: str, module: Module, options: RewriteOptions) -> _Aim:
    from rewriter.analysis.fitting import fit  # what only renames starts without them
    from rewriter.analysis.inspect import inspect_module

    info = inspect_module(module, options.guest_abi)
    guest = find_host(options.built_for) if options.built_for is not None else None
    if options.host is not None:
        host = find_host(options.host)
        dialects, names, tells_numbers = host.dialects, host.modules, host.tells_numbers
        where = f"run on {host.name}"
    else:
        dialect = find_dialect(options.abi or "")
        names = (options.to or dialect.layout.module,)
        dialects, tells_numbers = (dialect,), False
        where = f"be made to have the {dialect.name} ABI"
    found = fit(info, dialects, guest, tells_numbers=tells_numbers)
    if found.obstacles:
        raise HostMismatch(f"{name} cannot {where}", found.obstacles)
    to = None if all(module in names for module in info.abis) else names[0]
    return _Aim(options.module_names(to), info, found.adapters, found.caveats)


def _write(source: Source, plan: Plan, path: str, validate: bool) -> None:
    if path != "-":
        check = _validate_output if validate else lambda _: None
        output.write_atomic(path, source, plan.pieces, check)
        return
    rewritten = assemble(source, plan.pieces)
    if validate:
        _validate_output(rewritten)
    output.write_to_stdout(rewritten)


def _validate_input(source: Source) -> None:
    try:
        wasm_tools.validate(source.for_validation)
    except InvalidModule as error:
        remedy = "build the module again, or rename in it as it is without validation"
        reason = f"{source.name} is not valid: {error.reason}"
        raise InvalidModule(reason, error.offset, error.code, remedy) from error


def _validate_output(module: bytes | str) -> None:
    try:
        wasm_tools.validate(module)
    except InvalidModule as error:
        raise InvalidResult(
            "the input is valid but its rewritten form is not, which is a fault in nnshim;"
            f" nothing was written: {error}"
        ) from error

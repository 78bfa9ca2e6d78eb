"""A rewrite from end to end: read, plan, validate, write."""

from __future__ import annotations

from typing import NamedTuple

from rewriter.diagnostics import Diagnostic
from rewriter.errors import (
    InvalidModule,
    InvalidResult,
    MalformedModule,
    UnsupportedModule,
)
from rewriter.files import output, wasm_tools
from rewriter.files.input import Source, open_source
from rewriter.files.pieces import assemble, sha256
from rewriter.options import RewriteOptions
from rewriter.rewriting.plan import make_plan
from rewriter.rewriting.values import Plan
from rewriter.wasm.module import Module, check_bytes

__all__ = ["Result", "rewrite", "rewrite_file"]


class Result(NamedTuple):
    """What `rewrite_file` did. The SHA-256 digests are hexadecimal, None unless asked for."""

    plan: Plan
    written: bool
    input_sha256: str | None = None
    output_sha256: str | None = None

    @property
    def notes(self) -> tuple[Diagnostic, ...]:
        """What was guessed, and what no longer holds."""
        return self.plan.notes

    @property
    def cannot_run(self) -> bool:
        """Whether the host that it is for, the newest release if several were named, cannot run it
        all the same: something that no rewrite mends is in the way."""
        return any(note.code == "NN312" for note in self.notes)


_DEFAULTS = RewriteOptions()


def rewrite(data: bytes | Module, options: RewriteOptions = _DEFAULTS) -> bytes:
    """Make a core module fit another host; the bytes of a .wasm in, the same out.

    Where nothing has to change, the input comes back. Raises HostMismatch where no rewrite makes
    the module fit, NothingToRename if that is an error by the options, ModuleError
    (MalformedModule, UnsupportedModule, InvalidModule), UsageError where the options have another
    name for wasi-nn's imports than the host or ABI, and DependencyMissing where it is to be
    validated and wasm-tools is not installed; UsageError also for what is not bytes.
    """
    module = data if isinstance(data, Module) else None
    check_bytes(data if module is None else module.data)
    given = bytes(data.data if isinstance(data, Module) else data)
    source = Source(module.name if module else "<bytes>", given)
    plan = _plan(source, module, options)
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
    and functions stand if there is something to adapt, and what constants are followed with.

    `-` is standard input or output; text input is assembled first; both paths may be the same
    file, which is then left untouched if there is nothing to change. With `output_path` None the
    plan is made and the input validated, and nothing is written.

    Raises what `rewrite` raises, InputError and OutputError; before the output is whole and
    validated, nothing at `output_path` changes.
    """
    with open_source(source_path) as source:
        if output_path is not None:
            output.check_path(source, output_path)
        plan = _plan(source, None, options)
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
    return Result(plan, written, input_sha256, output_sha256)


def _plan(source: Source, module: Module | None, options: RewriteOptions) -> Plan:
    """The errors about the module name the source."""
    entry = None
    if options.record:
        from rewriter.rewriting.provenance import new_entry

        entry = new_entry(options.operation, sha256(source, (range(len(source.data)),)))
    try:
        return make_plan(module or Module(source.data, source.name), options, entry)
    except MalformedModule as error:
        remedy = error.remedy or "build the module or fetch it again"
        reason = f"{source.name}: {error.reason}"
        raise MalformedModule(reason, error.offset, error.code, remedy) from error
    except UnsupportedModule as error:
        raise error.of(source.name) from error


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
            "the input is valid but its rewritten form is not, which is a bug in nnshim;"
            f" nothing was written: {error}"
        ) from error

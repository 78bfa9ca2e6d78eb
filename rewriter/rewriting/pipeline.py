"""A rewrite from end to end: read, plan, validate, write."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rewriter.diagnostics import Diagnostic
from rewriter.files.input import Source, open_source
from rewriter.files.pieces import assemble, sha256
from rewriter.files.place import File, Place
from rewriter.options import RewriteOptions
from rewriter.rewriting.steps import Done, make, output_check, plan, validate_input
from rewriter.rewriting.values import Plan
from rewriter.wasm.module import Module, check_bytes

if TYPE_CHECKING:
    from rewriter.rewriting.making.make import Made

__all__ = ["Result", "result_of", "rewrite", "rewrite_file", "rewrite_source"]


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
    planned = plan(original, options, module)
    if options.validate:
        validate_input(original)
    done = make(planned)
    if not done.changed:
        return given
    rewritten = assemble(planned.source, done.pieces)
    if options.validate:
        output_check(planned)(rewritten)
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
    planned = plan(original, options)
    if options.validate:
        validate_input(original)
    done = make(planned)
    result = result_of(done, digests=digests)
    if place is None or (not done.changed and place.holds(original)):
        return result
    validates = options.validate and done.changed
    place.write(planned.source, done.pieces, output_check(planned) if validates else lambda _: None)
    return result._replace(written=True)


def result_of(done: Done, *, digests: bool) -> Result:
    """The result, as long as it is not written."""
    original, source, _, made, flattened = done.planned
    input_sha256 = output_sha256 = None
    if digests:
        input_sha256 = sha256(original, (range(len(original.data)),))
        output_sha256 = sha256(source, done.pieces) if done.changed else input_sha256
    size, text = len(original.data), original.is_text
    return Result(made, False, input_sha256, output_sha256, flattened, size, done.made, text)

"""A rewrite from end to end: read, plan, validate, write."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rewriter import output, wasm_tools
from rewriter.dialects import WASI_NN
from rewriter.errors import (
    InvalidModule,
    MalformedModule,
    NNShimError,
    NothingToRename,
    OutputError,
    UnsupportedModule,
    UsageError,
)
from rewriter.plan import Plan, make_plan, rename_map
from rewriter.source import Source, open_source

__all__ = ["Result", "rewrite", "rewrite_file"]

_CHUNK = 1 << 20
"""Bytes hashed at a time."""


@dataclass(frozen=True)
class Result:
    """What `rewrite_file` did. The SHA-256 digests are hexadecimal, None unless asked for."""

    plan: Plan
    written: bool
    input_sha256: str | None = None
    output_sha256: str | None = None


def rewrite(
    data: bytes,
    *,
    to: str | None = WASI_NN,
    renames: Mapping[str, str] | None = None,
    require: bool = False,
    validate: bool = True,
) -> bytes:
    """Rename the import modules of a core module; the bytes of a .wasm in, the same out.

    `to` is the wasi-nn name that the other one becomes, None for neither; `renames` maps further
    old names to new ones, all at once. Only the import section and its size field change. Where
    no import has such a name, the input comes back, or NothingToRename is raised if `require`.

    Raises ModuleError (MalformedModule, UnsupportedModule, InvalidModule), UsageError for names
    that cannot be, and ToolMissing where `validate` is true and wasm-tools is not installed.
    """
    source = Source("<bytes>", bytes(data))
    plan = _plan(source, rename_map(to, renames), require)
    if validate:
        _validate_input(source)
    if not plan.renames:
        return data
    rewritten = _assemble(source, plan)
    if validate:
        _validate_output(rewritten)
    return rewritten


def rewrite_file(
    source_path: str,
    output_path: str | None,
    *,
    to: str | None = WASI_NN,
    renames: Mapping[str, str] | None = None,
    require: bool = False,
    validate: bool = True,
    digests: bool = False,
) -> Result:
    """`rewrite` from file to file, holding no more than the import section in memory.

    `-` is standard input or output; text input is assembled first; both paths may be the same
    file, which is then left untouched if there is nothing to rename. With `output_path` None the
    plan is made and the input validated, and nothing is written.

    Raises what `rewrite` raises, InputError and OutputError; before the output is whole and
    validated, nothing at `output_path` changes.
    """
    mapping = rename_map(to, renames)
    with open_source(source_path) as source:
        if output_path is not None:
            _check_output_path(source, output_path)
        plan = _plan(source, mapping, require)
        if validate:
            _validate_input(source)
        input_sha256 = output_sha256 = None
        if digests:
            input_sha256 = _sha256(source, (range(len(source.data)),))
            output_sha256 = _sha256(source, plan.pieces) if plan.renames else input_sha256
        written = output_path is not None and (
            bool(plan.renames) or not output.is_same_file(source, output_path)
        )
        if written and output_path is not None:
            _write(source, plan, output_path, validate)
    return Result(plan, written, input_sha256, output_sha256)


def _plan(source: Source, mapping: Mapping[str, str], require: bool) -> Plan:
    try:
        plan = make_plan(source.data, mapping)
    except MalformedModule as error:
        reason = f"{source.name}: {error.reason}; build the module or fetch it again"
        raise MalformedModule(reason, error.offset) from error
    except UnsupportedModule as error:
        raise UnsupportedModule(f"{source.name}: {error.reason}", error.offset) from error
    if require and not plan.renames:
        raise NothingToRename(
            f"{source.name} imports nothing from {' or '.join(mapping)}: there is nothing to rename"
        )
    return plan


def _check_output_path(source: Source, path: str) -> None:
    if path.endswith(".wat"):
        raise UsageError(
            f"{path}: the output is binary; to see it as text, run `wasm-tools print` on it"
        )
    if path == "-" and sys.stdout.isatty():
        raise UsageError("the output is binary and standard output is a terminal; redirect it")
    if source.is_text and os.path.realpath(path) == os.path.realpath(source.name):
        raise UsageError(f"{path} is text, and a binary would replace it")


def _write(source: Source, plan: Plan, path: str, validate: bool) -> None:
    if path != "-":
        check = _validate_output if validate and plan.renames else lambda _: None
        output.write_atomic(path, source, plan.pieces, check)
        return
    rewritten = _assemble(source, plan)
    if validate and plan.renames:
        _validate_output(rewritten)
    try:
        sys.stdout.buffer.write(rewritten)
        sys.stdout.buffer.flush()
    except OSError as error:
        raise OutputError(f"cannot write to standard output: {error.strerror}") from error


def _assemble(source: Source, plan: Plan) -> bytes:
    with memoryview(source.data) as view:
        return b"".join(
            piece if isinstance(piece, bytes) else view[piece.start : piece.stop]
            for piece in plan.pieces
        )


def _validate_input(source: Source) -> None:
    try:
        wasm_tools.validate(source.for_validation)
    except InvalidModule as error:
        reason = (
            f"{source.name} is not valid: {error.reason}; build the module again, or rename in it"
            " as it is without validation"
        )
        raise InvalidModule(reason, error.offset) from error


def _validate_output(module: bytes | str) -> None:
    try:
        wasm_tools.validate(module)
    except InvalidModule as error:
        raise NNShimError(
            "the input is valid but its rewritten form is not, which is a fault in nnshim;"
            f" nothing was written: {error}"
        ) from error


def _sha256(source: Source, pieces: tuple[range | bytes, ...]) -> str:
    import hashlib  # OpenSSL, a tenth of the start-up time, for `digests` only

    digest = hashlib.sha256()
    for piece in pieces:
        for chunk in (piece,) if isinstance(piece, bytes) else _chunks(source, piece):
            digest.update(chunk)
    return digest.hexdigest()


def _chunks(source: Source, piece: range) -> Iterator[bytes]:
    """The bytes of a range; those of a file are read, as touched pages of a map count as used."""
    for start in range(piece.start, piece.stop, _CHUNK):
        size = min(_CHUNK, piece.stop - start)
        if source.fd is not None:
            yield os.pread(source.fd, size, start)
        else:
            yield source.data[start : start + size]

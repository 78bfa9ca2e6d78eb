"""A rewrite from end to end: read, plan, validate, write."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rewriter import output, wasm_tools
from rewriter.dialects import WASI_NN
from rewriter.errors import (
    HostMismatch,
    InvalidModule,
    MalformedModule,
    NNShimError,
    NothingToRename,
    OutputError,
    UnsupportedModule,
    UsageError,
)
from rewriter.hosts import HOSTS, Verdict, assess
from rewriter.inspect import inspect_module
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
    host: str | None = None,
    guest_abi: str | None = None,
    require: bool = False,
    validate: bool = True,
) -> bytes:
    """Rename the import modules of a core module; the bytes of a .wasm in, the same out.

    `to` is the wasi-nn name that the other one becomes, None for neither; `renames` maps further
    old names to new ones, all at once. `host`, a name in rewriter.hosts, takes the place of `to`:
    the wasi-nn names become what that host registers; `guest_abi` names the ABI of a module whose
    imports do not tell it. Only the import section and its size field change. Where no import has
    such a name, the input comes back, or NothingToRename is raised if `require`.

    Raises HostMismatch where no rename makes the module run on `host`, ModuleError
    (MalformedModule, UnsupportedModule, InvalidModule), UsageError for names that cannot be, and
    ToolMissing where `validate` is true and wasm-tools is not installed.
    """
    source = Source("<bytes>", bytes(data))
    plan = _plan(source, to, renames, host, guest_abi, require)
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
    host: str | None = None,
    guest_abi: str | None = None,
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
    with open_source(source_path) as source:
        if output_path is not None:
            _check_output_path(source, output_path)
        plan = _plan(source, to, renames, host, guest_abi, require)
        if validate:
            _validate_input(source)
        input_sha256 = output_sha256 = None
        if digests:
            input_sha256 = _sha256(source, (range(len(source.data)),))
            output_sha256 = _sha256(source, plan.pieces) if plan.renames else input_sha256
        written = False
        if output_path is not None and (
            plan.renames or not output.is_same_file(source, output_path)
        ):
            _write(source, plan, output_path, validate and bool(plan.renames))
            written = True
    return Result(plan, written, input_sha256, output_sha256)


def _plan(
    source: Source,
    to: str | None,
    renames: Mapping[str, str] | None,
    host: str | None,
    guest_abi: str | None,
    require: bool,
) -> Plan:
    try:
        if host is not None:
            to = _name_for(source, host, guest_abi)
        mapping = rename_map(to, renames)
        plan = make_plan(source.data, mapping)
    except MalformedModule as error:
        reason = f"{source.name}: {error.reason}; build the module or fetch it again"
        raise MalformedModule(reason, error.offset) from error
    except UnsupportedModule as error:
        raise UnsupportedModule(f"{source.name}: {error.reason}", error.offset) from error
    if require and not plan.renames:
        names = " or ".join(mapping) or "any other name than the host's"
        raise NothingToRename(
            f"{source.name} imports nothing from {names}: there is nothing to rename"
        )
    return plan


def _name_for(source: Source, host: str, guest_abi: str | None) -> str | None:
    """The name that wasi-nn imports have to get for a host, None if they have a right one."""
    profile = HOSTS.get(host)
    if profile is None:
        raise UsageError(f"{host!r} is no known host ({', '.join(HOSTS)})")
    found = assess(inspect_module(source.data, guest_abi), profile)
    if found.verdict is Verdict.CANNOT:
        raise HostMismatch(f"{source.name} cannot run on {host}: {'; '.join(found.reasons)}")
    return profile.modules[0] if found.verdict is Verdict.AFTER_RENAME else None


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
        check = _validate_output if validate else lambda _: None
        output.write_atomic(path, source, plan.pieces, check)
        return
    rewritten = _assemble(source, plan)
    if validate:
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

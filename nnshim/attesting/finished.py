"""A finished rewrite with the digests of all files that it read and wrote."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence

from rewriter.attesting.rewritten import File, Rewritten, Tools, changes, file_name, parameters
from rewriter.errors import InputError, OutputError
from rewriter.files import wasm_tools
from rewriter.hosts.table import is_profile
from rewriter.oci.reference import is_artifact
from rewriter.options import RewriteOptions
from rewriter.rewriting.pipeline import Result

__all__ = ["finished", "option_files", "paths_in"]


def paths_in(options: RewriteOptions) -> dict[str, str]:
    """The files that options name, by role."""
    found = {f"models/{number}": path for number, path in enumerate(options.models)}
    if options.wasi_adapter is not None:
        found["wasi_adapter"] = options.wasi_adapter
    if options.host is not None and is_profile(options.host):
        found["profile"] = options.host
    return found


def option_files(options: RewriteOptions) -> Sequence[File]:
    """The same with their digests. Raises InputError."""
    found = []
    for role, path in paths_in(options).items():
        try:
            found.append(File(role, file_name(path), _sha256(path)))
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror}") from error
    return tuple(found)


def finished(
    source: str,
    output: str,
    options: RewriteOptions,
    result: Result,
    before: Sequence[File],
    subject: str | None = None,
) -> Rewritten:
    """What can be said about a rewrite. `before` are the `option_files` from before it, and
    `subject` is the name of the output in the statement, by default its file's.

    Raises OutputError if the file on disk is not what the rewrite wrote, and InputError if a file
    that it read has changed since.
    """
    if result.input_sha256 is None or result.output_sha256 is None:
        raise ValueError("the result has no digests")
    if option_files(options) != tuple(before):
        raise InputError("a file of the options changed during the rewrite; nothing is attested")
    is_pipe = output == "-" or (os.path.exists(output) and not os.path.isfile(output))
    if not (is_pipe or is_artifact(output)):  # artifacts were compared with their digests
        found = _of_output(output)
        if found != result.output_sha256:
            raise OutputError(f"{output} was changed after the rewrite: its SHA-256 is {found}")
    files = (File("input", file_name(source), result.input_sha256), *before)
    name = file_name(output) if subject is None else subject
    written = File("subject", name, result.output_sha256)
    done = changes(result, options)
    return Rewritten(written, files, parameters(options), done, _tools(options.validate))


@functools.cache
def _tools(validated: bool) -> Tools:
    from importlib.metadata import version

    return Tools(version("nnshim"), wasm_tools.version().split()[1] if validated else None)


def _of_output(path: str) -> str:
    try:
        return _sha256(path)
    except OSError as error:
        raise OutputError(f"cannot read {path} again: {error.strerror}") from error


def _sha256(path: str) -> str:
    import hashlib  # which takes long, and rewriting alone does without

    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

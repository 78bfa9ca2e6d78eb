"""Arguments that name a file or an artifact: what commands open, and where a rewrite goes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from rewriter.diagnostics import Diagnostic
from rewriter.errors import DependencyMissing, InputError, OutputError
from rewriter.files.input import Origin, Source, open_source
from rewriter.oci.reference import (
    REGISTRY,
    is_artifact,
    is_same_tag,
    parse_layout_reference,
    parse_registry_reference,
)

if TYPE_CHECKING:
    from rewriter.files.place import Pieces
    from rewriter.oci.artifact import Artifact, Sink, Store
    from rewriter.oci.changing import Change
    from rewriter.options import RewriteOptions
    from rewriter.rewriting.pipeline import Result

__all__ = ["RewroteAny", "open_any", "rewrite_any"]


class RewroteAny(NamedTuple):
    """`digest` is that of the manifest of the output, and `origin` is where the input was found,
    each if that is an artifact. `notes` are about the artifacts, beside those about the module."""

    result: Result
    digest: str | None = None
    origin: Origin | None = None
    notes: tuple[Diagnostic, ...] = ()


@contextmanager
def open_any(path: str) -> Iterator[Source]:
    """Open a file like `open_source`, or an artifact. Raises what `open_source` raises, UsageError
    for a password in a reference, and DependencyMissing without `nnshim[oci]`."""
    if is_artifact(path):
        yield _source(path, _find(path))
    else:
        with open_source(path) as source:
            yield source


def rewrite_any(
    source: str, output: str | None, options: RewriteOptions, *, digests: bool
) -> RewroteAny:
    """Like `rewrite_file`, from and to files and artifacts. Raises what `rewrite_file` and
    `open_any` raise."""
    from rewriter.rewriting.pipeline import rewrite_file, rewrite_source

    if not is_artifact(source) and (output is None or not is_artifact(output)):
        return RewroteAny(rewrite_file(source, output, options, digests=digests))
    from rewriter.files.place import File, Place

    sink = _sink(output) if output is not None and is_artifact(output) else None
    artifact = _find(source) if is_artifact(source) else None
    place: Place | None = None if output is None else File(output)
    if sink is not None:
        place = pushed = _Artifact(str(output), source, sink, artifact)
    if artifact is not None:
        result = rewrite_source(_source(source, artifact), place, options, digests=digests)
    else:
        with open_source(source) as opened:
            result = rewrite_source(opened, place, options, digests=digests)
    origin = None if artifact is None else artifact.origin
    if sink is None:
        return RewroteAny(result, None, origin)
    notes = _left_out(pushed, origin) if origin is not None and result.written else ()
    return RewroteAny(result, pushed.digest, origin, tuple(notes))


def _left_out(pushed: _Artifact, origin: Origin) -> Iterator[Diagnostic]:
    """What is said of the other manifests of an index, of which only one was written."""
    others = [each.digest for each in origin.passed_over if each.digest != origin.manifest]
    if origin.in_index is not None and others:
        yield Diagnostic(
            "NN029",
            f"{pushed.name} has only the manifest of the module, and not the others of the index:"
            f" {', '.join(others)}",
        )


class _Artifact:
    """A place for the output, with the digest of what was put there."""

    def __init__(self, name: str, source: str, sink: Sink, artifact: Artifact | None) -> None:
        self.digest: str | None = None
        self.name, self._source, self._sink, self._artifact = name, source, sink, artifact

    def check(self, source: Source) -> None:
        is_listed = self._artifact is not None and self._artifact.found.depth > 0
        if is_listed and is_same_tag(self.name, self._source):
            raise OutputError(
                f"{self.name} is an index of several manifests, and would name only the rewritten"
                " one: write to another tag",
                "NN028",
            )

    def holds(self, source: Source) -> bool:
        is_source = self.name == self._source
        if is_source and self._artifact is not None:
            self.digest = self._artifact.digest
        return is_source

    def write(self, source: Source, pieces: Pieces, check: Callable[[bytes | str], None]) -> None:
        from rewriter.files.pieces import assemble
        from rewriter.oci.artifact import push
        from rewriter.oci.changing import new, unchanged, with_changes

        data = assemble(source, pieces)
        check(data)
        artifact = self._artifact
        if artifact is None:
            self.digest = push(new(data, _title(source)), self._sink, None)
            return
        entry, content = artifact.found.entry, artifact.found.content
        where = artifact.store.name
        if data == artifact.data:
            written = unchanged(entry.media_type, content, where)
        else:
            changes = {artifact.found.layer.digest: _change(artifact, data)}
            written = with_changes(entry.media_type, content, artifact.config, changes, where)
        self.digest = push(written, self._sink, artifact.store)


def _change(artifact: Artifact, module: bytes) -> Change:
    """A module that has changed, compressed as the layer was."""
    from rewriter.files.compress import LONGEST_HEADER, compressed, gzip_header
    from rewriter.oci.changing import Change
    from rewriter.oci.descriptor import digest_of

    packed = module
    if artifact.found.gzip:
        header = gzip_header(artifact.store.name, artifact.packed[:LONGEST_HEADER])
        packed = b"".join(compressed(header, [module]))
    return Change(packed, module, digest_of(artifact.data))


def _title(source: Source) -> str | None:
    """The name of a regular file, if it is one that other systems can have."""
    name = os.path.basename(source.name)
    if source.status is None or not (name.isprintable() and name.isascii()):
        return None
    return f"{name.removesuffix('.wat')}.wasm" if source.is_text else name


def _source(path: str, artifact: Artifact) -> Source:
    return Source(path, artifact.data, origin=artifact.origin)


def _find(path: str) -> Artifact:
    from rewriter.oci.artifact import find

    return find(_store(path))


def _store(path: str) -> Store:
    if path.startswith(REGISTRY):
        reference = parse_registry_reference(path, InputError)
        _need_requests()
        from nnshim.registries.registry import Registry

        return Registry(reference, InputError)
    from rewriter.oci.layout import LayoutStore

    return LayoutStore(parse_layout_reference(path, InputError))


def _sink(path: str) -> Sink:
    if path.startswith(REGISTRY):
        reference = parse_registry_reference(path, OutputError)
        _need_requests()
        from nnshim.registries.registry import Registry

        return Registry(reference, OutputError)
    from rewriter.oci.layout import LayoutSink

    return LayoutSink(parse_layout_reference(path, OutputError))


def _need_requests() -> None:
    try:
        import requests  # noqa: F401 - whether it is there
    except ImportError as error:
        from rewriter.installation import install_line

        raise DependencyMissing(
            f"registries need requests, which is not installed; {install_line('oci')}"
        ) from error

"""Rewrites all modules of an OCI layout into a layout, whose manifests are true for the results."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from nnshim.common import note, remark
from nnshim.config.found import is_below
from nnshim.render.values import Rewriting
from nnshim.rewriting.reporting import Told
from nnshim.rewriting.settings import Settings, Target
from nnshim.rewriting.together import Rewrote, rewrite_targets
from rewriter.errors import InputError, NothingToRename, OutputError
from rewriter.files.compress import LONGEST_HEADER, compressed, gzip_header
from rewriter.oci.changing import Change
from rewriter.oci.container import write_changed
from rewriter.oci.descriptor import digest_of
from rewriter.oci.layout import BLOBS, INDEX, MARK
from rewriter.terminal import alive
from rewriter.trees.copying import copy_file, copy_link, make_folder
from rewriter.trees.item import Item, Refused, Unsearched
from rewriter.trees.opening import open_item, read_packed
from rewriter.trees.walk import Entry, Kind, walk

if TYPE_CHECKING:
    from nnshim.many.searching import Search
    from rewriter.options import RewriteOptions

__all__ = ["is_layout", "rewrite_layout"]


def is_layout(path: str) -> bool:
    """Whether a folder is an OCI layout.

    https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
    """
    return os.path.isfile(os.path.join(path, MARK))


def rewrite_layout(
    where: Search,
    out: str | None,
    options: RewriteOptions,
    *,
    as_json: bool,
    fail_fast: bool,
    quiet: bool,
) -> int:
    """The exit code. The only input of `where` is a layout. Without `out`, nothing is written;
    otherwise the layout is written if no module fails. Raises OutputError, InputError for a layout
    that cannot be described again, and NothingToRename."""
    (path,) = where.inputs
    path = path.rstrip("/") or path
    settings = Settings(replace(options, require=False), as_json)
    told = Told(as_json=as_json, dry_run=out is None, quiet=quiet)
    changes: dict[str, Change] = {}
    any_found = stopped = False
    with alive("rewriting", path):
        for found in where.found():
            if isinstance(found, Unsearched):
                remark(found.diagnostic)
                continue
            any_found = True
            rewrote = _rewritten(found, path, out, settings)
            failed = told.file(rewrote.report)
            if isinstance(found, Item) and found.blob is not None and rewrote.data is not None:
                changes[found.blob.digest] = _change(found, rewrote.data)
            if failed and fail_fast:
                stopped = True
                break
        for nothing in () if any_found else where.nothing:
            told.file(Rewriting(nothing.name, None, "failed", error=nothing.error))
        if out is not None and told.exit_code in (0, 4):
            for before, after in _write(path, out, changes).items():
                if not quiet:
                    note(f"{before} is now {after}")
        elif out is not None:
            reason = f"cannot write {out}: a module in {path} was not rewritten"
            told.file(Rewriting(path, out, "failed", error=OutputError(reason)))
    told.end(stopped=stopped)
    if options.require and not told.any_changed and not told.exit_code:
        raise NothingToRename("--require: none of the modules needs a change")
    return told.exit_code


def _rewritten(found: Item | Refused, path: str, out: str | None, settings: Settings) -> Rewrote:
    """What becomes of one module. A file beside the blobs is not a part of the layout."""
    if isinstance(found, Item) and (found.blob is None or found.blob.layout != path):
        reason = f"{found.name} is not in the layout {path}: rewrite it alone, or leave it out with"
        found = Refused(found.name, InputError(f"{reason} `--exclude`"))
    output = None if out is None else f"{out}{found.name.removeprefix(path)}"
    (rewrote,) = rewrite_targets(settings, [Target(found, output, None)])
    return rewrote


def _change(item: Item, module: bytes) -> Change:
    """A module that has changed, compressed as the layer was."""
    with open_item(item) as source:
        before = digest_of(bytes(source.data))
    if not item.gzip:
        return Change(module, module, before)
    header = gzip_header(item.name, read_packed(item, LONGEST_HEADER))
    return Change(b"".join(compressed(header, [module])), module, before)


def _write(path: str, out: str, changes: Mapping[str, Change]) -> Mapping[str, str]:
    if os.path.realpath(path) == os.path.realpath(out):
        out = path
    elif is_below(path, out) or is_below(out, path):
        raise OutputError(f"cannot write {out}: one of {path} and {out} is in the other")
    beside = [] if out == path else list(_beside(path))
    digests = write_changed(path, out, changes)
    for entry in beside:
        place = os.path.join(out, entry.relative)
        if entry.kind is Kind.FOLDER:
            make_folder(place)
        elif entry.kind is Kind.LINK:
            copy_link(entry.path, place)
        else:
            copy_file(entry.path, place)
    return digests


def _beside(path: str) -> Iterator[Entry]:
    """What a layout's folder has besides the layout. Raises InputError."""
    for entry in walk(path, (), set(), everything=True):
        if isinstance(entry, Refused):
            raise entry.error
        if entry.relative.split(os.sep)[0] not in ("", MARK, INDEX, BLOBS):
            yield entry

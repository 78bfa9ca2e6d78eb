"""Rewrites all modules of an OCI layout into a layout, whose manifests are true for the results."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from nnshim.common import note
from nnshim.config.found import is_below
from nnshim.render.values import Rewriting
from nnshim.rewriting.reporting import Told
from nnshim.rewriting.settings import Settings, Target
from nnshim.rewriting.together import Rewrote, rewrite_targets
from rewriter.errors import InputError, NothingToRename, OutputError
from rewriter.oci.container import Layer, wasm_layers, write_changed
from rewriter.oci.layout import MARK, blob_path
from rewriter.terminal import alive
from rewriter.trees.item import Item, Refused
from rewriter.wasm.limits import LARGEST_MODULE

if TYPE_CHECKING:
    from rewriter.options import RewriteOptions

__all__ = ["is_layout", "rewrite_layout"]


def is_layout(path: str) -> bool:
    """Whether a folder is an OCI layout.

    https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
    """
    return os.path.isfile(os.path.join(path, MARK))


def rewrite_layout(
    path: str,
    out: str | None,
    options: RewriteOptions,
    *,
    as_json: bool,
    fail_fast: bool,
    quiet: bool,
) -> int:
    """The exit code. Without `out`, nothing is written; otherwise the layout is written if no
    module fails. Raises InputError for a broken layout, OutputError, and NothingToRename."""
    settings = Settings(replace(options, require=False), as_json)
    told = Told(as_json=as_json, dry_run=out is None, quiet=quiet)
    changes: dict[str, bytes] = {}
    any_found = stopped = False
    with alive("rewriting", path):
        for layer, found in _rewrites(path, out, settings):
            any_found = True
            failed = told.file(found.report)
            if found.data is not None:
                changes[layer.digest] = found.data
            if failed and fail_fast:
                stopped = True
                break
        if not any_found:
            error = InputError(f"there is no WebAssembly in {path}", "NN010")
            told.file(Rewriting(path, None, "failed", error=error))
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


def _rewrites(path: str, out: str | None, settings: Settings) -> Iterator[tuple[Layer, Rewrote]]:
    """Each module once, whatever the number of manifests that have it."""
    seen: set[str] = set()
    for layer in wasm_layers(path):
        if layer.digest in seen:
            continue
        seen.add(layer.digest)
        called = layer.tag or layer.manifest
        (found,) = rewrite_targets(settings, [_target(layer, f"{path}!{called}", out, called)])
        yield layer, found


def _target(layer: Layer, name: str, out: str | None, called: str) -> Target:
    item: Item | Refused
    try:
        layer.read()  # which compares it with its digest
        item = Item(name, blob_path(layer.path, layer.digest), False, LARGEST_MODULE)
    except InputError as error:
        item = Refused(name, error)
    return Target(item, None if out is None else f"{out}!{called}", None)


def _write(path: str, out: str, changes: Mapping[str, bytes]) -> Mapping[str, str]:
    if os.path.realpath(path) == os.path.realpath(out):
        out = path
    elif is_below(path, out) or is_below(out, path):
        raise OutputError(f"cannot write {out}: one of {path} and {out} is in the other")
    return write_changed(path, out, changes)

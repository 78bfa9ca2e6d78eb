"""Rewrites one file, or many, and says what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnshim.common import errors_in_json, note, print_json, remark, say, told_origin
from rewriter.errors import NothingToRename
from rewriter.oci.reference import is_artifact
from rewriter.terminal import alive

if TYPE_CHECKING:
    from nnshim.attesting.documents import Documents
    from nnshim.many.searching import Search
    from rewriter.options import RewriteOptions

__all__ = ["check_read_apart", "rewrite_many", "rewrite_one"]


def check_read_apart(output: str, options: RewriteOptions, files_from: str | None) -> None:
    """Raise UsageError if the output would replace a file that options name: a model, an adapter, a
    profile, or the list of files."""
    if output == "-" or is_artifact(output):
        return
    from nnshim.attesting.finished import paths_in
    from nnshim.registries.replaced import check_not_read

    named = (*paths_in(options).values(), *filter(None, [files_from]))
    check_not_read("OUT", output, named)


def rewrite_one(
    source: str,
    output: str | None,
    options: RewriteOptions,
    papers: Documents | None,
    *,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """The exit code. `papers` are written beside the output. Raises what `rewrite_any` raises."""
    from nnshim.registries.places import rewrite_any
    from nnshim.render import text

    with errors_in_json(as_json), alive("rewriting", source):
        about = None if papers is None else papers.begin(source, output or "-", options)
        result, digest, origin, notes = rewrite_any(
            source, None if dry_run else output, options, digests=as_json or about is not None
        )
        if about is not None:
            about.finish(result, digest)
    if origin is not None and not (quiet or as_json):
        told_origin(source, origin)
    if quiet and not as_json:
        for found in (*result.notes, *notes):
            remark(found)
        return 4 if result.cannot_run else 0
    if result.flattened is not None and not quiet:
        note(text.FLATTENED)
    if as_json:
        from nnshim.render import json
        from nnshim.render.json_hosts import diagnostics

        about_both = json.rewritten(
            result, source, output, options.validate, papers, digest, origin
        )
        about_both["diagnostics"] += diagnostics(notes)
        print_json(about_both)
    elif dry_run:
        say(*text.rewritten(result.plan, result.made))
    elif result.flattened is None or result.plan.edits:
        for line in text.rewritten(result.plan, result.made):
            note(line)
    for found in (*result.notes, *notes):
        remark(found)
    if digest is not None and not as_json:
        note(f"the artifact is {output}@{digest}")
    if not (as_json or dry_run):
        note(text.runs_now(result, options.host, output or "-"))
        for line in papers.told(output or "-") if papers else ():
            note(line)
    return 4 if result.cannot_run else 0


def rewrite_many(
    where: Search,
    out: str | None,
    options: RewriteOptions,
    *,
    as_json: bool,
    fail_fast: bool,
    quiet: bool,
) -> int:
    """The exit code. Without `out`, nothing is written. `options.require` is about all files
    together. Raises what `rewrite_all` raises, and NothingToRename."""
    from dataclasses import replace

    from nnshim.many.ending import ended_by_signals
    from nnshim.many.progress import shown_progress
    from nnshim.rewriting.many import rewrite_all
    from nnshim.rewriting.reporting import Told
    from nnshim.rewriting.settings import Settings
    from rewriter.diagnostics import Diagnostic

    settings = Settings(replace(options, require=False), as_json)
    told = Told(as_json=as_json, dry_run=out is None, quiet=quiet)
    stopped = False
    with ended_by_signals(), shown_progress("rewriting", where, quiet=quiet) as progress:
        for found in rewrite_all(where, out, settings, fail_fast=fail_fast):
            if isinstance(found, Diagnostic):
                remark(found)
                continue
            progress.add(found.size)
            if told.file(found.report) and fail_fast:
                stopped = True
                break
    told.end(stopped=stopped)
    if options.require and not told.any_changed and not told.exit_code:
        raise NothingToRename("--require: none of the files needs a change")
    return told.exit_code

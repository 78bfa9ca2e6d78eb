"""`nnshim check --fix`: rewrites in place what a rewrite mends, or shows what that would change."""

from __future__ import annotations

from difflib import unified_diff
from typing import TYPE_CHECKING

from nnshim.checking.judging import described, judge_described
from nnshim.checking.listing import listing
from nnshim.render.values import FileReport, Fix
from rewriter.analysis.compatibility import Answer
from rewriter.analysis.inspect import ModuleInfo
from rewriter.errors import DependencyMissing, NNShimError, ToolError
from rewriter.files.input import Source, open_source
from rewriter.files.place import File
from rewriter.options import RewriteOptions
from rewriter.rewriting.pipeline import rewrite, rewrite_source
from rewriter.terminal import shown

if TYPE_CHECKING:
    from nnshim.checking.settings import Settings
    from nnshim.render.values import Checked
    from rewriter.analysis.components.described import ComponentInfo
    from rewriter.trees.item import Item

__all__ = ["fixed"]


def fixed(
    report: FileReport,
    item: Item,
    source: Source,
    info: ModuleInfo | ComponentInfo,
    settings: Settings,
) -> FileReport:
    """The report on the file as it is afterwards, with what was done. A file that no rewrite mends
    is left alone, and so is one that cannot be written again, which `fix.left` explains.

    `report` has one verdict. Raises DependencyMissing and ToolError, which are about all files.
    """
    (value,) = report.checked
    if value.answer is not Answer.REWRITE:
        return report
    left = _cannot_be_written(item, source)
    if left is not None and not settings.diff:
        return report._replace(fix=Fix(left=left))
    try:
        options = _options(value, info, settings)
        if settings.diff:
            return report._replace(fix=_shown(report.path, source, info, options))
        return _rewritten(report, item, source, options, settings)
    except (DependencyMissing, ToolError):
        raise
    except NNShimError as error:
        return report._replace(fix=Fix(left=str(error)))


def _cannot_be_written(item: Item, source: Source) -> str | None:
    """Why a file is not written in place, None if it can be."""
    if item.member is not None:
        return "it is in an archive; `nnshim rewrite -o` makes a new archive"
    if item.blob is not None:
        return "it is in an OCI layout; `nnshim rewrite LAYOUT LAYOUT` rewrites all of it"
    if item.is_alias:
        return "it is a link to a file that is excluded; `nnshim rewrite -o` writes it elsewhere"
    if item.gzip:
        return "it is compressed; `nnshim rewrite -o` compresses the result again"
    if source.is_text:
        return "it is text, and the result is binary; `nnshim rewrite` writes it elsewhere"
    if source.status is None:
        return "it is not a file; `nnshim rewrite` writes the result elsewhere"
    return None


def _options(
    value: Checked, info: ModuleInfo | ComponentInfo, settings: Settings
) -> RewriteOptions:
    """Those of the command that the verdict names."""
    models = [model.path for model in settings.models]
    host = value.found.rewrite_for
    if not isinstance(info, ModuleInfo):
        return RewriteOptions(host=host, models=models, validate=settings.validate)
    from rewriter.analysis.seen.numbering import shown_abi

    return RewriteOptions(
        host=host,
        guest_abi=settings.guest_abi or shown_abi(info, settings.models),
        drop_linking=bool(info.linker_sections),
        validate=settings.validate,
    )


def _shown(
    path: str, source: Source, info: ModuleInfo | ComponentInfo, options: RewriteOptions
) -> Fix:
    """What would change, as a unified diff of what the file consists of."""
    result = rewrite(bytes(source.data), options)
    after = described(Source(path, result), None)
    name = shown(path)
    lines = unified_diff(listing(info), listing(after), name, name, n=1, lineterm="")
    return Fix(diff=tuple(lines))


def _rewritten(
    report: FileReport, item: Item, source: Source, options: RewriteOptions, settings: Settings
) -> FileReport:
    from nnshim.render import text

    result = rewrite_source(source, File(item.path), options, digests=False)
    with open_source(item.path) as now:
        info = described(now, settings.guest_abi)
        after = judge_described(report.path, now, info, settings, item.path)
    return after._replace(fix=Fix(tuple(text.rewritten(result.plan, result.made))))

"""Rewrites all that is found, over all cores, into a folder or an archive of the same form."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from functools import partial

from nnshim.many.carried import carried, size_of
from nnshim.many.order import in_cluster, in_order
from nnshim.many.searching import Search
from nnshim.many.work import Work
from nnshim.render.values import Rewriting
from nnshim.rewriting.settings import Settings, Target
from nnshim.rewriting.together import Rewrote, lost, rewrite_targets
from rewriter.diagnostics import Diagnostic
from rewriter.errors import InputError, NNShimError, UsageError
from rewriter.files.output import IS_BLOB, check_path
from rewriter.trees.item import Found, Item, Refused, Unsearched
from rewriter.trees.output import Output

__all__ = ["rewrite_all"]


def rewrite_all(
    where: Search, out: str | None, settings: Settings, *, fail_fast: bool = False
) -> Iterator[Rewrote | Diagnostic]:
    """A report on each file, in order, and remarks on what was not looked into; on each input,
    where there is no WebAssembly in any. Without `out`, nothing is written. If this may end early,
    with `fail_fast`, no file is written that has no report.

    Raises UsageError if outputs cannot go there, DependencyMissing and ToolError for wasm-tools,
    ToolError if processes cannot be started, and for a cluster what `for_cluster` and `in_cluster`
    raise.
    """
    output = None if out is None else where.output(out)
    run = _Run(where, output)
    any_found = False
    for found in _rewrote(run, where, settings, singly=fail_fast and out is not None):
        any_found = True
        yield from run.remarks()
        yield run.settled(found)
    yield from run.remarks()
    for refused in () if output is None else output.finish():
        yield _refused(refused)
    for nothing in () if any_found else where.nothing:
        yield _refused(nothing)


def _rewrote(run: _Run, where: Search, settings: Settings, *, singly: bool) -> Iterator[Rewrote]:
    if where.cluster is not None:
        work = Work(partial(rewrite_targets, settings.for_cluster()), lost, _stays)
        return in_cluster(work, map(run.carried, run.targets()), _size_of, where.cluster)
    work = Work(partial(rewrite_targets, settings), lost, _stays)
    jobs = where.jobs if settings.travels else 1
    return in_order(work, run.targets(), jobs, singly=singly)


def _size_of(target: Target) -> int:
    return size_of(target.item)


def _refused(found: Refused) -> Rewrote:
    return Rewrote(Rewriting(found.name, None, "failed", error=found.error), 0)


def _stays(target: Target) -> bool:
    return isinstance(target.item, Item) and target.item.here


class _Run:
    """What is on its way: the targets that are worked on, in order, and what is said before each.
    Both are as long as the work is ahead."""

    def __init__(self, where: Search, output: Output | None) -> None:
        self._where = where
        self._output = output
        self._ahead: deque[Target | Diagnostic] = deque()

    def targets(self) -> Iterator[Target]:
        for found in self._found():
            if isinstance(found, Unsearched):
                self._ahead.append(found.diagnostic)
                continue
            if isinstance(found, Refused) or self._output is None:
                target = Target(found, None, None)
            else:
                path = None if self._where.cluster else self._output.target(found)
                target = Target(found, self._output.name(found), path)
            self._ahead.append(target)
            yield target

    def carried(self, target: Target) -> Target:
        """The target with the bytes of its item, for a worker that does not write the output."""
        item = carried(target.item)
        if isinstance(item, Unsearched):
            return target
        if self._output is not None and isinstance(item, Item) and item.source is not None:
            path = self._output.target(item)
            try:
                if path is not None:
                    check_path(item.source, path)
            except UsageError as error:
                item = Refused(item.name, error)
        return target._replace(item=item)

    def _found(self) -> Iterator[Found]:
        if self._output is None:
            yield from map(_unless_blob, self._where.found())
            return
        for found in self._output.find():
            seen = self._where.seen(found)
            if isinstance(found, Item) and not isinstance(seen, Item):
                seen = _left_alone(self._output, found, seen)
            if seen is not None:
                yield seen

    def remarks(self) -> Iterator[Diagnostic]:
        """Those that come before the next target."""
        while self._ahead:
            first = self._ahead[0]
            if not isinstance(first, Diagnostic):
                return
            self._ahead.popleft()
            yield first

    def settled(self, rewrote: Rewrote) -> Rewrote:
        """What was rewritten is where it belongs, or the report says why it is not."""
        target = self._ahead.popleft()
        output = self._output
        if output is None or isinstance(target, Diagnostic) or isinstance(target.item, Refused):
            return rewrote
        item, report = target.item, rewrote.report
        path = output.target(item) if self._where.cluster else target.path
        try:
            if report.error is not None:
                output.fail(item)
            elif target.path is None and rewrote.data is None:
                output.keep(item)
            else:
                output.put(item, rewrote.data)
        except NNShimError as error:
            return rewrote._replace(report=report._replace(result="failed", error=error))
        if path is None or report.data is None:
            return rewrote
        return rewrote._replace(report=report._replace(data={**report.data, "written": True}))


def _unless_blob(found: Found) -> Found:
    """What is found, or why it would not be written."""
    if not isinstance(found, Item) or found.blob is None:
        return found
    return Refused(found.name, InputError(f"cannot change {found.name}: {IS_BLOB}"))


def _left_alone(output: Output, item: Item, seen: Found | None) -> Found | None:
    """What is to be said of a file that a list names, and that is not WebAssembly."""
    try:
        if isinstance(seen, Refused):
            output.fail(item)
        else:
            output.keep(item)
    except NNShimError as error:
        return Refused(item.name, error)
    return seen

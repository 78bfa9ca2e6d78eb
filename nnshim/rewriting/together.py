"""Rewrites several files at a time, which one process of wasm-tools validates."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import compress
from typing import NamedTuple

from nnshim.many.opening import opened_item
from nnshim.render.values import Rewriting
from nnshim.rewriting.settings import Settings, Target
from rewriter.errors import (
    DependencyMissing,
    InputError,
    Lost,
    ModuleError,
    NNShimError,
    OutputError,
    ToolError,
)
from rewriter.files.input import Source
from rewriter.files.output import check_path, is_same_file, write_atomic
from rewriter.files.place import File
from rewriter.rewriting.pipeline import Result, rewrite_source
from rewriter.rewriting.together import Rewritten, rewrite_together, validate_together
from rewriter.trees.copying import copy_file
from rewriter.trees.item import Refused

__all__ = ["Rewrote", "lost", "rewrite_targets"]

_LARGEST = 1 << 22
"""Bytes of the files that are rewritten together, in memory; a larger one is rewritten alone, and
from file to file if it is one."""


class Rewrote(NamedTuple):
    """A report, and the size of the input in bytes. `data` is the output where that goes to who
    asked; None if there is none, as in `report.error`, or if it is the same as the input."""

    report: Rewriting
    size: int
    data: bytes | None = None


class _Opened(NamedTuple):
    target: Target
    source: Source
    passes: bool
    """Whether it has nothing to do."""


def rewrite_targets(settings: Settings, targets: Sequence[Target]) -> list[Rewrote]:
    """Write the output of each, whole or not at all, and report on it. One that was found, and not
    named itself, and does not use wasi-nn is passed on.

    Raises DependencyMissing and ToolError, which are about all of them.
    """
    found: list[Rewrote] = []
    while len(found) < len(targets):
        found += _rewrite_some(settings, targets[len(found) :])
    return found


def lost(target: Target, how: str) -> Rewrote:
    """The report on a file at which a process ended, which says how."""
    return _failed(target, Lost(target.item.name, how))


def _rewrite_some(settings: Settings, targets: Sequence[Target]) -> list[Rewrote]:
    """Those of the first ones that are not too large together."""
    with ExitStack() as stack:
        opened: list[_Opened | Rewrote] = []
        size = 0
        for target in targets:
            one = _open(target, settings, stack)
            size += len(one.source.data) if isinstance(one, _Opened) else 0
            if opened and size > _LARGEST:
                break
            if isinstance(one, _Opened) and size > _LARGEST and not one.passes:
                return [_large(one, settings)]
            opened.append(one)
        return list(_finished(opened, settings))


def _open(target: Target, settings: Settings, stack: ExitStack) -> _Opened | Rewrote:
    item = target.item
    if isinstance(item, Refused):
        return _failed(target, item.error)
    try:
        source = stack.enter_context(opened_item(item))
        if target.path is not None:
            check_path(source, target.path)
        passes = not (item.named or settings.options.renames) and not _uses_wasi_nn(source)
        return _Opened(target, source, passes)
    except NNShimError as error:
        _raise_if_about_all(error)
        return _failed(target, error)


def _uses_wasi_nn(source: Source) -> bool:
    """Raises ModuleError."""
    from nnshim.checking.judging import described
    from rewriter.analysis.using import uses_wasi_nn

    try:
        return uses_wasi_nn(described(source, None))
    except ModuleError as error:
        raise error.of(source.name) from error


def _finished(opened: Sequence[_Opened | Rewrote], settings: Settings) -> Iterator[Rewrote]:
    """Each as soon as its output is written."""
    ready = [one for one in opened if isinstance(one, _Opened)]
    done = iter(_done([one.source for one in ready], [one.passes for one in ready], settings))
    for one in opened:
        if isinstance(one, Rewrote):
            yield one
            continue
        found = next(done)
        try:
            if isinstance(found, NNShimError):
                yield _failed(one.target, found)
            else:
                yield _write(one, found, settings)
        except (InputError, OutputError) as error:
            yield _failed(one.target, error)


def _done(
    sources: Sequence[Source], passes: Sequence[bool], settings: Settings
) -> Iterator[Rewritten | NNShimError | None]:
    """What comes of each; None for one that is passed on."""
    passed = list(compress(sources, passes))
    errors = iter(validate_together(passed) if settings.options.validate else [None] * len(passed))
    changing = [source for source, pass_on in zip(sources, passes, strict=True) if not pass_on]
    results = iter(rewrite_together(changing, settings.options, digests=settings.as_json))
    return (next(errors) if pass_on else next(results) for pass_on in passes)


def _large(one: _Opened, settings: Settings) -> Rewrote:
    """From file to file, so that it is never in memory."""
    target, source, _ = one
    try:
        place = None if target.path is None else File(target.path)
        result = rewrite_source(source, place, settings.options, digests=settings.as_json)
    except NNShimError as error:
        _raise_if_about_all(error)
        return _failed(target, error)
    return Rewrote(_report(target, result, settings), len(source.data))


def _write(one: _Opened, found: Rewritten | None, settings: Settings) -> Rewrote:
    """Raises InputError and OutputError."""
    target, source, _ = one
    size = len(source.data)
    data = None if found is None else found.data
    if target.path is not None and data is not None:
        write_atomic(target.path, source, (data,))
    elif target.path is not None and not is_same_file(source, target.path):
        copy_file(source.name, target.path)
    if found is None:
        return Rewrote(Rewriting(target.item.name, target.output, "nothing_to_do"), size)
    result = found.result._replace(written=target.path is not None)
    return Rewrote(_report(target, result, settings), size, data if target.path is None else None)


def _report(target: Target, result: Result, settings: Settings) -> Rewriting:
    from nnshim.render import text

    name, host = target.item.name, settings.options.host
    lines = text.rewritten(result.plan, result.made)
    if result.flattened is not None:
        lines = [text.FLATTENED, *(lines if result.plan.edits else ())]
    data = None
    if settings.as_json:
        from nnshim.render import json

        data = json.rewritten(result, name, target.output, settings.options.validate)
    return Rewriting(
        name,
        target.output,
        "changed" if result.changed else "unchanged",
        tuple(lines),
        None if host is None else text.runs_now(result, host, ""),
        result.notes,
        result.cannot_run,
        data=data,
    )


def _failed(target: Target, error: NNShimError) -> Rewrote:
    stands = None
    if target.path is not None:
        is_there = os.path.lexists(target.path)
        stands = f"{target.path}: {'unchanged' if is_there else 'not written'}"
    return Rewrote(
        Rewriting(target.item.name, target.output, "failed", error=error, stands=stands), 0
    )


def _raise_if_about_all(error: NNShimError) -> None:
    if isinstance(error, DependencyMissing | ToolError):
        raise error

"""Several files at a time, which one process of wasm-tools validates."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

from nnshim.checking.judging import described, judge_by_policy, judge_described, sha256_of
from nnshim.checking.settings import Settings
from nnshim.many.opening import opened_item
from nnshim.render.values import FileReport
from rewriter.analysis.inspect import ModuleInfo
from rewriter.analysis.using import uses_wasi_nn
from rewriter.errors import InputError, Lost, ModuleError
from rewriter.files.input import Source
from rewriter.files.validating import Valid, valid_together
from rewriter.trees.item import Found, Item, Refused, Unsearched

if TYPE_CHECKING:
    from rewriter.analysis.components.described import ComponentInfo

__all__ = ["Judged", "judge_items", "lost"]

_LARGEST = 1 << 23
"""Bytes of the files that are open together; the last one may have more."""


class Judged(NamedTuple):
    """A report, and the size of what it is about, in bytes; 0 for what cannot be read."""

    report: FileReport
    size: int = 0


class _Read(NamedTuple):
    item: Item
    source: Source
    info: ModuleInfo | ComponentInfo


def judge_items(settings: Settings, items: Sequence[Found]) -> list[Judged]:
    """A report on each. One that was found, and not named itself, and does not use wasi-nn has
    nothing to do. Raises DependencyMissing and ToolError for wasm-tools."""
    judged: list[Judged] = []
    while len(judged) < len(items):
        judged += _judge_some(settings, items[len(judged) :])
    return judged


def _judge_some(settings: Settings, items: Sequence[Found]) -> list[Judged]:
    """Those of the first ones that are not too large together."""
    with ExitStack() as opened:
        read: list[_Read | Judged] = []
        size = 0
        for item in items:
            if size > _LARGEST:
                break
            one = _read(item, settings, opened)
            read.append(one)
            size += len(one.source.data) if isinstance(one, _Read) else 0
        data = [one.source.data for one in read if isinstance(one, _Read)]
        valid = iter(valid_together(data) if settings.validate else [Valid.YES] * len(data))
        return [
            _judge(one, settings, next(valid)) if isinstance(one, _Read) else one for one in read
        ]


def lost(item: Found, how: str) -> Judged:
    """The report on a file at which a process ended, which says how."""
    return Judged(FileReport(item.name, error=Lost(item.name, how)))


def _read(item: Found, settings: Settings, opened: ExitStack) -> _Read | Judged:
    if isinstance(item, Unsearched):
        return Judged(FileReport(item.name, unsearched=item.diagnostic))
    if isinstance(item, Refused):
        return Judged(FileReport(item.name, error=item.error))
    try:
        source = opened.enter_context(opened_item(item))
        return _Read(item, source, described(source, settings.guest_abi))
    except (InputError, ModuleError) as error:
        return Judged(FileReport(item.name, error=error))


def _judge(read: _Read, settings: Settings, valid: Valid) -> Judged:
    item, source, info = read
    try:
        if not valid:
            source.validate()
        if isinstance(info, ModuleInfo):
            info.module.is_valid_2 = valid is Valid.IN_2
        if (item.named and not settings.only_wasi_nn) or uses_wasi_nn(info):
            report = judge_described(item.name, source, info, settings, item.container)
            report = _fixed(report, read, settings) if settings.fix else report
        else:
            broken = judge_by_policy(item.name, info, settings)
            report = FileReport(item.name, broken, sha256=sha256_of(source, settings))
    except ModuleError as error:
        report = FileReport(item.name, error=error)
    return Judged(report._replace(origin=source.origin), len(source.data))


def _fixed(report: FileReport, read: _Read, settings: Settings) -> FileReport:
    from nnshim.checking.fixing import fixed

    return fixed(report, read.item, read.source, read.info, settings)

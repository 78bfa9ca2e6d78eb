"""Rewrites several modules in memory, which one process of wasm-tools validates, and one more
their results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeVar

from rewriter.errors import DependencyMissing, ModuleError, NNShimError, ToolError
from rewriter.files.input import Source
from rewriter.files.pieces import assemble
from rewriter.files.validating import Valid, valid_together
from rewriter.options import RewriteOptions
from rewriter.rewriting.pipeline import Result, result_of
from rewriter.rewriting.steps import Done, Planned, make, output_check, plan, validate_input
from rewriter.wasm.module import Module
from rewriter.wasm.reader import Data
from rewriter.wasm.sections import COMPONENT

__all__ = ["Rewritten", "rewrite_together", "validate_together"]

_Before = TypeVar("_Before")
_After = TypeVar("_After")


class Rewritten(NamedTuple):
    """`data` is the output, None for one that does not differ from the input."""

    result: Result
    data: bytes | None


class _Read(NamedTuple):
    """`module` is None for a component, and for what cannot be read."""

    source: Source
    module: Module | None
    valid: Valid = Valid.YES


def _read(source: Source) -> _Read:
    if bytes(source.data[: len(COMPONENT)]) == COMPONENT:
        return _Read(source, None)
    try:
        return _Read(source, Module(source.data, source.name))
    except ModuleError:
        return _Read(source, None)


def _input_validated(read: Sequence[_Read]) -> Iterator[_Read]:
    """What is known of each before the plans are made, which read less of what is valid in
    WebAssembly 2.0."""
    valid = iter(valid_together([each.module.data for each in read if each.module is not None]))
    for each in read:
        if each.module is None:
            yield each._replace(valid=Valid.UNKNOWN)
        else:
            found = next(valid)
            each.module.is_valid_2 = found is Valid.IN_2
            yield each._replace(valid=found)


def _planned(read: _Read, options: RewriteOptions) -> Planned:
    planned = plan(read.source, options, read.module)
    if not read.valid:
        validate_input(read.source)
    return planned


class _Made(NamedTuple):
    done: Done
    data: bytes | None


def rewrite_together(
    sources: Sequence[Source], options: RewriteOptions, *, digests: bool = False
) -> list[Rewritten | NNShimError]:
    """What `rewrite_source` would write for each, or the error that it would raise. All of that is
    in memory.

    Raises DependencyMissing and ToolError, which are about all of them.
    """
    read = list(map(_read, sources))
    if options.validate:
        read = list(_input_validated(read))
    planned = _each(read, lambda each: _planned(each, options))
    made = _each(_each(planned, make), _assembled)
    if options.validate:
        made = _validated(made, lambda each: each.data or b"", _check_output)
    return _each(made, lambda each: Rewritten(result_of(each.done, digests=digests), each.data))


def validate_together(sources: Sequence[Source]) -> list[NNShimError | None]:
    """The error about each source that is not valid. Raises DependencyMissing and ToolError."""
    checked = _validated(sources, lambda source: source.data, validate_input)
    return [found if isinstance(found, NNShimError) else None for found in checked]


def _assembled(done: Done) -> _Made:
    return _Made(done, assemble(done.planned.source, done.pieces) if done.changed else None)


def _check_output(made: _Made) -> None:
    if made.data is not None:
        output_check(made.done.planned)(made.data)


def _each(
    values: Sequence[_Before | NNShimError], step: Callable[[_Before], _After]
) -> list[_After | NNShimError]:
    """What a step makes of each value. An error stays where it is."""
    found: list[_After | NNShimError] = []
    for value in values:
        if isinstance(value, NNShimError):
            found.append(value)
            continue
        try:
            found.append(step(value))
        except (DependencyMissing, ToolError):
            raise
        except NNShimError as error:
            found.append(error)
    return found


def _validated(
    values: Sequence[_Before | NNShimError],
    data: Callable[[_Before], Data],
    alone: Callable[[_Before], None],
) -> list[_Before | NNShimError]:
    """The values; where they are not valid, the error that `alone` raises."""
    of_each = [data(value) for value in values if not isinstance(value, NNShimError)]
    valid = iter(valid_together(of_each))

    def step(value: _Before) -> _Before:
        if not next(valid):
            alone(value)
        return value

    return _each(values, step)

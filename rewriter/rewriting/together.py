"""Rewrites several modules in memory, which one process of wasm-tools validates, and one more
their results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from rewriter.errors import DependencyMissing, NNShimError, ToolError
from rewriter.files.input import Source
from rewriter.files.pieces import assemble
from rewriter.files.validating import valid_together
from rewriter.options import RewriteOptions
from rewriter.rewriting.pipeline import Result, result_of
from rewriter.rewriting.steps import Done, make, output_check, plan, validate_input
from rewriter.wasm.reader import Data

__all__ = ["Rewritten", "rewrite_together", "validate_together"]

_Before = TypeVar("_Before")
_After = TypeVar("_After")


class Rewritten(NamedTuple):
    """`data` is the output, None for one that does not differ from the input."""

    result: Result
    data: bytes | None


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
    planned = _each(sources, lambda source: plan(source, options))
    if options.validate:
        planned = _validated(
            planned,
            lambda each: each.original.data,
            lambda each: validate_input(each.original),
        )
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

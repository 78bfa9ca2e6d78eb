"""Inputs that failed, what guests wrote to their standard error, and the sum of all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from nnshim.render import counted

if TYPE_CHECKING:
    from nnshim.render.values import Done
    from rewriter.errors import NNShimError
    from runtime_shim import GraphStats, HostError

__all__ = [
    "Alike",
    "Counts",
    "alike_line",
    "counts_in_json",
    "failure_in_json",
    "failure_lines",
    "refused_line",
    "said",
    "summary",
]

_LONGEST = 2000
"""Characters at the end of a guest's standard error that JSON has."""


class Counts(NamedTuple):
    """Of inputs: results that were written, and that were there, and failures. `stale` results are
    there of inputs that are not. `stopped` says that --fail-fast left inputs out."""

    written: int
    kept: int
    failed: int
    stale: int
    stopped: bool


class Alike(NamedTuple):
    """Inputs that failed in the same way: the name of the first one, the last line of its error,
    which has the cause, and how many there are."""

    first: str
    reason: str
    inputs: int


def failure_lines(done: Done, error: NNShimError) -> Sequence[str]:
    """Why an input has no result, and below it the lines that belong to it."""
    code = "" if error.code is None else f"[{error.code}]"
    first, *others = error.lines
    return [f"error{code}: {done.name}: {first}", *others]


def refused_line(done: Done) -> str | None:
    """What the host refused the guest last, if there is anything."""
    if done.refused is None:
        return None
    function, refused = done.refused
    return f"{done.name}: the last call that the host refused was {function}: {refused}"


def alike_line(alike: Alike) -> str:
    """How many inputs failed like one that was told in full, and were not told themselves."""
    more = counted(alike.inputs, "more input")
    return f"... and {more} failed in the same way as {alike.first}: {alike.reason}"


def said(done: Done) -> Iterator[str]:
    """What the guest wrote to its standard error, each line with the input's name."""
    for line in done.stderr.decode(errors="backslashreplace").splitlines():
        yield f"{done.name}: {line}"


def summary(counts: Counts) -> str:
    parts = [
        f"{counts.written} written" if counts.written else "",
        f"{counts.kept} kept" if counts.kept else "",
        f"{counts.failed} failed" if counts.failed else "",
    ]
    total = counts.written + counts.kept + counts.failed
    left_out = "; --fail-fast skipped the rest" * counts.stopped
    return f"{counted(total, 'input')}: {', '.join(filter(None, parts))}{left_out}"


def failure_in_json(done: Done, error: NNShimError) -> Mapping[str, Any]:
    return {
        "input": done.name,
        "exit_code": done.exit_code,
        "code": error.code,
        "message": "\n".join(error.lines),
        "stderr": done.stderr.decode(errors="backslashreplace")[-_LONGEST:],
        "refused": None if done.refused is None else _refused_in_json(*done.refused),
    }


def _refused_in_json(function: str, refused: HostError) -> Mapping[str, Any]:
    return {"function": function, "code": refused.code, "message": str(refused)}


def counts_in_json(counts: Counts, rows: Sequence[GraphStats]) -> Mapping[str, Any]:
    return {**counts._asdict(), "stats": [row._asdict() for row in rows]}

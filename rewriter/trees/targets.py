"""Where each input's output goes, and whether that is safe."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rewriter.errors import UsageError
from rewriter.trees.heads import format_of
from rewriter.trees.item import Refused
from rewriter.trees.roots import Root, is_pattern, roots

__all__ = ["Planned", "plan_targets"]


class Planned(NamedTuple):
    """An input, and the path of its output, which may be the same."""

    root: Root
    target: str


def plan_targets(
    inputs: Sequence[str], out: str | None, exclude: Sequence[str]
) -> list[Planned | Refused]:
    """For each input. Without `out`, each is written in place.

    The output of a single folder is the folder `out`, and that of a single file the file `out`, or
    one with its name in the folder `out`. Several inputs, or a pattern, have their outputs in the
    folder `out`, by their last names, or by what is below the fixed part of the pattern.

    Raises UsageError if two inputs would become one output, one would be written over another, or
    an output is inside of an input, or the other way round.
    """
    found = list(roots(inputs, exclude))
    single = len(inputs) == 1 and not is_pattern(inputs[0])
    planned: list[Planned | Refused] = []
    for root in found:
        if isinstance(root, Refused):
            planned.append(root)
        else:
            planned.append(Planned(root, _target(root, out, single=single)))
    _check([each for each in planned if isinstance(each, Planned)])
    return planned


def _target(root: Root, out: str | None, *, single: bool) -> str:
    if out is None:
        if root.path == "-":
            raise UsageError("standard input cannot be written in place")
        return root.path
    in_folder = not single or (not root.is_folder and (os.path.isdir(out) or _ends_as_folder(out)))
    if in_folder:
        if root.path == "-":
            raise UsageError(f"standard input has no name for its output in {out}")
        return os.path.join(out, root.relative)
    if not root.is_folder and _kind(root.path) != _kind(out):
        raise UsageError(
            f"{out}: the output has to be of the same kind as {root.path}, and to be named like it"
        )
    return out


def _ends_as_folder(path: str) -> bool:
    return path.endswith(("/", os.sep))


def _kind(path: str) -> object:
    return format_of(path) or path.lower().endswith(".gz")


def _check(planned: Sequence[Planned]) -> None:
    sources: dict[str, int] = {}
    targets: dict[str, int] = {}
    for index, (root, target) in enumerate(planned):
        for path, all_paths in ((root.path, sources), (target, targets)):
            other = all_paths.setdefault(os.path.realpath(path), index)
            if other != index:
                both = f"{planned[other].root.path} and {root.path}"
                raise UsageError(f"{both} would both be written to {target}")
    for path, index in (*sources.items(), *targets.items()):
        _check_place(path, index, sources, targets, planned)


def _check_place(
    path: str,
    index: int,
    sources: dict[str, int],
    targets: dict[str, int],
    planned: Sequence[Planned],
) -> None:
    """Whether a path is in another input or output, or is one."""
    root, target = planned[index]
    in_place = targets.get(path) == sources.get(path) == index
    for above in _with_parents(path):
        source, written = sources.get(above), targets.get(above)
        if above == path and in_place:
            continue
        if path in targets and targets[path] == index and source is not None:
            other = planned[source].root.path
            raise UsageError(f"{target} cannot be written: it is in the input {other}")
        if path in sources and sources[path] == index and written is not None:
            other = planned[written].target
            raise UsageError(f"{root.path} is in the output {other}, and would be written over")
        if written not in (None, index) or source not in (None, index):
            raise UsageError(f"{root.path} and {target} are in another input or output")


def _with_parents(path: str) -> Iterator[str]:
    while True:
        yield path
        parent = os.path.dirname(path)
        if parent == path:
            return
        path = parent

"""Outputs that would replace what the same command reads."""

from __future__ import annotations

import os
from collections.abc import Iterable

from nnshim.config.found import is_below
from rewriter.errors import InputError, UsageError
from rewriter.oci.reference import REGISTRY, is_artifact, parse_layout_reference

__all__ = ["check_not_read"]


def check_not_read(option: str, path: str, read: Iterable[str]) -> None:
    """Raise UsageError if an output would replace a file that is read, by whichever of its names,
    or would be in a folder that is read, or in an OCI layout. `option` is what names the output,
    and `read` are arguments: files, folders, artifacts, and `-`. Raises InputError for the
    name of an artifact that is none."""
    for name in read:
        if name == "-" or name.startswith(REGISTRY):
            continue
        place = parse_layout_reference(name, InputError).path if is_artifact(name) else name
        if _is_same(path, place):
            raise UsageError(f"{option} {path} would replace {name}, which is an input")
        if os.path.isdir(place) and (is_below(path, place) or _is_behind_link(path, place)):
            raise UsageError(f"{option} {path} is in {name}, which is read: name a file elsewhere")


def _is_same(path: str, other: str) -> bool:
    """Also where neither exists yet."""
    try:
        return os.path.samefile(path, other)
    except OSError:
        return os.path.realpath(path) == os.path.realpath(other)


def _is_behind_link(path: str, folder: str) -> bool:
    """Whether a link in a folder leads to a file."""
    if not os.path.isfile(path):
        return False
    inside = (os.path.join(top, name) for top, _, names in os.walk(folder) for name in names)
    return any(os.path.islink(each) and _is_same(path, each) for each in inside)

"""The files and folders that a user's inputs stand for."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from rewriter.errors import InputError
from rewriter.oci.reference import is_artifact
from rewriter.trees.item import Refused
from rewriter.trees.walk import Entry, Kind, walk

__all__ = ["Root", "is_pattern", "roots"]


class Root(NamedTuple):
    """A file, folder or artifact that the user named, or a file or folder that a pattern matches.
    `relative` is where it belongs in a folder of outputs: its last name, or its path from where the
    pattern starts to be one. An alias is a link to a file that is
    excluded."""

    path: str
    relative: str
    named: bool
    is_folder: bool
    is_alias: bool = False


def is_pattern(name: str) -> bool:
    """Whether an input is a pattern: no file has that name, and it has special characters."""
    special = name == "-" or is_artifact(name)
    return not special and glob.has_magic(name) and not os.path.lexists(name)


def roots(inputs: Sequence[str], exclude: Sequence[str] = ()) -> Iterator[Root | Refused]:
    """In the order of the inputs. A path that is there twice counts once."""
    seen: set[str] = set()
    for name in inputs:
        for root in _matches(name, exclude) if is_pattern(name) else (_named(name),):
            whole = os.path.abspath(root[0])
            if isinstance(root, Refused) or whole not in seen:
                seen.add(whole)
                yield root


def _named(path: str) -> Root:
    if path == "-" or is_artifact(path):
        return Root(path, path, True, False)
    return Root(path, os.path.basename(os.path.abspath(path)), True, os.path.isdir(path))


def _matches(pattern: str, exclude: Sequence[str]) -> Iterator[Root | Refused]:
    """The files and folders, but not those that are in a folder that matches. Unlike glob's, this
    walk follows no links, which may lead round in circles."""
    start, wanted = _split(pattern)
    depth = None if "**" in wanted else len(wanted)
    inside: str | None = None
    any_found = False
    for entry in walk(start, exclude, set(), everything=True, depth=depth):
        path = entry[0]
        relative = os.path.relpath(path, start)
        matches = _match(relative.split(os.sep), wanted)
        if inside is not None and path.startswith(inside):
            continue
        if isinstance(entry, Refused):
            if matches or (os.path.isdir(path) and not os.path.islink(path)):
                any_found = True
                yield entry
        elif matches and not entry.excluded:
            any_found = True
            if entry.kind is Kind.FOLDER:
                inside = os.path.join(path, "")
            if entry.kind is not Kind.LINK or not _is_covered(entry, start, wanted):
                is_alias = entry.kind is Kind.ALIAS
                yield Root(path, relative, False, os.path.isdir(path), is_alias)
    if not any_found:
        yield Refused(pattern, InputError(f"cannot read {pattern}: no file matches this pattern"))


def _split(pattern: str) -> tuple[str, list[str]]:
    """The folder above the first special character, and the parts below it."""
    parts = os.path.normpath(pattern).split(os.sep)
    first = next(index for index, part in enumerate(parts) if glob.has_magic(part))
    start = os.sep.join(parts[:first])
    return start or (os.sep if first else os.curdir), parts[first:]


def _match(parts: Sequence[str], wanted: Sequence[str]) -> bool:
    if not wanted:
        return not parts
    if wanted[0] == "**":
        return any(_match(parts[start:], wanted[1:]) for start in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], wanted[0]) and _match(parts[1:], wanted[1:])


def _is_covered(link: Entry, start: str, wanted: Sequence[str]) -> bool:
    """Whether what a link leads to is found by its own name."""
    target = os.path.relpath(os.path.realpath(link.path), os.path.realpath(start)).split(os.sep)
    return any(_match(target[:length], wanted) for length in range(1, len(target) + 1))

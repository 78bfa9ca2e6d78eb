"""Walks through a folder: what is in it, in the order of the names' bytes."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from enum import Enum, auto
from typing import NamedTuple

from rewriter.errors import InputError
from rewriter.file_kinds import special
from rewriter.oci.layout import BLOBS, MARK
from rewriter.trees.item import Refused
from rewriter.trees.names import Exclusion

__all__ = ["Entry", "Kind", "Seen", "walk"]

_SKIPPED = ".git"
"""The name of what is neither looked at nor copied."""

Seen = set[tuple[int, int]]
"""Devices and inode numbers of folders."""


class Kind(Enum):
    """A link is one whose target is in the same tree, and looked at by its own name. An alias is a
    link to a file that is excluded, so that it is looked at by the link's name. A layout is the
    folder of an OCI layout."""

    FOLDER = auto()
    LAYOUT = auto()
    FILE = auto()
    LINK = auto()
    ALIAS = auto()


_LOOKED_AT = (Kind.FILE, Kind.ALIAS, Kind.LAYOUT)


class Entry(NamedTuple):
    """`path` begins with the folder's own, and `relative` is the part after it. What is excluded is
    not looked at, but belongs to the tree."""

    path: str
    relative: str
    kind: Kind
    excluded: bool = False


def walk(
    root: str,
    exclude: Sequence[str],
    seen: Seen,
    *,
    everything: bool,
    depth: int | None = None,
    layouts: bool = False,
) -> Iterator[Entry | Refused]:
    """The files to look at in a folder; with `everything`, also the folder itself, the folders and
    links in it, and what the patterns exclude. A folder that was seen is left out.
    With `depth`, folders that are so many levels below are not looked into. With `layouts`, those
    that are OCI layouts come as such, before the other files in them, and without their blobs.

    Links and special files are not opened.
    """
    real_root = os.path.realpath(root)
    left_out = Exclusion(exclude, os.path.join(root, ""))
    pending: list[Entry | Refused] = [Entry(root, "", Kind.FOLDER)]
    while pending:
        entry = pending.pop()
        if isinstance(entry, Entry) and entry.kind is Kind.LINK and not entry.excluded:
            entry = _follow(entry, real_root, left_out)
        if isinstance(entry, Entry) and entry.kind is Kind.FOLDER and _is_above(entry, depth):
            children = _list(entry, seen)
            if children is None:
                continue
            if isinstance(children, Refused):
                entry = children
            else:
                if layouts and any(child.name == MARK and child.is_file() for child in children):
                    entry = entry._replace(kind=Kind.LAYOUT)
                    children = [child for child in children if child.name != BLOBS]
                for child in children:
                    relative = os.path.join(entry.relative, child.name)
                    excluded = entry.excluded or relative in left_out
                    if child.name != _SKIPPED and (everything or not excluded):
                        pending.append(_entry(child, relative, excluded))
        if everything or isinstance(entry, Refused) or entry.kind in _LOOKED_AT:
            yield entry


def _is_above(entry: Entry, depth: int | None) -> bool:
    level = len(entry.relative.split(os.sep)) if entry.relative else 0
    return depth is None or level < depth


def _list(entry: Entry, seen: Seen) -> list[os.DirEntry[str]] | Refused | None:
    """In reverse order, or None for a folder that was seen."""
    try:
        status = os.stat(entry.path)
        if (status.st_dev, status.st_ino) in seen:
            return None
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(entry.path) as listed:
            return sorted(listed, key=lambda child: os.fsencode(child.name), reverse=True)
    except OSError as error:
        return Refused(entry.path, InputError(f"cannot read {entry.path}: {error.strerror}"))


def _entry(child: os.DirEntry[str], relative: str, excluded: bool) -> Entry | Refused:
    if child.is_symlink():
        return Entry(child.path, relative, Kind.LINK, excluded)
    if child.is_dir(follow_symlinks=False):
        return Entry(child.path, relative, Kind.FOLDER, excluded)
    if child.is_file(follow_symlinks=False):
        return Entry(child.path, relative, Kind.FILE, excluded)
    return _special(child.path)


def _special(path: str) -> Refused:
    """Also for what has vanished."""
    what = special(path) or "not a file"
    return Refused(path, InputError(f"cannot read {path}: it is {what}"))


def _follow(entry: Entry, real_root: str, left_out: Exclusion) -> Entry | Refused:
    """What a link means for those who walk through `real_root`: the same link if its target is in
    there and found without it, and a file or an alias if it is found in no other way."""

    def refused(reason: str, code: str | None = None) -> Refused:
        return Refused(entry.path, InputError(f"cannot read {entry.path}: {reason}", code))

    try:
        target = os.path.realpath(entry.path, strict=True)
        status = os.stat(entry.path)  # which fails where a path goes on behind a file
    except OSError as error:
        return refused(f"it is a link, and its target cannot be read: {error.strerror}")
    below = os.path.relpath(target, real_root) if _is_same_drive(target, real_root) else os.pardir
    parts = below.split(os.sep)
    if parts[0] == os.pardir:
        return refused("it is a link that leads out of its folder", "NN006")
    if not (stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode)):
        return refused(f"it is a link to {special(target)}")
    is_folder = stat.S_ISDIR(status.st_mode)
    if _SKIPPED in parts:
        if is_folder:
            return refused(f"it is a link to a folder in {_SKIPPED}, which is not looked at")
        return entry._replace(kind=Kind.FILE)
    if not is_folder:
        return entry._replace(kind=Kind.ALIAS) if below in left_out else entry
    try:
        hidden = _hidden(target, below, entry.relative, left_out)
    except OSError as error:
        return refused(f"it is a link, and {error.filename} in it cannot be read: {error.strerror}")
    if hidden is not None:
        return refused(f"it is a link to a folder, and {hidden} in there is excluded, but not here")
    return entry


def _hidden(target: str, below: str, link: str, left_out: Exclusion) -> str | None:
    """A file in the folder `target` that is excluded by its own name and not behind the link; both
    names are relative. None if there is none. Raises OSError."""

    def fail(error: OSError) -> None:
        raise error

    for folder, folders, files in os.walk(target, onerror=fail) if left_out.any else ():
        inner = os.path.relpath(folder, target)
        for name in (*files, *(each for each in folders if os.path.islink(f"{folder}/{each}"))):
            own, behind = (os.path.normpath(os.path.join(at, inner, name)) for at in (below, link))
            if own in left_out and behind not in left_out:
                return own
        if _SKIPPED in folders:
            folders.remove(_SKIPPED)
    return None


def _is_same_drive(one: str, other: str) -> bool:
    return os.path.splitdrive(one)[0] == os.path.splitdrive(other)[0]

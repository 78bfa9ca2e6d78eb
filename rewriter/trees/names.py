"""Names of files: lists of them, patterns that leave some out, and those that are not safe."""

from __future__ import annotations

import glob
import os
import posixpath
import re
import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase

from rewriter.errors import InputError
from rewriter.oci.reference import is_artifact

__all__ = ["is_excluded", "link_escapes", "matches", "read_names", "unsafe_name"]

_LARGEST_LIST = 1 << 28
"""Bytes."""


def read_names(path: str) -> list[str]:
    """The names in a file (`-` is standard input), as inputs for `find`: one on each line, or, if
    there is a NUL in it, one before each NUL, as `find -print0` and `git ls-files -z` write them. A
    name is not a pattern. Empty ones do not count.

    Raises InputError.
    """
    try:
        if path == "-":
            if sys.stdin is None:  # Python's, where it is closed
                raise InputError("cannot read the list of names: standard input is closed")
            data = sys.stdin.buffer.read(_LARGEST_LIST + 1)
        else:
            with open(path, "rb") as file:
                data = file.read(_LARGEST_LIST + 1)
    except OSError as error:
        raise InputError(f"cannot read the list of names {path}: {error.strerror}") from error
    if len(data) > _LARGEST_LIST:
        raise InputError(f"the list of names {path} has more than {_LARGEST_LIST} bytes")
    parts = data.split(b"\0") if b"\0" in data else re.split(rb"\r?\n", data)
    names = ["./-" if part == b"-" else os.fsdecode(part) for part in parts if part]
    return [name if is_artifact(name) else glob.escape(name) for name in names]


def is_excluded(patterns: Sequence[str], *paths: str) -> bool:
    """Whether a file is left out: a pattern without a slash is compared with its last name, others
    with each of `paths`, by which people may know it. `*` stands for any characters, also `/`."""
    if not patterns:
        return False
    whole = [path.replace(os.sep, "/") for path in paths]
    return any(matches(pattern.rstrip("/"), *whole) for pattern in patterns)


def matches(pattern: str, *paths: str) -> bool:
    """Whether a file, which has `paths` with slashes, is one of those that a pattern stands for."""
    if "/" in pattern:
        return any(fnmatchcase(path, pattern) for path in paths)
    return fnmatchcase(posixpath.basename(paths[0]), pattern)


def unsafe_name(name: str) -> tuple[str, str] | None:
    """Why a member of an archive must not be unpacked by its name, with a code: it is absolute, has
    `..` in it, on any system, or is another one for readers that end it at a NUL."""
    parts = re.split(r"[/\\]", name)
    if ".." in parts or parts[0] == "" or re.match("[A-Za-z]:", name):
        return "its name leads out of the archive", "NN006"
    return ("its name has a NUL in it", "NN005") if "\0" in name else None


def link_escapes(name: str, target: str) -> bool:
    """Whether a symbolic link, which is the member `name`, leads out of the archive."""
    target = target.replace("\\", "/")
    if target.startswith("/") or re.match("[A-Za-z]:", target):
        return True
    whole = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
    return whole == ".." or whole.startswith("../")

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

__all__ = ["Exclusion", "link_escapes", "matches", "read_names", "unsafe_name"]

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


class Exclusion:
    """What patterns leave out of a folder, an archive or a layout: files, and folders with all that
    is in them. `where` is what people write before a name in there: `folder/` or `all.zip!`.

    A pattern without a slash is compared with the last name. One that is an absolute path is
    compared with where the file really is, and others with its name in there, and the same after
    `where`. `*` stands for any characters, also `/`.
    """

    def __init__(self, patterns: Sequence[str], where: str) -> None:
        self._patterns = [pattern.replace(os.sep, "/").rstrip("/") for pattern in patterns]
        shown = posixpath.normpath(where.replace(os.sep, "/") + "x")[:-1]
        self._before = ["", shown]
        self._really = []
        if any(os.path.isabs(pattern) for pattern in patterns):
            folder, begin = os.path.split(where)
            real = os.path.join(os.path.realpath(folder), begin)
            self._really = [real.replace(os.sep, "/")]

    @property
    def any(self) -> bool:
        """Whether there are patterns."""
        return bool(self._patterns)

    def __contains__(self, name: str) -> bool:
        """Whether a file or a folder is left out, or is in a folder that is."""
        if not self._patterns:
            return False
        parts = posixpath.normpath(name.replace(os.sep, "/")).split("/")
        return any(self._fits("/".join(parts[:end])) for end in range(1, len(parts) + 1))

    def _fits(self, name: str) -> bool:
        paths = [before + name for before in (*self._before, *self._really)]
        return any(matches(pattern, *paths) for pattern in self._patterns)


def matches(pattern: str, *paths: str) -> bool:
    """Whether a file, which has `paths` with slashes, is one of those that a pattern stands for."""
    if "/" in pattern:
        return any(fnmatchcase(path, pattern.removeprefix("./")) for path in paths)
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

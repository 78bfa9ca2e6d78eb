"""Finds the file with a configuration, and reads its bytes.

A file that is found, and not named, may belong to anyone: it is refused if it belongs to another
user than the current folder does, or if it is a link out of the repository.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from rewriter.errors import UsageError
from rewriter.file_kinds import special

__all__ = ["OWN_NAME", "PYPROJECT", "File", "find", "is_below", "named"]

OWN_NAME, PYPROJECT = "nnshim.toml", "pyproject.toml"

_LARGEST = 1 << 20
"""The largest file, in bytes."""

_HELP = "name another file with --config, or use none with --no-config"


class File(NamedTuple):
    """A file with a configuration. `top` is the folder that its paths may not lead out of: that of
    the repository, or its own without one; None if the user named the file. `beside` is another
    file in its folder that has a configuration too."""

    path: str
    data: bytes
    top: str | None
    beside: str | None = None

    @property
    def folder(self) -> str:
        return os.path.dirname(self.path)

    @property
    def shown(self) -> str:
        """The path for messages, relative to the current folder."""
        return shown(self.path)


def shown(path: str) -> str:
    """A path relative to the current folder, where it has one."""
    try:
        path = os.path.relpath(path)
    except ValueError:  # on another drive
        return path
    return path if path.startswith(os.pardir + os.sep) else os.path.join(os.curdir, path)


def named(path: str) -> File:
    """The file that a user names. Raises UsageError if it cannot be read."""
    return File(os.path.abspath(path), _read(path), None)


def find(start: str = os.curdir) -> File | None:
    """The nearest file with a configuration, in the folder `start` or one above it, up to that of
    the repository. Raises UsageError for a file that cannot be read, or is not to be trusted."""
    start = os.path.realpath(start)
    for folder in _upwards(start):
        here = [found for name in (OWN_NAME, PYPROJECT) if (found := _in(folder, name))]
        if here:
            path, data = here[0]
            top = _repository(folder) or folder
            _check_trust(path, start, top)
            return File(path, data, top, here[1][0] if len(here) > 1 else None)
    return None


def is_below(path: str, top: str) -> bool:
    """Whether a path, with its links followed, is `top` or in it."""
    real, top = os.path.realpath(path), os.path.realpath(top)
    return real == top or real.startswith(os.path.join(top, ""))


def _upwards(start: str) -> Iterator[str]:
    """A folder and those above it, up to that of the repository or of the file system."""
    folder = start
    while True:
        yield folder
        above = os.path.dirname(folder)
        if above == folder or _is_repository(folder):
            return
        folder = above


def _repository(folder: str) -> str | None:
    return next((each for each in _upwards(folder) if _is_repository(each)), None)


def _is_repository(folder: str) -> bool:
    return os.path.lexists(os.path.join(folder, ".git"))  # a file in worktrees and submodules


def _in(folder: str, name: str) -> tuple[str, bytes] | None:
    """The file of this name in a folder, if it has a configuration."""
    path = os.path.join(folder, name)
    if not os.path.lexists(path):
        return None
    data = _read(path)
    return (path, data) if name == OWN_NAME or _has_table(data, path) else None


def _has_table(data: bytes, path: str) -> bool:
    """Whether pyproject.toml has the table. Most do not mention it, and are not parsed."""
    if b"nnshim" not in data:
        return False
    from nnshim.config.toml import parse  # a command without a configuration starts without it

    tool = parse(data, shown(path)).get("tool")
    return isinstance(tool, dict) and "nnshim" in tool


def _read(path: str) -> bytes:
    what = special(path)
    if what is not None:
        raise UsageError(f"cannot read {shown(path)}: this is {what}, not a regular file; {_HELP}")
    try:
        with open(path, "rb") as file:
            data = file.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot read {shown(path)}: {reason}; {_HELP}") from error
    if len(data) > _LARGEST:
        raise UsageError(f"{shown(path)} is larger than {_LARGEST} bytes; {_HELP}")
    return data


def _check_trust(path: str, start: str, top: str) -> None:
    if not is_below(path, top):
        raise UsageError(f"{shown(path)} is a link that leads out of {shown(top)}; {_HELP}")
    if hasattr(os, "geteuid"):
        owner = os.stat(path).st_uid
        if owner not in (os.geteuid(), 0, os.stat(start).st_uid):
            message = f"{shown(path)} belongs to another user (number {owner})"
            raise UsageError(f"{message}, not to you or the owner of the current folder; {_HELP}")

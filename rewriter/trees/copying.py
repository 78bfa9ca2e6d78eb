"""Copies what a tree has besides modules: files, links and folders."""

from __future__ import annotations

import os
import stat

from rewriter.errors import OutputError
from rewriter.files.input import Source
from rewriter.files.output import write_atomic
from rewriter.trees.archives.streams import copied, opened

__all__ = ["copy_file", "copy_link", "make_folder"]


def copy_file(path: str, target: str) -> None:
    """Copy a regular file, with its mode and its time, whole or not at all. Raises InputError and
    OutputError."""
    with opened(path) as file:
        status = os.fstat(file.fileno())

        def keep(temporary: str) -> None:
            os.chmod(temporary, stat.S_IMODE(status.st_mode))
            os.utime(temporary, ns=(status.st_atime_ns, status.st_mtime_ns))

        pieces = copied(path, file, 0, status.st_size)
        write_atomic(target, Source(path, b"", status=status), pieces, keep)


def copy_link(path: str, target: str) -> None:
    """Make the same symbolic link. Raises OutputError."""
    try:
        text = os.readlink(path)
        if os.path.islink(target) and os.readlink(target) == text:
            return
        if os.path.islink(target):
            os.unlink(target)
        os.symlink(text, target)
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror}") from error


def make_folder(target: str) -> None:
    """Make a folder and those above it that are missing. Raises OutputError."""
    try:
        os.makedirs(target, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {target}: {error.strerror}") from error

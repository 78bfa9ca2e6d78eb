"""Files that are read and written whole, in folders that are made for them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from io import BufferedReader

from rewriter.errors import InputError, OutputError
from rewriter.files.input import Source
from rewriter.files.output import write_atomic

__all__ = ["copy_whole", "make_folder", "names_in", "read_whole", "write_whole"]

_CHUNK = 1 << 20
"""Bytes copied at a time."""


def read_whole(path: str, limit: int) -> bytes | None:
    """The bytes of a regular file, and at most one more than `limit` of them; None if there is no
    such file. Raises InputError if there is something else, or it cannot be read."""
    try:
        with _opened(path) as file:
            return file.read(limit + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


def copy_whole(path: str, output: str, algorithm: str, digest: str) -> None:
    """Copy a regular file with a digest in hexadecimal, whole or not at all. Raises InputError
    (NN026 where the digest is another one) and OutputError."""
    import hashlib

    seen = hashlib.new(algorithm)

    def chunks() -> Iterator[bytes]:
        while chunk := file.read(_CHUNK):
            seen.update(chunk)
            yield chunk

    def check(_: str) -> None:
        if seen.hexdigest() != digest:
            raise InputError(f"{path} has the digest {seen.hexdigest()}", "NN026")

    try:
        with _opened(path) as file:
            write_atomic(output, Source(path, b""), chunks(), check)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


def _opened(path: str) -> BufferedReader:
    """Open a file to be read; a pipe does not keep it waiting. Raises OSError."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    file = open(os.open(path, flags), "rb")  # noqa: SIM115 - the caller closes it
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise InputError(f"cannot read {path}: it is not a file")
    return file


def write_whole(path: str, data: bytes) -> None:
    """Write a file, whole or not at all. Raises OutputError, also for a symbolic link: these files
    are not named by the user, and a link could lead to any."""
    if os.path.islink(path):
        raise OutputError(f"cannot write {path}: it is a symbolic link")
    write_atomic(path, Source(path, b""), [data])


def make_folder(path: str) -> None:
    """Make a folder and those that it is in, if they are missing. Raises OutputError."""
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {path}: {error.strerror}") from error


def names_in(path: str) -> list[str]:
    """What is in a folder, in order; nothing, if there is no such folder. Raises InputError."""
    try:
        return sorted(os.listdir(path))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error

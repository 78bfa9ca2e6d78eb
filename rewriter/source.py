"""The input of a rewrite: a file that is mapped, standard input, or text that is assembled."""

from __future__ import annotations

import fcntl
import mmap
import os
import signal
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from rewriter.cursor import Data
from rewriter.errors import InputError

__all__ = ["Source", "open_source"]


class Source(NamedTuple):
    """A module's bytes. `fd` is set where they are those of an open regular file, which nobody
    changes as long as they are mapped."""

    name: str
    data: Data
    fd: int | None = None
    is_text: bool = False
    """Whether the data was assembled from a file in the text format."""

    @property
    def mapped_fd(self) -> int | None:
        """The open file if the data are mapped, None if they are in memory."""
        return None if isinstance(self.data, bytes) else self.fd

    @property
    def for_validation(self) -> bytes | str:
        """A path to the file that is mapped, else the data."""
        if isinstance(self.data, bytes):
            return self.data
        return f"/proc/{os.getpid()}/fd/{self.fd}"  # there may be another at its name by now


@contextmanager
def open_source(path: str) -> Iterator[Source]:
    """Open a module; `-` is standard input, and text (by its suffix or look) is assembled.

    A regular file is mapped, not read, if nobody can change it meanwhile: who reads from a map
    whose file was cut off is ended by the system. Raises InputError where it cannot be opened, and
    InvalidModule or ToolMissing for text that cannot be assembled.
    """
    if path == "-":
        yield _from_bytes("<stdin>", sys.stdin.buffer.read())
        return
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    try:
        status = os.fstat(fd)
        if stat.S_ISDIR(status.st_mode):
            raise InputError(f"cannot read {path}: it is a folder")
        if not stat.S_ISREG(status.st_mode) or status.st_size == 0 or _is_text(path, fd):
            with os.fdopen(os.dup(fd), "rb") as file:
                yield _from_bytes(path, file.read())
            return
        if not _lease(fd):
            with os.fdopen(os.dup(fd), "rb") as file:
                yield Source(path, file.read(), fd)
            return
        with mmap.mmap(fd, 0, access=mmap.ACCESS_READ) as data:
            yield Source(path, data, fd)
    finally:
        os.close(fd)


def _lease(fd: int) -> bool:
    """Have those wait who want to change a file, until it is closed here, or for as long as the
    system allows (45 seconds). False where that cannot be had, as with a file that someone is
    writing to, or of another user.

    https://man7.org/linux/man-pages/man2/F_SETLEASE.2const.html
    """
    try:
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)  # which does nothing; SIGIO ends a process
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError:
        return False
    return True


def _is_text(path: str, fd: int) -> bool:
    return path.endswith(".wat") or _looks_like_text(os.pread(fd, 256, 0))


def _looks_like_text(head: bytes) -> bool:
    return head.lstrip()[:1] in (b"(", b";")


def _from_bytes(name: str, data: bytes) -> Source:
    if name.endswith(".wat") or _looks_like_text(data[:256]):
        from rewriter import wasm_tools

        return Source(name, wasm_tools.assemble(data), is_text=True)
    return Source(name, data)

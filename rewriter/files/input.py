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
from typing import IO, NamedTuple

from rewriter.errors import InputError, InvalidModule, ModuleError
from rewriter.wasm.limits import LARGEST_MODULE
from rewriter.wasm.module import Module
from rewriter.wasm.reader import Data

__all__ = ["Source", "open_source"]

_PIECE = 1 << 20
"""Bytes that are read at a time from what may have no end."""


class Source(NamedTuple):
    """A module's bytes. `fd` is set where they are those of an open regular file, which nobody
    changes as long as they are mapped."""

    name: str
    data: Data
    fd: int | None = None
    is_text: bool = False
    """Whether the data was assembled from a file in the text format."""

    def module(self) -> Module:
        """Raises ModuleError, which names the file, where it is not one."""
        try:
            return Module(self.data, self.name)
        except ModuleError as error:
            raise error.of(self.name) from error

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

    def validate(self) -> None:
        """Raises InvalidModule where wasm-tools does not take it, DependencyMissing where that is
        not installed, and ToolError where it fails."""
        from rewriter.files import wasm_tools

        try:
            wasm_tools.validate(self.for_validation)
        except InvalidModule as error:
            raise InvalidModule(f"it is not valid: {error.reason}", error.offset) from error


@contextmanager
def open_source(path: str) -> Iterator[Source]:
    """Open a module; `-` is standard input, and text (by its suffix or look) is assembled.

    A regular file is mapped, not read, if nobody can change it meanwhile: who reads from a map
    whose file was cut off is ended by the system. Raises InputError where it cannot be read or is
    larger than any module (which is found out at that size, where there is no end), and
    InvalidModule or DependencyMissing for text that cannot be assembled.
    """
    if path == "-":
        if sys.stdin is None:  # Python's, where it is closed
            raise InputError("cannot read <stdin>: it is closed")
        yield _from_bytes("<stdin>", _read("<stdin>", sys.stdin.buffer))
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
                yield _from_bytes(path, _read(path, file))
            return
        if not _lease(fd):
            with os.fdopen(os.dup(fd), "rb") as file:
                yield Source(path, _read(path, file), fd)
            return
        if os.fstat(fd).st_size > LARGEST_MODULE:
            raise _too_large(path)
        with mmap.mmap(fd, 0, access=mmap.ACCESS_READ) as data:
            yield Source(path, data, fd)
    finally:
        os.close(fd)


def _read(name: str, file: IO[bytes]) -> bytes:
    """All that there is from here on. Raises InputError where that is too much, or no bytes."""
    pieces = []
    left = LARGEST_MODULE + 1
    try:
        while left and (piece := file.read(min(_PIECE, left))):
            pieces.append(piece)
            left -= len(piece)
    except OSError as error:
        raise InputError(f"cannot read {name}: {error.strerror}") from error
    except MemoryError:
        raise InputError(f"cannot read {name}: there is not enough memory for it") from None
    if not left:
        raise _too_large(name)
    return b"".join(pieces)


def _too_large(name: str) -> InputError:
    return InputError(
        f"{name} has more than {LARGEST_MODULE} bytes, and no engine takes such a module"
    )


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
        from rewriter.files import wasm_tools

        try:
            return Source(name, wasm_tools.assemble(data), is_text=True)
        except ModuleError as error:
            raise error.of(name) from error
    return Source(name, data)

"""An archive as a stream that is read forwards, within limits."""

from __future__ import annotations

import gzip
import lzma
import os
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from rewriter.errors import InputError
from rewriter.trees.heads import FLAGS
from rewriter.trees.item import Format, Identity, identity

__all__ = ["LARGEST_HEADERS", "Stream", "as_input_errors", "copied", "opened", "too_much"]

LARGEST_HEADERS = 1 << 20
"""The most bytes that describe a member of a tar, and the most that its reader asks for at once."""

_LONG_NUMBER = re.compile(rb"\d{101}")
"""No number in a header has so many digits. Some releases of Python take quadratic time for them:
https://github.com/python/cpython/issues/121285
"""


def too_much(path: str, what: str) -> InputError:
    """The error about an archive that holds too much."""
    return InputError(f"cannot read all of {path}: {what}", "NN007")


@contextmanager
def as_input_errors(name: str) -> Iterator[None]:
    """Raise InputError (NN005) for what goes wrong in an archive, or with a member of it."""
    try:
        yield
    except MemoryError:  # for the dictionary of LZMA, which may have 4 GiB
        raise InputError(f"cannot read {name}: there is not enough memory", "NN007") from None
    except RecursionError:
        raise InputError(f"cannot read {name}: it has too many headers", "NN005") from None
    except (
        tarfile.TarError,
        zipfile.BadZipFile,
        NotImplementedError,  # a kind of compression
        RuntimeError,  # a password
        ValueError,
        OverflowError,
        EOFError,
        OSError,
        struct.error,
        zlib.error,
        lzma.LZMAError,
    ) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise InputError(f"cannot read {name}: {reason}", "NN005") from error


@contextmanager
def opened(path: str, expected: Identity | None = None) -> Iterator[BinaryIO]:
    """A regular file. Raises InputError if it cannot be opened, or has changed since it was
    `expected`."""
    try:
        file = open(os.open(path, FLAGS), "rb")  # noqa: SIM115 - closed below
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    with file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"cannot read {path}: it is not a file")
        if expected is not None and identity(status) != expected:
            raise InputError(f"cannot read {path}: it has changed since it was looked at")
        yield file


class Stream:
    """The bytes of an archive, as tarfile reads them: forwards only, and at most `most` of them if
    they are compressed. Those that describe a member are counted, from `describe` to `contents`.
    """

    def __init__(self, path: str, file: BinaryIO, form: Format, most: int) -> None:
        self.path = path
        self._packed = form is Format.TAR_GZIP
        self._file = gzip.GzipFile(fileobj=file) if self._packed else file
        self._most = most
        self._headers: bytearray | None = bytearray()

    def describe(self) -> None:
        """Headers follow."""
        self._headers = bytearray()

    def contents(self) -> bytes:
        """Data follow. Returns the headers that were read."""
        headers, self._headers = self._headers, None
        return bytes(headers or b"")

    def tell(self) -> int:
        """The position, in unpacked bytes."""
        return self._file.tell()

    def seek(self, position: int) -> int:
        """Raises InputError if there is too much before it."""
        self._check(position)
        return self._file.seek(position)

    def read(self, size: int) -> bytes:
        """At most so many bytes. Raises InputError for more than there should be."""
        if not 0 <= size <= LARGEST_HEADERS:
            raise InputError(f"cannot read {self.path}: a header in it has {size} bytes", "NN007")
        if self._headers is not None and len(self._headers) + size > LARGEST_HEADERS:
            raise too_much(self.path, f"a member has more than {LARGEST_HEADERS} bytes of headers")
        self._check(self.tell() + size)
        data = self._file.read(size)
        if self._headers is not None:
            self._headers += data
            if _LONG_NUMBER.search(data):
                raise InputError(f"cannot read {self.path}: a number in it is too long", "NN005")
        return data

    def _check(self, position: int) -> None:
        if self._packed and position > self._most:
            raise too_much(self.path, f"it unpacks to more than {self._most} bytes")


def copied(name: str, file: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    """The bytes of a file from `start` to `end`, piece by piece. Raises InputError if it is shorter
    by now."""
    file.seek(start)
    while start < end:
        piece = file.read(min(end - start, LARGEST_HEADERS))
        if not piece:
            raise InputError(f"cannot read all of {name}: it became shorter")
        start += len(piece)
        yield piece

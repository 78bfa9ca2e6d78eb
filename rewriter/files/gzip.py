"""Decompresses gzip as far as is allowed, and says what a compressed file begins with."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator

from rewriter.errors import InputError

__all__ = ["BITS", "CHUNK", "Read", "head_of", "measure", "unpack", "unpack_whole"]

CHUNK = 1 << 18
"""Bytes read and decompressed at a time."""

BITS = 31
"""For zlib: the format of gzip, with its checksum.

https://docs.python.org/3/library/zlib.html#zlib.decompressobj
"""

Read = Callable[[int], bytes]
"""Gives at most so many bytes, and none at the end."""


def unpack(name: str, read: Read, first: bytes = b"") -> Iterator[bytes]:
    """The data, piece by piece; `first` are compressed bytes that come before those that are read.
    A file may have several parts, and zeros after them, as tapes do.

    Raises InputError (NN005) for data that are damaged, cut off, or followed by others.
    """
    packed = first
    while True:
        part = zlib.decompressobj(BITS)
        while not part.eof:
            packed = packed or read(CHUNK)
            if not packed:
                raise _broken(name, "it is cut off")
            try:
                piece = part.decompress(packed, CHUNK)
            except zlib.error as error:
                raise _broken(name, str(error)) from error
            packed = part.unconsumed_tail
            if piece:
                yield piece
        packed = part.unused_data or read(CHUNK)
        while packed and not packed.strip(b"\0"):
            packed = read(CHUNK)
        if not packed:
            return


def _broken(name: str, reason: str) -> InputError:
    return InputError(f"cannot read {name}: it is compressed with gzip, and {reason}", "NN005")


def head_of(pieces: Iterator[bytes], size: int) -> bytes:
    """The first bytes of the data, or all if they are fewer; the pieces that they are in are used
    up. Raises InputError."""
    head = b""
    while len(head) < size and (piece := next(pieces, b"")):
        head += piece
    return head


def measure(head: bytes, pieces: Iterator[bytes], most: int) -> int | None:
    """How many bytes the data have, or None if they are more than `most`. Raises InputError."""
    size = len(head)
    for piece in pieces:
        size += len(piece)
        if size > most:
            return None
    return size


def unpack_whole(name: str, read: Read, most: int) -> bytes:
    """All data. Raises InputError, with NN007 if they are more than `most` bytes."""
    pieces = []
    size = 0
    for piece in unpack(name, read):
        size += len(piece)
        if size > most:
            raise InputError(f"cannot read {name}: it unpacks to more than {most} bytes", "NN007")
        pieces.append(piece)
    return b"".join(pieces)

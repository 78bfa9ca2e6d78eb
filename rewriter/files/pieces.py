"""A module in pieces: ranges of an input, and new bytes between them."""

from __future__ import annotations

import os
from collections.abc import Iterator

from rewriter.files.input import Source

__all__ = ["assemble", "sha256"]

_CHUNK = 1 << 20
"""Bytes hashed at a time."""


def assemble(source: Source, pieces: tuple[range | bytes, ...]) -> bytes:
    """The whole module, in memory."""
    with memoryview(source.data) as view:
        return b"".join(
            piece if isinstance(piece, bytes) else view[piece.start : piece.stop]
            for piece in pieces
        )


def sha256(source: Source, pieces: tuple[range | bytes, ...]) -> str:
    """The SHA-256 of the whole module, in hexadecimal."""
    import hashlib  # OpenSSL, a tenth of the start-up time, for `digests` only

    digest = hashlib.sha256()
    for piece in pieces:
        for chunk in (piece,) if isinstance(piece, bytes) else _chunks(source, piece):
            digest.update(chunk)
    return digest.hexdigest()


def _chunks(source: Source, piece: range) -> Iterator[bytes]:
    """The bytes of a range. A file's are read, because touched pages of a map count as used."""
    for start in range(piece.start, piece.stop, _CHUNK):
        size = min(_CHUNK, piece.stop - start)
        if source.fd is not None:
            yield os.pread(source.fd, size, start)
        else:
            yield source.data[start : start + size]

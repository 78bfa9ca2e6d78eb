"""Compresses with gzip under the header that the file had: the same input gives the same bytes."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator

from rewriter.errors import InputError

__all__ = ["LONGEST_HEADER", "compressed", "gzip_header"]

LONGEST_HEADER = 1 << 17
"""Bytes that hold any header with an extra field, and names that are not absurd."""

_CHECKED, _EXTRA, _NAME, _COMMENT = 2, 4, 8, 16
"""Flags: https://www.rfc-editor.org/rfc/rfc1952#page-6"""

_LEVELS = {2: 9, 4: 1}
"""What the extra flags say of the compression."""


def gzip_header(name: str, head: bytes) -> bytes:
    """The header at the start of a compressed file. Raises InputError if it is not whole."""
    try:
        flags, end = head[3], 10
        if flags & _EXTRA:
            end += 2 + struct.unpack_from("<H", head, end)[0]
        for text in (_NAME, _COMMENT):
            if flags & text:
                end = head.index(0, end) + 1
        if flags & _CHECKED:
            end += 2
    except (IndexError, ValueError, struct.error):
        end = len(head) + 1
    if end > len(head):
        raise InputError(f"cannot read {name}: its gzip header is damaged, or too long", "NN005")
    return head[:end]


def compressed(header: bytes, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """A compressed file with that header, piece by piece."""
    yield header
    packer = zlib.compressobj(_LEVELS.get(header[8], 6), zlib.DEFLATED, -zlib.MAX_WBITS)
    checksum, size = 0, 0
    for piece in pieces:
        checksum, size = zlib.crc32(piece, checksum), size + len(piece)
        if packed := packer.compress(piece):
            yield packed
    yield packer.flush() + struct.pack("<II", checksum, size & 0xFFFFFFFF)

"""How members of ZIP archives are compressed: the methods by their numbers, and what can be read.

Specification: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.4.5
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

__all__ = [
    "BZIP2",
    "DEFLATED",
    "DESCRIBED",
    "LOCAL",
    "LZMA",
    "MARKED",
    "STORED",
    "packed",
    "unreadable",
]

STORED, DEFLATED, BZIP2, LZMA = 0, 8, 12, 14

_NAMES = {
    1: "Shrink",
    **dict.fromkeys(range(2, 6), "Reduce"),
    6: "Implode",
    9: "Deflate64",
    10: "PKWARE Implode",
    BZIP2: "bzip2",
    LZMA: "LZMA",
    20: "Zstandard",
    93: "Zstandard",
    94: "MP3",
    95: "XZ",
    96: "JPEG",
    97: "WavPack",
    98: "PPMd",
}

LOCAL = struct.Struct("<4s5H3I2H")
"""A member's own header: signature, needed, flags, method, time, date, CRC, stored size, size,
lengths of the name and the extra fields."""

DESCRIBED = 8
"""The flag that says that CRC and sizes follow after the data."""

_LEVEL_BITS = 6
"""Flags that say how hard deflate tried, and for LZMA, that a mark is at the end of the data."""

_LEVELS = {0: 6, 2: 9, 4: 1, 6: 1}

MARKED = 2
"""The flag of LZMA for that mark."""


def unreadable(method: int) -> str | None:
    """Why a member that is compressed so cannot be read; None if it can."""
    if method in (STORED, DEFLATED, BZIP2, LZMA):
        return None
    name = _NAMES.get(method, f"an unknown method ({method})")
    return f"it is compressed by {name}, which is not read; make the archive again with deflate"


def packed(method: int, flags: int, old: bytes, data: bytes) -> tuple[bytes, int]:
    """New data as they are stored by a method that can be read, and the new flags: as hard
    compressed as the old ones, as far as the flags, or the first of the `old` stored bytes, say
    it."""
    if method == STORED:
        return data, flags
    if method == DEFLATED:
        packer = zlib.compressobj(_LEVELS[flags & _LEVEL_BITS], zlib.DEFLATED, -zlib.MAX_WBITS)
        return packer.compress(data) + packer.flush(), flags
    level = int(old[3:4]) if method == BZIP2 else None
    return _by_zipfile(method, level, data), flags & ~_LEVEL_BITS | (method == LZMA) * MARKED


def _by_zipfile(method: int, level: int | None, data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(zipfile.ZipInfo("x"), data, method, level)
        (info,) = archive.infolist()
    whole = out.getvalue()
    lengths = LOCAL.unpack_from(whole)[9:]
    start = LOCAL.size + sum(lengths)
    return whole[start : start + info.compress_size]

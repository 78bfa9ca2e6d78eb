"""The central directory of a ZIP archive: where it is, and its records.

Specification: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.12 to 4.3.16
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from typing import BinaryIO, NamedTuple

from rewriter.errors import InputError
from rewriter.trees.archives.streams import too_much

__all__ = ["END", "END64", "LOCATOR", "RECORD", "WIDE", "Directory", "read_directory"]

RECORD = struct.Struct("<4s6H3I5H2I")
"""A record: signature, made by, needed, flags, method, time, date, CRC, stored size, size, lengths
of the name, the extra fields and the comment, disk, attributes (two), offset."""

END = struct.Struct("<4s4H2IH")
"""The end: signature, disk (two), count (two), size, offset, length of the comment."""

END64 = struct.Struct("<4sQ2H2I4Q")
"""The same for large archives: signature, size of the rest, versions, disks, counts, size,
offset."""

LOCATOR = struct.Struct("<4sIQI")
"""Where END64 is: signature, disk, offset, number of disks."""

WIDE = 0xFFFFFFFF
"""Says that a number is in the extra field for large archives."""

_LARGEST = 1 << 24
"""The most bytes of a directory: zipfile takes 15 times as much memory for it."""

_LONGEST_COMMENT = 0xFFFF


class Directory(NamedTuple):
    """`start` is its offset in the archive, `records` the bytes about each member, and
    `ending` all that follows."""

    start: int
    records: Sequence[bytes]
    ending: bytes


def read_directory(path: str, file: BinaryIO) -> Directory:
    """Raises InputError: NN005 if there is none, or it does not say the same as its end does, so
    that others could read another one; and NN007 if it is too large."""

    def broken(reason: str) -> InputError:
        return InputError(f"cannot read {path}: {reason}", "NN005")

    size = file.seek(0, os.SEEK_END)
    tail_start = max(0, size - END.size - _LONGEST_COMMENT)
    file.seek(tail_start)
    tail = file.read()
    found = tail.rfind(b"PK\5\6")
    if found < 0 or len(tail) - found < END.size:
        raise broken("it is not a ZIP archive, or it is cut off")
    _, disk, first, here, count, length, start, comment = END.unpack_from(tail, found)
    if found + END.size + comment != len(tail):
        raise broken("bytes follow after its end")
    end = tail_start + found
    file.seek(max(0, end - LOCATOR.size))
    if file.read(4) == b"PK\6\7":
        end -= LOCATOR.size + END64.size
        file.seek(max(0, end))
        wide = file.read(END64.size)
        if len(wide) < END64.size or not wide.startswith(b"PK\6\6"):
            raise broken("the end of its directory is damaged")
        _, _, _, _, disk, first, here, count, length, start = END64.unpack(wide)
    if disk or first or here != count:
        raise broken("it is one part of several")
    if start + length != end:
        raise broken("its directory is not where its end says")
    if length > _LARGEST:
        raise too_much(path, f"its directory has {length} bytes")
    file.seek(start)
    try:
        records = list(_split(file.read(length)))
    except struct.error:
        raise broken("its directory is cut off") from None
    if len(records) != count or not all(record.startswith(b"PK\1\2") for record in records):
        raise broken("its directory does not have as many members as its end says")
    file.seek(end)
    return Directory(start, records, file.read())


def _split(directory: bytes) -> Iterator[bytes]:
    position = 0
    while position < len(directory):
        fields = RECORD.unpack_from(directory, position)
        end = position + RECORD.size + sum(fields[10:13])
        yield directory[position:end]
        position = end

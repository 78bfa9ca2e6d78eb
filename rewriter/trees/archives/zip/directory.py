"""The central directory of a ZIP archive: where it is, and its records.

Specification: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.12 to 4.3.16
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from typing import BinaryIO, NamedTuple

from rewriter.errors import InputError
from rewriter.file_kinds import HEAD, mistaken
from rewriter.trees.archives.streams import too_much

__all__ = [
    "END",
    "END64",
    "LOCATOR",
    "RECORD",
    "WIDE",
    "WIDE_FIELD",
    "Directory",
    "extra_fields",
    "raw_name",
    "read_directory",
    "split_extra",
]

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

WIDE_FIELD = 1
"""That field, whose numbers have 64 bits."""

_LARGEST = 1 << 24
"""The most bytes of a directory: zipfile takes 15 times as much memory for it."""

_LONGEST_COMMENT = 0xFFFF


class Directory(NamedTuple):
    """`start` is its offset in the file, and `before` how many bytes come before the archive that
    its own offsets do not count. `records` are the bytes about each member, and `ending` all that
    follows, with zeros at the end, which pad an archive on a tape or in a pipe."""

    start: int
    before: int
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
        file.seek(0)
        found_instead = mistaken(file.read(HEAD), "a ZIP archive")
        if found_instead is None or "ZIP" in found_instead[0].partition(",")[0]:
            raise broken("it is not a ZIP archive, or it is cut off")
        raise broken("; ".join(found_instead))
    _, disk, first, here, count, length, start, comment = END.unpack_from(tail, found)
    rest = found + END.size + comment
    if rest > len(tail) or tail.count(0, rest) != len(tail) - rest:
        raise broken("bytes follow after its end")
    end = tail_start + found
    file.seek(max(0, end - LOCATOR.size))
    if file.read(4) == b"PK\6\7":
        end -= LOCATOR.size + END64.size
        file.seek(max(0, end))
        wide = file.read(END64.size)
        if len(wide) < END64.size or not wide.startswith(b"PK\6\6"):
            raise broken("the end of its directory is damaged")
        narrow = disk, first, here, count, length, start
        disk, first, here, count, length, start = numbers = END64.unpack(wide)[4:]
        if any(one not in (all_, 0xFFFF, WIDE) for one, all_ in zip(narrow, numbers, strict=True)):
            raise broken("its two ends contradict each other")
    if disk or first or here != count:
        raise broken("it is one part of several")
    before = end - length - start
    if before < 0:
        raise broken("its directory is not where its end says")
    if length > _LARGEST:
        raise too_much(path, f"its directory has {length} bytes")
    file.seek(before + start)
    try:
        records = list(_split(file.read(length)))
    except struct.error:
        raise broken("its directory is cut off") from None
    if len(records) != count or not all(record.startswith(b"PK\1\2") for record in records):
        raise broken("its directory does not have as many members as its end says")
    file.seek(end)
    return Directory(before + start, before, records, file.read())


def raw_name(record: bytes) -> bytes:
    """The name of a member, as a record has it."""
    length: int = RECORD.unpack_from(record)[10]
    return record[RECORD.size : RECORD.size + length]


def extra_fields(record: bytes) -> Iterator[tuple[int, bytes]]:
    """The extra fields of a record: the kind and the content of each."""
    fields = RECORD.unpack_from(record)
    start = RECORD.size + fields[10]
    yield from split_extra(record[start : start + fields[11]])


def split_extra(extra: bytes) -> Iterator[tuple[int, bytes]]:
    """The same of all extra fields together."""
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, position)
        yield kind, extra[position + 4 : position + 4 + length]
        position += 4 + length


def _split(directory: bytes) -> Iterator[bytes]:
    position = 0
    while position < len(directory):
        fields = RECORD.unpack_from(directory, position)
        end = position + RECORD.size + sum(fields[10:13])
        yield directory[position:end]
        position = end

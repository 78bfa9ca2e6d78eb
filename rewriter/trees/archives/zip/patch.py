"""Writes a ZIP archive again, with other data in a few of its members: all else stays as it is.

Specification: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
"""

from __future__ import annotations

import bisect
import struct
import sys
import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO, NamedTuple

from rewriter.errors import InputError, OutputError
from rewriter.trees.archives.streams import copied
from rewriter.trees.archives.zip.directory import (
    END,
    END64,
    LOCATOR,
    RECORD,
    WIDE,
    WIDE_FIELD,
    Directory,
    extra_fields,
    read_directory,
    split_extra,
)
from rewriter.trees.archives.zip.methods import DESCRIBED, LOCAL, packed
from rewriter.trees.item import Member

__all__ = ["patched_zip"]

_OFFSET = RECORD.size - 4
"""Where a record says where the member is."""


class _Numbers(NamedTuple):
    """What a record says of its member, with `offset` where its own header is in the file, and the
    flags that change."""

    checksum: int
    stored: int
    size: int
    offset: int
    flags: int = 0


def patched_zip(
    name: str, file: BinaryIO, changes: Iterable[tuple[Member, bytes]]
) -> Iterator[bytes]:
    """The archive, piece by piece. `changes` are in the order of the members' offsets.

    Raises InputError if it is not as it was, and OutputError if it would become too large.
    """
    directory = read_directory(name, file)
    try:
        numbers = [_numbers(record, directory.before) for record in directory.records]
    except struct.error as error:
        raise InputError(f"cannot read {name}: an extra field is cut off", "NN005") from error
    starts = sorted(each.offset for each in numbers)
    following = dict(zip(starts, [*starts[1:], directory.start], strict=True))
    position = shift = 0
    new: dict[int, _Numbers] = {}
    moved = [(0, 0)]
    for member, data in changes:
        yield from copied(name, file, position, member.offset)
        local, stored, flags = _pack(file, member, data)
        yield local
        yield stored
        position = following[member.offset]
        checksum, start = zlib.crc32(data), member.offset + shift
        new[member.offset] = _Numbers(checksum, len(stored), len(data), start, flags)
        shift += len(local) + len(stored) - (position - member.offset)
        moved.append((position, shift))
    yield from copied(name, file, position, directory.start)
    length = 0
    for record, old in zip(directory.records, numbers, strict=True):
        index = bisect.bisect_right(moved, (old.offset, sys.maxsize)) - 1
        now = new.get(old.offset, old._replace(offset=old.offset + moved[index][1]))
        now = now._replace(offset=now.offset - directory.before)
        record = _record(record, now, changed=old.offset in new)
        length += len(record)
        yield record
    yield _ending(name, directory, directory.start - directory.before + shift, length)


def _numbers(record: bytes, before: int) -> _Numbers:
    fields = RECORD.unpack_from(record)
    checksum, stored, size, offset = *fields[7:10], fields[16]
    wide = next((body for kind, body in extra_fields(record) if kind == WIDE_FIELD), b"")
    position = 0
    found = []
    for number in (size, stored, offset):
        if number == WIDE:
            (number,) = struct.unpack_from("<Q", wide, position)
            position += 8
        found.append(number)
    return _Numbers(checksum, found[1], found[0], found[2] + before)


def _with_wide(extra: bytes, wide: bytes) -> bytes:
    """The extra fields with these numbers of 64 bits, or without any."""
    fields = list(split_extra(extra))
    if wide and not any(kind == WIDE_FIELD for kind, _ in fields):
        fields.insert(0, (WIDE_FIELD, b""))
    bodies = ((kind, wide if kind == WIDE_FIELD else body) for kind, body in fields)
    return b"".join(
        struct.pack("<HH", kind, len(body)) + body
        for kind, body in bodies
        if kind != WIDE_FIELD or body
    )


def _pack(file: BinaryIO, member: Member, data: bytes) -> tuple[bytes, bytes, int]:
    """The header and the stored data of a member with new data, and the flags that change."""
    file.seek(member.offset)
    fields = list(LOCAL.unpack(file.read(LOCAL.size)))
    text, extra = file.read(fields[9]), _with_wide(file.read(fields[10]), b"")
    flags = fields[2]
    stored, fields[2] = packed(fields[3], flags & ~DESCRIBED, file.read(4), data)
    fields[6:11] = zlib.crc32(data), len(stored), len(data), len(text), len(extra)
    return LOCAL.pack(*fields) + text + extra, stored, flags ^ fields[2]


def _record(record: bytes, numbers: _Numbers, *, changed: bool) -> bytes:
    fields = list(RECORD.unpack_from(record))
    if not changed and fields[16] != WIDE and numbers.offset < WIDE:
        return record[:_OFFSET] + struct.pack("<I", numbers.offset) + record[RECORD.size :]
    name_end = RECORD.size + fields[10]
    extra_end = name_end + fields[11]
    extra = record[name_end:extra_end]
    if changed:
        fields[3] ^= numbers.flags
        fields[7] = numbers.checksum
    wide = b""
    for place, number in ((9, numbers.size), (8, numbers.stored), (16, numbers.offset)):
        if number >= WIDE or (fields[place] == WIDE and not changed):
            wide += struct.pack("<Q", number)
            fields[place] = WIDE
        else:
            fields[place] = number
    extra = _with_wide(extra, wide)
    fields[11] = len(extra)
    return RECORD.pack(*fields) + record[RECORD.size : name_end] + extra + record[extra_end:]


def _ending(name: str, directory: Directory, start: int, length: int) -> bytes:
    """What follows after the directory, where that has another place and size."""
    ending, wide = directory.ending, b""
    if ending.startswith(b"PK\6\6"):
        fields = list(END64.unpack_from(ending))
        fields[8:10] = length, start
        locator = list(LOCATOR.unpack_from(ending, END64.size))
        locator[2] = start + length
        wide = END64.pack(*fields) + LOCATOR.pack(*locator)
        ending = ending[len(wide) :]
    elif start + length >= WIDE:
        raise OutputError(f"cannot change {name}: it would become larger than 4 GiB")
    end = list(END.unpack_from(ending))
    end[5] = end[5] if end[5] == WIDE else min(length, WIDE)
    end[6] = end[6] if end[6] == WIDE else min(start, WIDE)
    return wide + END.pack(*end) + ending[END.size :]

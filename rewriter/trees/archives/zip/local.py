"""A ZIP member's own header, which readers of streams go by, beside its record in the directory.

Specification: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.7 and 4.5.3
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from rewriter.trees.archives.zip.directory import (
    RECORD,
    WIDE,
    WIDE_FIELD,
    extra_fields,
    raw_name,
    split_extra,
)
from rewriter.trees.archives.zip.methods import DESCRIBED, LOCAL
from rewriter.trees.archives.zip.names import UNICODE_PATH, decoded_name, member_name

__all__ = ["MEMBER", "checked_start"]

MEMBER = b"PK\3\4"
"""What a member begins with."""

_COMPARED = DESCRIBED | 0x2061
"""The flags that say how to read it: also encryption, of three kinds, and patches."""

_Fields = Sequence[tuple[int, bytes]]


def checked_start(file: BinaryIO, info: zipfile.ZipInfo, record: bytes) -> int:
    """Where a member's data are. Raises BadZipFile if its header says something else than the
    record in the directory, and ValueError like `member_name`."""
    file.seek(info.header_offset)
    header = file.read(LOCAL.size)
    if len(header) < LOCAL.size or not header.startswith(MEMBER):
        raise zipfile.BadZipFile(f"{info.filename} has no header")
    _, _, flags, method, _, _, checksum, stored, size, *lengths = LOCAL.unpack(header)
    raw, extra = file.read(lengths[0]), file.read(lengths[1])
    fields = list(split_extra(extra))
    follow = {0} if flags & DESCRIBED else set()
    sizes, all_stored = zip(*_sizes(size, stored, fields), strict=True)
    if (
        raw != raw_name(record)
        or method != info.compress_type
        or (flags ^ info.flag_bits) & _COMPARED
        or checksum not in follow | {info.CRC}
        or not set(sizes) <= follow | {info.file_size}
        or not set(all_stored) <= follow | {info.compress_size}
        or not _fields_fit(record, flags, fields)
    ):
        raise zipfile.BadZipFile(f"{info.filename} has another header than its directory says")
    return int(info.header_offset + LOCAL.size + sum(lengths))


def _sizes(size: int, stored: int, fields: _Fields) -> Iterator[tuple[int, int]]:
    """The size and the stored size that a header says, also as readers see them that take those of
    64 bits although nothing says so."""
    body = dict(fields).get(WIDE_FIELD, b"")
    numbers = [number for (number,) in struct.iter_unpack("<Q", body[: len(body) // 8 * 8])]
    both = len(numbers) > 1
    if both:
        yield numbers[0], numbers[1]
    wide_size = numbers.pop(0) if numbers and (both or size == WIDE) else WIDE
    wide_stored = numbers.pop(0) if numbers else WIDE
    yield wide_size if size == WIDE else size, wide_stored if stored == WIDE else stored


def _fields_fit(record: bytes, flags: int, fields: _Fields) -> bool:
    """Whether the extra fields are each there once, and say the same as those of the directory, for
    readers that know them all, or none."""
    in_record = list(extra_fields(record))
    if not (fields or in_record):
        return True
    for kind in (WIDE_FIELD, UNICODE_PATH):
        if max([each for each, _ in some].count(kind) for some in (fields, in_record)) > 1:
            return False
    numbers = RECORD.unpack_from(record)
    stored, size, offset = numbers[8], numbers[9], numbers[16]
    if WIDE not in (stored, size, offset) and set(_sizes(size, stored, in_record)) != {
        (size, stored)
    }:
        return False
    raw = raw_name(record)
    names = member_name(record), decoded_name(raw, numbers[3], ())
    return decoded_name(raw, flags, fields) in names

"""What readers of streams could take for the end of a ZIP archive's member, before the real one.

They go by the data where sizes follow after those. Specification:
https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.9
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from typing import BinaryIO

from rewriter.trees.archives.streams import copied
from rewriter.trees.archives.zip.local import MEMBER
from rewriter.trees.archives.zip.methods import DESCRIBED, LOCAL, STORED

__all__ = ["check_stored", "may_hide"]

_MARK = b"PK\7\x08"
"""What the sizes and the checksum begin with."""

_MARKED = len(_MARK) + 4
"""Bytes of that and the checksum."""


def may_hide(file: BinaryIO, info: zipfile.ZipInfo) -> bool:
    """Whether sizes follow after packed data, and another member could be in these, after their own
    end: then they have to be read to that."""
    if not info.flag_bits & DESCRIBED or info.compress_type == STORED:
        return False
    kept = b""
    for piece in copied(info.filename, file, *_place(file, info)):
        if MEMBER in kept + piece:
            return True
        kept = piece[1 - len(MEMBER) :]
    return False


def check_stored(file: BinaryIO, info: zipfile.ZipInfo) -> None:
    """Raise BadZipFile for data that are not packed, and that have the mark of an end in them with
    the checksum of what is before it."""
    if not info.flag_bits & DESCRIBED or info.compress_type != STORED:
        return
    checksum, data = 0, b""
    for piece in copied(info.filename, file, *_place(file, info)):
        data += piece
        counted = 0
        while (at := data.find(_MARK, counted)) >= 0 and at + _MARKED <= len(data):
            checksum = zlib.crc32(data[counted:at], checksum)
            if data[at + len(_MARK) : at + _MARKED] == struct.pack("<I", checksum):
                raise zipfile.BadZipFile("its sizes follow after its data, and also within them")
            checksum = zlib.crc32(data[at : at + 1], checksum)
            counted = at + 1
        rest = max(counted, len(data) - _MARKED + 1)
        checksum = zlib.crc32(data[counted:rest], checksum)
        data = data[rest:]


def _place(file: BinaryIO, info: zipfile.ZipInfo) -> tuple[int, int]:
    """Where the stored data of a member begin and end."""
    file.seek(info.header_offset)
    start = info.header_offset + LOCAL.size + sum(LOCAL.unpack(file.read(LOCAL.size))[9:])
    return start, start + info.compress_size

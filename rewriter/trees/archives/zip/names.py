"""The names of a ZIP archive's members, from the bytes in its directory.

Specification: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, appendix D
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable

from rewriter.trees.archives.zip.directory import RECORD, extra_fields, raw_name

__all__ = ["UNICODE_PATH", "decoded_name", "member_name"]

_IS_UTF8 = 0x800
"""A flag."""

UNICODE_PATH = 0x7075
"""The extra field with the name in UTF-8, and the version and checksum of the other name."""

_CHECKED = struct.Struct("<BI")


def member_name(record: bytes) -> str:
    """In UTF-8 where it is, although nothing says so, as Info-ZIP writes it; else in cp437. Raises
    ValueError if it is said to be in UTF-8, and is not."""
    return decoded_name(raw_name(record), RECORD.unpack_from(record)[3], extra_fields(record))


def decoded_name(raw: bytes, flags: int, fields: Iterable[tuple[int, bytes]]) -> str:
    """The same from a header's name, flags and extra fields."""
    for kind, body in fields:
        if kind == UNICODE_PATH and len(body) >= _CHECKED.size:
            version, checksum = _CHECKED.unpack_from(body)
            if version == 1 and checksum == zlib.crc32(raw):
                return _decoded(body[_CHECKED.size :])
    if flags & _IS_UTF8:
        return _decoded(raw)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp437")


def _decoded(name: bytes) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError:
        shown = name.decode("ascii", "backslashreplace")
        raise ValueError(f"the name {shown} is said to be in UTF-8, and is not") from None

"""The headers of a member of a tar, as bytes: tarfile forgives what other readers do not."""

from __future__ import annotations

import re
import tarfile

__all__ = ["BLOCK", "check_headers"]

BLOCK = 512
"""Bytes. Headers and data begin at a multiple of them."""

_KIND = slice(156, 157)
_SIZE = slice(124, 136)
"""Where the type and the size are, as octal digits:
https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06
"""

_PAX = b"xgX"
_LONG = b"LK"
"""The types of headers that come before a member's own: records, and GNU's long names."""

_LENGTH = re.compile(rb"([1-9]\d{0,9}) ")


def check_headers(headers: bytes) -> None:
    """Raise tarfile.ReadError for records that are not well formed: tarfile uses those before them,
    GNU tar uses none, and so the two see different data."""
    position = 0
    while (kind := headers[position:][_KIND]) and kind in _PAX + _LONG:
        digits = headers[position:][_SIZE].strip(b" \0")
        if not re.fullmatch(rb"[0-7]+", digits):
            raise tarfile.ReadError("a header has no size")
        start = position + BLOCK
        end = start + int(digits, 8)
        if kind in _PAX:
            _check_records(headers[start:end])
        position = end + -end % BLOCK


def _check_records(records: bytes) -> None:
    position = 0
    while position < len(records):
        length = _LENGTH.match(records, position)
        end = position + int(length[1]) if length else 0
        record = records[length.end() : end] if length else b""
        if end > len(records) or not record.endswith(b"\n") or b"=" not in record[1:]:
            raise tarfile.ReadError("a record of an extended header is not well formed")
        position = end

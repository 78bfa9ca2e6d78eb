"""The headers of a member of a tar, as bytes: tarfile forgives what other readers do not."""

from __future__ import annotations

import re
import tarfile
from typing import NamedTuple, cast

from rewriter.trees.archives.tar.records import HOLES, NAMES, check_records

__all__ = ["BLOCK", "Described", "check_data", "check_headers"]

BLOCK = 512
"""Bytes. Headers and data begin at a multiple of them."""

_KIND = slice(156, 157)
_SIZE = slice(124, 136)
"""Where the type and the size are, as octal digits:
https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06
"""

_PAX, _PAX_FOR_ALL = b"xX", b"g"
_LONG = b"LK"
"""The types of headers that come before a member's own: records, and GNU's long names."""


class Described(NamedTuple):
    """What the headers of a member say: how many bytes they have together, without a map of holes
    that follows, how many bytes are stored after them, and the records for this member."""

    length: int
    stored: int
    records: dict[bytes, bytes]


def check_headers(headers: bytes) -> Described:
    """Raise tarfile.ReadError for headers that readers take for different things."""
    position = 0
    before: set[bytes] = set()
    records: dict[bytes, bytes] = {}
    while (kind := headers[position:][_KIND]) and kind in _PAX + _PAX_FOR_ALL + _LONG:
        digits = headers[position:][_SIZE].strip(b" \0")
        if not re.fullmatch(rb"[0-7]+", digits):
            raise tarfile.ReadError("a header has no size")
        start = position + BLOCK
        end = start + int(digits, 8)
        if kind == _PAX_FOR_ALL:
            check_records(headers[start:end], for_all=True)
        elif kind in _PAX:
            kind = _PAX
            records = check_records(headers[start:end], for_all=False)
        if kind in before or (kind == _PAX_FOR_ALL and before):
            raise tarfile.ReadError("a member has two extended headers or long names")
        before |= {kind} - {_PAX_FOR_ALL}
        position = end + -end % BLOCK
    if records.keys() & (NAMES | {HOLES + b"name"}) and before - {_PAX}:
        raise tarfile.ReadError("a member has two long names, each in another header")
    position += BLOCK
    own = tarfile.TarInfo.frombuf(headers[position - BLOCK : position], "utf-8", "surrogateescape")
    stored = int(records.get(b"size", own.size))
    if own.size not in (0, stored):  # 0 is written for what is too large for a header
        raise tarfile.ReadError("a member has two sizes, which contradict each other")
    return Described(position, stored, records)


def check_data(info: tarfile.TarInfo, said: Described, start: int, end: int) -> None:
    """The data of a member are all that is stored after its headers, which begin at `start`, up to
    the next member at `end`. Raises tarfile.ReadError."""
    first = start + said.length
    map_size = info.offset_data - first
    if info.type == tarfile.GNUTYPE_SPARSE:  # whose size does not count its map
        first, map_size = info.offset_data, 0
    size = said.stored - map_size
    if end != first + said.stored + -said.stored % BLOCK:
        raise tarfile.ReadError(f"{info.name} is not where its size says")
    holes = cast("list[tuple[int, int]] | None", info.sparse)
    fits = info.size == size if holes is None else _holes_fit(holes, info.size, size)
    if not fits or int(said.records.get(b"SCHILY.realsize", info.size)) != info.size:
        raise tarfile.ReadError(f"{info.name} has other data than its headers say")


def _holes_fit(pieces: list[tuple[int, int]], whole: int, stored: int) -> bool:
    """Whether the pieces, each with its place and size, are in order and are all that is stored."""
    position = 0
    for place, size in pieces:
        if size and not position <= place <= place + size <= whole:
            return False
        position = place + size if size else position
    return sum(size for _, size in pieces) == stored

"""The records of a tar's extended headers that say which data a member has, and its name.

Specification: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_03
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator

__all__ = ["HOLES", "NAMES", "check_records", "records_of"]

HOLES = b"GNU.sparse."
"""What the keys of files with holes begin with."""

NAMES = {b"path", b"linkpath"}

_REPEATED = {b"offset", b"numbytes"}
"""The keys that the oldest of the formats of files with holes has for each piece of the data."""

_FORMATS = (
    {b"size", b"numblocks"},
    {b"size", b"numblocks", *_REPEATED},
    {b"size", b"numblocks", b"name", b"map"},
    {b"major", b"minor", b"name", b"realsize"},
)
"""The keys that each of the formats has: 0.0, without data and with some, 0.1 and 1.0.

https://www.gnu.org/software/tar/manual/html_node/PAX-0.html
https://www.gnu.org/software/tar/manual/html_node/PAX-1.html
"""

_VERSION = {b"major": b"1", b"minor": b"0"}

_PART = re.compile(rb"GNU\.volume\.(filename|offset|size)|SUN\.holesdata")
"""Keys of the rest of a file from another volume, and of holes that only Solaris knows:
https://www.gnu.org/software/tar/manual/html_node/Split-Recovery.html"""

_NUMBERS = re.compile(
    rb"size|SCHILY\.realsize|GNU\.sparse\.(size|realsize|numblocks|offset|numbytes)"
)

_LENGTH = re.compile(rb"([1-9]\d{0,9}) ")


def records_of(header: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The key and the value of each. Raises tarfile.ReadError for those that are not well formed:
    tarfile uses the ones before them, GNU tar uses none, and so the two see different data."""
    position = 0
    while position < len(header):
        length = _LENGTH.match(header, position)
        end = position + int(length[1]) if length else 0
        record = header[length.end() : end] if length else b""
        key, equals, value = record[:-1].partition(b"=")
        if end > len(header) or not record.endswith(b"\n") or not key or not equals:
            raise tarfile.ReadError("a record of an extended header is not well formed")
        yield key, value
        position = end


def check_records(header: bytes, *, for_all: bool) -> dict[bytes, bytes]:
    """The records of a header for one member, or `for_all` that follow. Raises tarfile.ReadError
    for those that readers take for different things."""
    found: dict[bytes, bytes] = {}
    for key, value in records_of(header):
        about_data = key in NAMES or key.startswith(HOLES) or bool(_NUMBERS.fullmatch(key))
        if _PART.fullmatch(key) or (for_all and about_data):
            whose = "all members that follow" if for_all else "a member"
            raise tarfile.ReadError(
                f"an extended header gives {whose} {_shown(key)}, which readers take for "
                "different things; make the archive again"
            )
        if key in found and about_data and key.removeprefix(HOLES) not in _REPEATED:
            raise tarfile.ReadError(f"an extended header has {_shown(key)} twice")
        if _NUMBERS.fullmatch(key) and not re.fullmatch(rb"\d{1,19}", value):
            raise tarfile.ReadError(f"{_shown(key)} in an extended header is not a number")
        found[key] = value
    holes = {key.removeprefix(HOLES): found[key] for key in found if key.startswith(HOLES)}
    other_version = b"major" in holes and not _VERSION.items() <= holes.items()
    if holes and (set(holes) not in _FORMATS or other_version):
        raise tarfile.ReadError("a file with holes is described in an unknown way")
    return found


def _shown(key: bytes) -> str:
    return key.decode("ascii", "backslashreplace")

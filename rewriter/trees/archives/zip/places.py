"""Where the members of a ZIP archive are: readers that take one after the other see the same."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from typing import BinaryIO

from rewriter.file_kinds import GZIP, HEAD
from rewriter.files.gzip import CHUNK
from rewriter.trees.archives.zip.directory import WIDE, Directory, raw_name
from rewriter.trees.archives.zip.methods import LOCAL
from rewriter.trees.heads import holds_files

__all__ = ["check_places"]

_MEMBER, _RECORD = b"PK\3\4", b"PK\1\2"
"""What a member begins with, and a record of a directory."""

_DESCRIBED, _DESCRIPTOR = 8, 24
"""The flag that says that CRC and sizes follow after the data, and the bytes of those, at most."""


def check_places(archive: zipfile.ZipFile, file: BinaryIO, directory: Directory) -> None:
    """The members fill the archive, after what may come before it: none overlaps another, as in
    bombs, and nothing is between them that a reader which takes one after the other would see. Each
    has the same name, method and sizes there as in the directory. Raises BadZipFile.

    https://www.bamsoftware.com/hacks/zipbomb/
    """
    both = zip(archive.filelist, directory.records, strict=True)
    members = sorted(both, key=lambda member: member[0].header_offset)
    end = members[0][0].header_offset if members else directory.start
    slack = 0
    _check_before(file, end)
    for info, record in members:
        if not end <= info.header_offset <= end + slack:
            raise zipfile.BadZipFile(f"{info.filename} is not where the member before it ends")
        end = _checked_start(file, info, record) + info.compress_size
        slack = _DESCRIPTOR if info.flag_bits & _DESCRIBED else 0
    if not end <= directory.start <= end + slack:
        raise zipfile.BadZipFile("its directory is not where the last member ends")


def _check_before(file: BinaryIO, end: int) -> None:
    """What comes before, such as a program that unpacks the archive, has no members and no
    directory in it that others would see, and is not an archive itself."""
    file.seek(0)
    head = file.read(min(HEAD, end))
    if head.startswith(GZIP) or holds_files("", head):
        raise zipfile.BadZipFile("another archive comes before it")
    if any(_MEMBER in piece or _RECORD in piece for piece in _pieces(file, end)):
        raise zipfile.BadZipFile("a part of another ZIP archive comes before it")


def _pieces(file: BinaryIO, end: int) -> Iterator[bytes]:
    """Of what comes before `end`, each with the last bytes of the one before it."""
    kept = b""
    file.seek(0)
    while end > 0 and (piece := file.read(min(CHUNK, end))):
        end -= len(piece)
        yield kept + piece
        kept = piece[1 - len(_MEMBER) :]


def _checked_start(file: BinaryIO, info: zipfile.ZipInfo, record: bytes) -> int:
    """Where a member's data are."""
    file.seek(info.header_offset)
    header = file.read(LOCAL.size)
    if len(header) < LOCAL.size or not header.startswith(_MEMBER):
        raise zipfile.BadZipFile(f"{info.filename} has no header")
    _, _, flags, method, _, _, _, stored, size, name_length, extra_length = LOCAL.unpack(header)
    sizes = ((stored, info.compress_size), (size, info.file_size))
    if (
        file.read(name_length) != raw_name(record)
        or method != info.compress_type
        or (flags ^ info.flag_bits) & _DESCRIBED
        or not (flags & _DESCRIBED or all(here in (there, WIDE) for here, there in sizes))
    ):
        raise zipfile.BadZipFile(f"{info.filename} has another header than its directory says")
    return int(info.header_offset + LOCAL.size + name_length + extra_length)

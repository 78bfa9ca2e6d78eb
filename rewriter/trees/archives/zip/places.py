"""Where the members of a ZIP archive are: readers that take one after the other see the same."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from rewriter.file_kinds import GZIP, HEAD
from rewriter.files.gzip import CHUNK
from rewriter.trees.archives.zip.directory import WIDE, Directory
from rewriter.trees.archives.zip.local import MEMBER, checked_start
from rewriter.trees.archives.zip.methods import DESCRIBED
from rewriter.trees.heads import holds_files

__all__ = ["check_places"]

_RECORD = b"PK\1\2"
"""What a record of a directory begins with."""

_DESCRIPTOR = 24
"""The most bytes of CRC and sizes that follow after the data."""


def check_places(archive: zipfile.ZipFile, file: BinaryIO, directory: Directory) -> None:
    """The members fill the archive, after what may come before it: none overlaps another, as in
    bombs, and nothing is between them that a reader which takes one after the other would see. Each
    is there as the directory says. Raises BadZipFile.

    https://www.bamsoftware.com/hacks/zipbomb/
    """
    both = zip(archive.filelist, directory.records, strict=True)
    members = sorted(both, key=lambda member: member[0].header_offset)
    end = members[0][0].header_offset if members else directory.start
    between: Iterable[bytes] = (b"",)
    _check_before(file, end)
    for info, record in members:
        if not _is_between(file, end, info.header_offset, between):
            raise zipfile.BadZipFile(f"{info.filename} is not where the member before it ends")
        end = checked_start(file, info, record) + info.compress_size
        between = _descriptions(info)
    if not _is_between(file, end, directory.start, between):
        raise zipfile.BadZipFile("its directory is not where the last member ends")


def _is_between(file: BinaryIO, start: int, end: int, expected: Iterable[bytes]) -> bool:
    """Whether the bytes from `start` to `end` are as expected."""
    if not 0 <= end - start <= _DESCRIPTOR:
        return False
    file.seek(start)
    return file.read(end - start) in expected


def _check_before(file: BinaryIO, end: int) -> None:
    """What comes before, such as a program that unpacks the archive, has no members and no
    directory in it that others would see, and is not an archive itself."""
    file.seek(0)
    head = file.read(min(HEAD, end))
    if head.startswith(GZIP) or holds_files("", head):
        raise zipfile.BadZipFile("another archive comes before it")
    if any(MEMBER in piece or _RECORD in piece for piece in _pieces(file, end)):
        raise zipfile.BadZipFile("a part of another ZIP archive comes before it")


def _pieces(file: BinaryIO, end: int) -> Iterator[bytes]:
    """Of what comes before `end`, each with the last bytes of the one before it."""
    kept = b""
    file.seek(0)
    while end > 0 and (piece := file.read(min(CHUNK, end))):
        end -= len(piece)
        yield kept + piece
        kept = piece[1 - len(MEMBER) :]


def _descriptions(info: zipfile.ZipInfo) -> Iterator[bytes]:
    """What may follow after the data of a member whose header leaves CRC and sizes to that: nothing
    or those, with or without a mark, and with 32 or 64 bits."""
    yield b""
    if info.flag_bits & DESCRIBED:
        numbers = info.CRC, info.compress_size, info.file_size
        for form in ("<I2I", "<I2Q") if max(numbers) < WIDE else ("<I2Q",):
            yield from (mark + struct.pack(form, *numbers) for mark in (b"PK\7\x08", b""))

"""Reads ZIP archives: their members, and what is wrong with them."""

from __future__ import annotations

import stat
import struct
import zipfile
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from rewriter.errors import InputError
from rewriter.trees.archives.streams import as_input_errors
from rewriter.trees.archives.zip.directory import read_directory
from rewriter.trees.names import escapes, link_escapes

__all__ = ["ZipMember", "open_zip", "zip_members"]

_LOCAL_HEADER = 30
"""Bytes, without the name and the extra fields."""

_LENGTHS = struct.Struct("<HH")
"""Of these, at the header's end."""

_DESCRIBED, _DESCRIPTOR = 8, 24
"""The flag that says that CRC and sizes follow after the data, and the bytes of those, at most."""

_LONGEST_LINK = 4096
"""Bytes of a link's target."""


class ZipMember(NamedTuple):
    """A member of an archive. `unsafe` is why it must not be unpacked, with a code."""

    info: zipfile.ZipInfo
    name: str
    unsafe: tuple[str, str] | None

    @property
    def has_data(self) -> bool:
        """Whether it is a file, and no folder or link."""
        return not self.info.is_dir() and not _is_link(self.info)


def open_zip(path: str, file: BinaryIO) -> zipfile.ZipFile:
    """Raises InputError, like `read_directory`, and NN005 if members overlap."""
    directory = read_directory(path, file)
    with as_input_errors(path):
        archive = zipfile.ZipFile(file)
        if archive.start_dir != directory.start or len(archive.filelist) != len(directory.records):
            raise zipfile.BadZipFile("its directory is not where its end says")
        _check_places(archive, file, directory.start)
    return archive


def _check_places(archive: zipfile.ZipFile, file: BinaryIO, directory: int) -> None:
    """The members fill the archive: none overlaps another, as in bombs, and nothing is between them
    that a reader which takes one after the other would see.

    https://www.bamsoftware.com/hacks/zipbomb/
    """
    end = slack = 0
    for info in sorted(archive.filelist, key=lambda info: info.header_offset):
        if not end <= info.header_offset <= end + slack:
            raise zipfile.BadZipFile(f"{_name(info)} is not where the member before it ends")
        file.seek(info.header_offset)
        header = file.read(_LOCAL_HEADER)
        if len(header) < _LOCAL_HEADER:
            raise zipfile.BadZipFile(f"{_name(info)} has no header")
        end = info.header_offset + _LOCAL_HEADER + sum(_LENGTHS.unpack(header[-4:]))
        end += info.compress_size
        slack = _DESCRIPTOR if info.flag_bits & _DESCRIBED else 0
    if not end <= directory <= end + slack:
        raise zipfile.BadZipFile("its directory is not where the last member ends")


def zip_members(archive: zipfile.ZipFile) -> Iterator[ZipMember]:
    """All members, in the directory's order."""
    for info in archive.filelist:
        name = _name(info)
        yield ZipMember(info, name, _unsafe(archive, info, name))


def _name(info: zipfile.ZipInfo) -> str:
    """In UTF-8 where it is, although nothing says so, as Info-ZIP writes it."""
    if info.flag_bits & 0x800:
        return info.filename
    raw = info.filename.encode("cp437")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return info.filename


def _is_link(info: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(info.external_attr >> 16)


def _unsafe(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> tuple[str, str] | None:
    mode = info.external_attr >> 16
    if escapes(name) or escapes(info.orig_filename):
        return "its name leads out of the archive", "NN006"
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode) or stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
        return "it is a device, a pipe or a socket", "NN001"
    if info.flag_bits & 1:
        return "it is encrypted", "NN005"
    if not _is_link(info):
        return None
    if info.file_size > _LONGEST_LINK:
        return "it is a link, and its target is too long", "NN006"
    try:
        with as_input_errors(name):
            target = archive.read(info).decode("utf-8", "surrogateescape")
    except InputError:
        return "it is a link, and its target is damaged", "NN005"
    if link_escapes(name, target):
        return "it is a link that leads out of the archive", "NN006"
    return None

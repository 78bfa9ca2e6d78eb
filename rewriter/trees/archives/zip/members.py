"""Reads ZIP archives: their members, and what is wrong with them."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, NamedTuple

from rewriter.errors import InputError
from rewriter.files.gzip import Read
from rewriter.trees.archives.streams import as_input_errors
from rewriter.trees.archives.zip.directory import Directory, raw_name, read_directory
from rewriter.trees.archives.zip.methods import STORED, unreadable
from rewriter.trees.archives.zip.names import member_name
from rewriter.trees.archives.zip.places import check_places
from rewriter.trees.archives.zip.reading import opened_member
from rewriter.trees.names import link_escapes, unsafe_name

__all__ = ["Zip", "ZipMember", "open_zip", "zip_members"]

_ENCRYPTED, _PATCH = 0x41, 0x20
"""Flags."""

_LONGEST_LINK = 4096
"""Bytes of a link's target."""

_NO_DATA = 2
"""The most bytes that deflate makes of none."""


class Zip(NamedTuple):
    """An open archive, and the file that it is in."""

    archive: zipfile.ZipFile
    file: BinaryIO
    directory: Directory

    @contextmanager
    def open(self, info: zipfile.ZipInfo) -> Iterator[Read]:
        """The data of a member. Raises what `opened_member` raises."""
        with opened_member(self.archive, self.file, info) as read:
            yield read


class ZipMember(NamedTuple):
    """A member of an archive. `target` is that of a link. `unsafe` is why it must not be unpacked,
    with a code."""

    info: zipfile.ZipInfo
    name: str
    target: str | None
    unsafe: tuple[str, str] | None

    @property
    def has_data(self) -> bool:
        """Whether it is a file, and no folder or link."""
        return not (_is_folder(self.name) or _is_link(self.info))


def open_zip(path: str, file: BinaryIO) -> Zip:
    """Raises InputError, like `read_directory`: NN005 if members overlap, or are not as the
    directory says, and for names that are not in the encoding that they are said to be in."""
    directory = read_directory(path, file)
    with as_input_errors(path):
        for record in directory.records:
            member_name(record)
        archive = zipfile.ZipFile(file)
        if archive.start_dir != directory.start or len(archive.filelist) != len(directory.records):
            raise zipfile.BadZipFile("its directory is not where its end says")
        check_places(archive, file, directory)
    return Zip(archive, file, directory)


def zip_members(opened: Zip) -> Iterator[ZipMember]:
    """All members, in the directory's order."""
    for info, record in zip(opened.archive.filelist, opened.directory.records, strict=True):
        name, target = member_name(record), None
        other = raw_name(record).decode("latin-1")  # for readers that do not know the better one
        unsafe = _unsafe(info, name) or unsafe_name(other)
        if unsafe is None and _is_link(info):
            target, unsafe = _target(opened, info, name)
        yield ZipMember(info, name, target, unsafe)


def _is_folder(name: str) -> bool:
    return name.endswith("/")


def _is_link(info: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(info.external_attr >> 16)


def _unsafe(info: zipfile.ZipInfo, name: str) -> tuple[str, str] | None:
    mode = info.external_attr >> 16
    unsafe = unsafe_name(name)
    if unsafe is not None:
        return unsafe
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode) or stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
        return "it is a device, a pipe or a socket", "NN001"
    if info.flag_bits & _ENCRYPTED:
        return "it is encrypted", "NN005"
    if info.flag_bits & _PATCH:
        return "it is a patch for other data", "NN005"
    if info.compress_type == STORED and info.compress_size != info.file_size:
        return "it is stored as it is, and has two sizes, which contradict each other", "NN005"
    if _is_folder(name) and (info.file_size or info.compress_size > _NO_DATA):
        return "it is a folder by its name, and has data", "NN005"
    method = unreadable(info.compress_type)
    return None if method is None else (method, "NN005")


def _target(
    opened: Zip, info: zipfile.ZipInfo, name: str
) -> tuple[str | None, tuple[str, str] | None]:
    """Where a link leads to, and why it must not be unpacked."""
    if info.file_size > _LONGEST_LINK:
        return None, ("it is a link, and its target is too long", "NN006")
    try:
        with as_input_errors(name), opened.open(info) as read:
            target = read(_LONGEST_LINK).decode("utf-8", "surrogateescape")
    except InputError:
        return None, ("it is a link, and its target is damaged", "NN005")
    if link_escapes(name, target):
        return target, ("it is a link that leads out of the archive", "NN006")
    return target, None

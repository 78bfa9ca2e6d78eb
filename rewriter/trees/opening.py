"""Opens what was found, in any process."""

from __future__ import annotations

import os
import sys
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from rewriter.errors import InputError
from rewriter.files.gzip import Read, unpack_whole
from rewriter.files.input import Source, open_source
from rewriter.trees.archives.streams import LARGEST_HEADERS, Stream, as_input_errors, opened
from rewriter.trees.archives.tar.members import at
from rewriter.trees.archives.zip.members import Zip, open_zip
from rewriter.trees.item import Format, Identity, Item, Member

__all__ = ["close_archive", "open_item", "read_packed"]


@contextmanager
def open_item(item: Item) -> Iterator[Source]:
    """Open a module that `find` has found, in this process or another.

    The last archive stays open, so that one that is compressed is decompressed only once if its
    items are opened in their order; `close_archive` closes it.

    Raises what `open_source` raises, and InputError for an archive that has changed meanwhile,
    (NN005) for one that is damaged, and (NN007) for a file that unpacks to too much.
    """
    if item.member is None and not item.gzip:
        with open_source(item.path) as source:
            yield source
    elif item.member is None:
        with opened(item.path) as file:
            status = os.fstat(file.fileno())
            data = unpack_whole(item.name, file.read, item.most)
        yield Source(item.name, data, status=status)
    else:
        with _member_reader(item, item.member) as read:
            if item.gzip:
                data = unpack_whole(item.name, read, item.most)
            else:
                data = _read_whole(item, read)
        yield Source(item.name, data)


def read_packed(item: Item, size: int) -> bytes:
    """The first bytes of an item, at most `size`, as they are stored in its archive. Raises what
    `open_item` raises."""
    if item.member is None:
        with opened(item.path) as file:
            return file.read(size)
    with _member_reader(item, item.member) as read:
        return read(size)


def _read_whole(item: Item, read: Read) -> bytes:
    pieces = []
    left = item.most
    while left and (piece := read(min(left, LARGEST_HEADERS))):
        pieces.append(piece)
        left -= len(piece)
    if left:
        raise InputError(f"cannot read {item.name}: it is cut off", "NN005")
    return b"".join(pieces)


class _Open(NamedTuple):
    """An open archive, and the process that opened it: a copy of it shares the file's position."""

    process: int
    path: str
    archive: Identity
    stack: ExitStack
    stream: Stream | None
    zip: Zip | None
    places: dict[int, zipfile.ZipInfo]


class _Part:
    """A number of bytes of a stream."""

    def __init__(self, stream: Stream, size: int) -> None:
        self._stream = stream
        self._left = size

    def read(self, size: int) -> bytes:
        data = self._stream.read(min(size, self._left))
        self._left -= len(data)
        return data


_last: _Open | None = None


def close_archive() -> None:
    """Close the archive that the last item was in."""
    global _last
    if _last is not None and _last.process == os.getpid():
        _last.stack.close()
    _last = None


@contextmanager
def _member_reader(item: Item, member: Member) -> Iterator[Read]:
    last = _archive(item, member)
    with as_input_errors(item.name):
        if last.zip is not None:
            with last.zip.open(last.places[member.offset]) as read:
                yield read
        elif last.stream is not None:
            last.stream.contents()
            if member.sparse:
                yield at(last.stream, member.offset).read
            else:
                last.stream.seek(member.start)
                yield _Part(last.stream, member.size).read


def _archive(item: Item, member: Member) -> _Open:
    global _last
    if (
        _last is None
        or (_last.process, _last.path, _last.archive) != (os.getpid(), item.path, member.archive)
        or (_last.stream is not None and _last.stream.tell() > member.offset)
    ):
        close_archive()
        with ExitStack() as stack:
            file = stack.enter_context(opened(item.path, member.archive))
            stream, archive = None, None
            if member.format is Format.ZIP:
                archive = open_zip(item.path, file)
            else:
                stream = Stream(item.path, file, member.format, sys.maxsize)
            places = (
                {info.header_offset: info for info in archive.archive.filelist} if archive else {}
            )
            process, kept = os.getpid(), stack.pop_all()
            _last = _Open(process, item.path, member.archive, kept, stream, archive, places)
    return _last

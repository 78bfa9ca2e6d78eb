"""Writes a tar again, with other data in a few of its members: all else stays as it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import BinaryIO

from rewriter.errors import OutputError
from rewriter.files.gzip import CHUNK
from rewriter.trees.archives.streams import copied
from rewriter.trees.archives.tar.headers import BLOCK
from rewriter.trees.item import Member

__all__ = ["patched_tar"]

_SIZE = slice(124, 136)
_CHECKSUM = slice(148, 156)
"""In a header: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06"""


def patched_tar(
    name: str, file: BinaryIO, changes: Iterable[tuple[Member, bytes]]
) -> Iterator[bytes]:
    """The archive, piece by piece. `changes` are in the archive's order.

    Raises InputError if it is not as it was, and OutputError for a member whose size is not in its
    header alone.
    """
    position = 0
    for member, data in changes:
        yield from copied(name, file, position, member.offset)
        described = b"".join(copied(name, file, member.offset, member.start))
        if member.sparse or b" size=" in described[:-BLOCK]:
            raise OutputError(
                f"cannot change {name}!{member.name}: it is stored with holes, or with its size in "
                "an extended header; make the archive again, without --sparse"
            )
        yield described[:-BLOCK]
        yield _with_size(described[-BLOCK:], len(data))
        yield data
        yield bytes(-len(data) % BLOCK)
        old = member.size + -member.size % BLOCK
        for _ in copied(name, file, member.start, member.start + old):
            pass
        position = member.start + old
    file.seek(position)
    while piece := file.read(CHUNK):
        yield piece


def _with_size(header: bytes, size: int) -> bytes:
    """With the checksum, which counts its own bytes as spaces."""
    new = bytearray(header)
    new[_SIZE] = b"%011o\0" % size
    new[_CHECKSUM] = b" " * 8
    new[_CHECKSUM] = b"%06o\0 " % sum(new)
    return bytes(new)

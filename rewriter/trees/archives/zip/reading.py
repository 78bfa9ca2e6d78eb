"""Reads what members of a ZIP archive unpack to, and never unpacks more than is asked for.

Specification: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.7 and 5.8.8
"""

from __future__ import annotations

import bz2
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Protocol

from rewriter.files.gzip import CHUNK, Read
from rewriter.trees.archives.zip.methods import BZIP2, DEFLATED, LOCAL, LZMA, MARKED

__all__ = ["opened_member"]

_PROPERTIES = struct.Struct("<2BHBI")
"""What LZMA's data begin with: version (two), size of the rest, parameters, size of the
dictionary in bytes."""

_PACKED = 4096
"""Bytes read at a time."""


@contextmanager
def opened_member(
    archive: zipfile.ZipFile, file: BinaryIO, info: zipfile.ZipInfo
) -> Iterator[Read]:
    """The data of a member of the archive in `file`. Reading raises BadZipFile, and what zlib, bz2
    and lzma raise, for what is damaged, and does not end where its size says."""
    if info.compress_type in (DEFLATED, BZIP2, LZMA):
        yield _Unpacked(file, info).read
    else:
        with archive.open(info) as data:
            yield data.read


class _Unpacker(Protocol):
    """What those for bzip2 and LZMA have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes:
        """At most so many bytes, at least one."""


class _Inflater:
    """The same for deflate."""

    def __init__(self) -> None:
        self._unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._unpacker.eof

    @property
    def unused_data(self) -> bytes:
        return self._unpacker.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        piece = self._unpacker.decompress(self._unpacker.unconsumed_tail + data, max_length)
        self.needs_input = not self._unpacker.unconsumed_tail and len(piece) < max_length
        return piece


class _Unpacked:
    """A packed member. zipfile unpacks whatever a piece of the file holds, and of a few bytes bzip2
    and LZMA make gigabytes; and it leaves alone what is after the size."""

    def __init__(self, file: BinaryIO, info: zipfile.ZipInfo) -> None:
        self._file = file
        self._info = info
        file.seek(info.header_offset)
        lengths = LOCAL.unpack(file.read(LOCAL.size))[9:]
        self._position = info.header_offset + LOCAL.size + sum(lengths)
        self._end = self._position + info.compress_size
        self._left = info.file_size
        self._checksum = 0
        self._unpacker = self._start()

    def read(self, size: int) -> bytes:
        """So many bytes, or all that are left."""
        pieces = []
        wanted = min(size, self._left, CHUNK)
        while wanted:
            piece = self._unpacker.decompress(self._packed(), wanted)
            if not piece and self._unpacker.eof:
                raise zipfile.BadZipFile("it unpacks to fewer bytes than its size")
            pieces.append(piece)
            wanted -= len(piece)
            self._left -= len(piece)
            self._checksum = zlib.crc32(piece, self._checksum)
        if not self._left:
            self._check_end()
        return b"".join(pieces)

    def _check_end(self) -> None:
        """Unpacks no more than a byte of what may follow."""
        if self._checksum != self._info.CRC:
            raise zipfile.BadZipFile("its checksum is wrong")
        is_marked = self._info.compress_type != LZMA or self._info.flag_bits & MARKED
        while is_marked and not self._unpacker.eof:
            if self._unpacker.decompress(self._packed(), 1):
                raise zipfile.BadZipFile("it unpacks to more bytes than its size")
        if self._position != self._end or self._unpacker.unused_data:
            raise zipfile.BadZipFile("other data follow after its own")

    def _packed(self) -> bytes:
        """More packed bytes, if they are needed."""
        return self._stored(_PACKED) if self._unpacker.needs_input else b""

    def _stored(self, size: int) -> bytes:
        self._file.seek(self._position)
        data = self._file.read(min(size, self._end - self._position))
        if not data:
            raise zipfile.BadZipFile("it is cut off")
        self._position += len(data)
        return data

    def _start(self) -> _Unpacker:
        if self._info.compress_type == DEFLATED:
            return _Inflater()
        return bz2.BZ2Decompressor() if self._info.compress_type == BZIP2 else self._lzma()

    def _lzma(self) -> lzma.LZMADecompressor:
        _, _, size, parameters, dictionary = _PROPERTIES.unpack(self._stored(_PROPERTIES.size))
        if size != _PROPERTIES.size - 4:
            raise zipfile.BadZipFile("its parameters for LZMA are of an unknown size")
        filters = {
            "id": lzma.FILTER_LZMA1,
            "lc": parameters % 9,
            "lp": parameters // 9 % 5,
            "pb": parameters // 45,
            "dict_size": max(4096, min(dictionary, self._info.file_size)),
        }
        return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[filters])

"""Reads tar archives, more strictly than tarfile alone: damage never looks like the end."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from typing import IO, NamedTuple, Self, cast

from rewriter.errors import InputError
from rewriter.trees.archives.streams import LARGEST_HEADERS, Stream, as_input_errors, too_much
from rewriter.trees.archives.tar.headers import BLOCK, check_data, check_headers
from rewriter.trees.names import link_escapes, unsafe_name
from rewriter.wasm.limits import MOST

__all__ = ["TarMember", "at", "tar_members"]

_GNU, _MAGIC_AT = b"ustar  \0", 257
_NAME = 100
"""What GNU's headers have at which place, and bytes of a name at the start of a header:
https://www.gnu.org/software/tar/manual/html_node/Standard.html"""

_CONTINUED = b"M"
"""A type: https://www.gnu.org/software/tar/manual/html_node/Standard.html"""


class TarMember(NamedTuple):
    """A member of an archive. `file` reads its data, until the next member is asked for; it is None
    for what has none. `unsafe` is why it must not be unpacked, with a code."""

    info: tarfile.TarInfo
    file: IO[bytes] | None
    unsafe: tuple[str, str] | None


class _Header(tarfile.TarInfo):
    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """GNU's own format has times, and no part of the name, where others have the first part of
        a long one: `tar --incremental` writes them."""
        info = super().frombuf(buf, encoding, errors)
        if bytes(buf).startswith(_GNU, _MAGIC_AT):
            name = bytes(buf[:_NAME]).partition(b"\0")[0].decode(encoding, errors)
            info.name = name.rstrip("/") if info.isdir() else name
        return info

    @classmethod
    def fromtarfile(cls, tarfile_: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(tarfile_)
        except (
            # The stubs lack these three.
            tarfile.EmptyHeaderError,  # type: ignore[attr-defined]
            tarfile.InvalidHeaderError,  # type: ignore[attr-defined]
            tarfile.TruncatedHeaderError,  # type: ignore[attr-defined]
        ) as error:  # which tarfile takes for the end
            raise tarfile.ReadError(str(error)) from error


def tar_members(stream: Stream) -> Iterator[TarMember]:
    """All members. Raises InputError: NN005 for an archive that is damaged, cut off, or followed by
    other data, and NN007 for one that has too many members, or too large descriptions of them."""
    with as_input_errors(stream.path):
        yield from _members(stream)


def _members(stream: Stream) -> Iterator[TarMember]:
    stream.describe()
    end = stream.tell()
    with _open(stream) as archive:
        for count in range(MOST + 1):
            info = archive.next()
            if info is None:
                _check_end(stream)
                return
            if count == MOST:
                raise too_much(stream.path, f"it has more than {MOST} members")
            if info.size < 0 or archive.offset < info.offset_data or info.offset < end:
                raise tarfile.ReadError("a member has a negative size")
            # They would hold all. The stubs lack the name.
            archive.members = []  # type: ignore[attr-defined]
            headers = stream.contents()
            said = check_headers(headers[len(headers) % BLOCK :])  # after a byte of what is skipped
            info.name = info.pax_headers.get("GNU.sparse.name", info.name)
            has_data = info.isreg() or info.type not in tarfile.SUPPORTED_TYPES
            if info.size and not has_data:  # which some readers take to follow, and others do not
                raise tarfile.ReadError(f"{info.name} has a size, but is of a kind without data")
            if has_data:
                check_data(info, said, end, archive.offset)
            end = archive.offset
            file = archive.extractfile(info) if has_data else None
            yield TarMember(info, file, _unsafe(info))
            stream.describe()


def _open(stream: Stream) -> tarfile.TarFile:
    return tarfile.TarFile(
        fileobj=cast(IO[bytes], stream),
        tarinfo=_Header,
        encoding="utf-8",
        errors="surrogateescape",
    )


def _check_end(stream: Stream) -> None:
    """Only zeros follow. Other readers go on after a single block of them."""
    stream.contents()
    while data := stream.read(LARGEST_HEADERS):
        if data.count(0) != len(data):
            raise tarfile.ReadError("data follow after its end")


def _unsafe(info: tarfile.TarInfo) -> tuple[str, str] | None:
    unsafe = unsafe_name(info.name)
    if unsafe is not None:
        return unsafe
    if info.isdev():
        return "it is a device or a pipe", "NN001"
    if info.type == _CONTINUED:
        return "it is the rest of a file that begins in another volume", "NN005"
    if info.issym() and link_escapes(info.name, info.linkname):
        return "it is a link that leads out of the archive", "NN006"
    return None


def at(stream: Stream, offset: int) -> IO[bytes]:
    """The data of a member whose headers are at `offset`. Raises what `tar_members` raises."""
    stream.seek(offset)
    member = next(tar_members(stream), None)
    if member is None or member.file is None:
        raise InputError(f"cannot read {stream.path}: it has changed since it was looked at")
    return member.file

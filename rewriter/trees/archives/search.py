"""Finds modules in archives."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from rewriter.errors import InputError
from rewriter.file_kinds import GZIP, HEAD, MAGIC
from rewriter.files.gzip import Read, head_of, measure, unpack
from rewriter.trees.archives.streams import Stream, as_input_errors, opened, too_much
from rewriter.trees.archives.tar.members import tar_members
from rewriter.trees.archives.zip.members import open_zip, zip_members
from rewriter.trees.heads import (
    format_of,
    holds_files,
    not_wasm,
    says_wasm,
)
from rewriter.trees.item import (
    Format,
    Found,
    Identity,
    Item,
    Member,
    Refused,
    Unsearched,
    identity,
    unsearched,
)
from rewriter.trees.names import is_excluded
from rewriter.wasm.limits import LARGEST_MODULE

__all__ = ["find_in_archive"]


def find_in_archive(
    path: str, form: Format, exclude: Sequence[str], max_unpacked: int
) -> Iterator[Found]:
    """The modules in an archive, in its order, and what is wrong with it or with its members. Of an
    archive in it, only that it is one."""
    try:
        with opened(path) as file:
            search = _Search(path, form, identity(os.fstat(file.fileno())), exclude, max_unpacked)
            yield from search.zip(file) if form is Format.ZIP else search.tar(file)
    except InputError as error:
        yield Refused(path, error)


class _Search:
    def __init__(
        self,
        path: str,
        form: Format,
        archive: Identity,
        exclude: Sequence[str],
        max_unpacked: int,
    ) -> None:
        self.path = path
        self.form = form
        self.archive = archive
        self.exclude = exclude
        self.most = max_unpacked
        self.left = max_unpacked

    def tar(self, file: BinaryIO) -> Iterator[Found]:
        """Raises what `tar_members` raises."""
        for info, data, unsafe in tar_members(Stream(self.path, file, self.form, self.most)):
            if self.is_excluded(info.name):
                continue
            member = Member(
                self.form,
                self.archive,
                info.name,
                info.offset,
                info.offset_data,
                info.size,
                info.issparse(),
            )
            if unsafe is not None:
                yield self.refused(member, *unsafe)
            elif data is not None:
                with as_input_errors(self.name(member)):
                    found = self.look(member, data.read)
                if found is not None:
                    yield found

    def zip(self, file: BinaryIO) -> Iterator[Found]:
        """Raises what `open_zip` raises."""
        with open_zip(self.path, file) as archive:
            for entry in zip_members(archive):
                if self.is_excluded(entry.name):
                    continue
                info = entry.info
                member = Member(
                    self.form, self.archive, entry.name, info.header_offset, size=info.file_size
                )
                if entry.unsafe is not None:
                    yield self.refused(member, *entry.unsafe)
                elif entry.has_data:
                    try:
                        name = self.name(member)
                        with as_input_errors(name), archive.open(info) as data:
                            found = self.look(member, data.read)
                    except InputError as error:
                        if error.code == "NN007":
                            raise
                        found = Refused(name, error)
                    if found is not None:
                        yield found

    def name(self, member: Member) -> str:
        """For messages."""
        return f"{self.path}!{member.name}"

    def is_excluded(self, name: str) -> bool:
        """Whether a member is left out."""
        return is_excluded(self.exclude, name, f"{self.path}!{name}")

    def refused(self, member: Member, reason: str, code: str) -> Refused:
        """A member that must not be unpacked."""
        name = self.name(member)
        return Refused(name, InputError(f"cannot read {name}: {reason}", code))

    def look(self, member: Member, read: Read) -> Found | None:
        """What a member is, or None if it is none of our business. Raises InputError if modules
        unpack to more than is allowed."""
        name = self.name(member)
        head = read(HEAD)
        if head.startswith(MAGIC):
            return self.item(name, member, member.size)
        if head.startswith(GZIP):
            return self.look_into_gzip(name, member, head, read)
        if says_wasm(member.name):
            return Refused(name, not_wasm(name, head))
        return _unsearched(name) if _is_archive(member.name, head) else None

    def look_into_gzip(self, name: str, member: Member, first: bytes, read: Read) -> Found | None:
        """The same for one that is compressed itself."""
        head, size = b"", None
        try:
            pieces = unpack(name, read, first)
            head = head_of(pieces, HEAD)
            if head.startswith(MAGIC):
                size = measure(head, pieces, self.left)
        except InputError as error:
            if says_wasm(member.name) or head.startswith(MAGIC):
                return Refused(name, error)
        if head.startswith(MAGIC):
            return self.item(name, member, self.left + 1 if size is None else size, gzip=True)
        if says_wasm(member.name):
            return Refused(name, not_wasm(name, head))
        return _unsearched(name) if _is_archive(member.name, head) else None

    def item(self, name: str, member: Member, size: int, *, gzip: bool = False) -> Found:
        """A module of so many bytes. Raises InputError if there are too many."""
        self.left -= size
        if self.left < 0:
            raise too_much(self.path, f"its modules unpack to more than {self.most} bytes")
        if size > LARGEST_MODULE:
            return self.refused(
                member, f"it has more than {LARGEST_MODULE} bytes, which no engine accepts", "NN001"
            )
        return Item(name, self.path, False, size, member, gzip)


def _is_archive(name: str, head: bytes) -> bool:
    return format_of(name) is not None or holds_files(name, head)


def _unsearched(name: str) -> Unsearched:
    return unsearched(name, "an archive in an archive")

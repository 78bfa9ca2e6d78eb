"""Finds modules in archives."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from rewriter.errors import InputError, MalformedModule
from rewriter.file_kinds import GZIP, HEAD, MAGIC, kind_of, mistaken
from rewriter.files.gzip import CHUNK, Read, head_of, measure, unpack
from rewriter.trees.archives.hard_links import HardLinks, why_to_nothing
from rewriter.trees.archives.links import Broken, Links
from rewriter.trees.archives.streams import Stream, as_input_errors, opened, too_much
from rewriter.trees.archives.tar.members import TarMember, tar_members
from rewriter.trees.archives.zip.hidden import check_stored, may_hide
from rewriter.trees.archives.zip.members import Zip, ZipMember, open_zip, zip_members
from rewriter.trees.heads import (
    format_of,
    holds_files,
    names_wasi_nn,
    not_wasm,
    read_head,
    says_text,
    says_wasm,
)
from rewriter.trees.item import (
    TEXT_GUEST,
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
from rewriter.trees.names import Exclusion
from rewriter.wasm.limits import LARGEST_MODULE

__all__ = ["find_in_archive"]

_NESTED = "an archive in an archive"

_DUMPDIR = b"D"
"""A folder with data: https://www.gnu.org/software/tar/manual/html_node/Dumpdir.html"""


def find_in_archive(
    path: str, form: Format, exclude: Sequence[str], max_unpacked: int
) -> Iterator[Found]:
    """The modules in an archive, in its order, and what is wrong with it or with its members. Of an
    archive in it, only that it is one."""
    any_found = False
    try:
        with opened(path) as file:
            search = _Search(path, form, identity(os.fstat(file.fileno())), exclude, max_unpacked)
            for found in search.zip(file) if form is Format.ZIP else search.tar(file):
                any_found = True
                yield found
    except InputError as error:
        other = None if any_found else _of_another_kind(path, form)
        yield Refused(path, other or error)


def _of_another_kind(path: str, form: Format) -> InputError | None:
    """The error about a file whose name says that it is a tar, if it begins like something else."""
    if form is Format.ZIP:  # which may begin with anything
        return None
    wanted = "a tar archive" if form is Format.TAR else "compressed with gzip"
    head = read_head(path)
    kind = kind_of(head)
    found = None if kind is None or kind.title == wanted else mistaken(head, wanted)
    return found and InputError(f"cannot read {path}: {found[0]}; {found[1]}", "NN005")


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
        self.left_out = Exclusion(exclude, f"{path}!")
        self.most = max_unpacked
        self.left = max_unpacked

    def tar(self, file: BinaryIO) -> Iterator[Found]:
        """Links come last, hard ones in the order of their data, so that one pass over a compressed
        archive opens them all. Raises what `tar_members` raises."""
        links, files = Links(), HardLinks()
        for entry in tar_members(Stream(self.path, file, self.form, self.most)):
            info, name = entry.info, entry.info.name
            is_excluded = name in self.left_out
            found = self.tar_member(entry, is_excluded, links)
            counts = not (is_excluded or isinstance(found, Refused))
            if info.islnk() and not isinstance(found, Refused):
                target, is_file = links.target(info.linkname), links.is_file(info.linkname)
                links.add(name, target, is_file=is_file, check=counts)
                files.link(name, info.linkname, counts=counts and links.target(name) is None)
                continue
            target = info.linkname if info.issym() else None
            is_file = entry.file is not None and info.type != _DUMPDIR
            links.add(name, target, is_file=is_file, check=counts)
            files.add(name, found)
            if found is not None and not is_excluded:
                yield found
        for name, led in self.followed(links):
            if isinstance(led, Refused):
                yield led
            else:
                files.link(name, led, counts=True)
        for name, first_name, first in files.links():
            again = self.again(name, first_name, first)
            if again is not None:
                yield again

    def tar_member(self, entry: TarMember, is_excluded: bool, links: Links) -> Found | None:
        """What a member is, or None if it is none of our business. One that is excluded is looked
        at, too, because another name of it may not be."""
        info = entry.info
        if entry.unsafe is not None:
            return self.refused(info.name, *entry.unsafe)
        if info.islnk() and info.linkname not in links:
            return self.refused(info.name, *why_to_nothing(info.linkname, links))
        if entry.file is None:
            return None
        place = info.offset, info.offset_data, info.size, info.issparse()
        member = Member(self.form, self.archive, info.name, *place)
        left = self.left
        try:
            with as_input_errors(self.name(info.name)):
                return self.look(member, entry.file.read)
        except InputError as error:
            if not is_excluded:
                raise
            return Refused(self.name(info.name), error)
        finally:
            self.left = left if is_excluded else self.left

    def again(self, name: str, first_name: str, first: Found | None) -> Found | None:
        """What another name of a member stands for. Raises InputError like `look`."""
        whole = self.name(name)
        if isinstance(first, Item) and first.member is not None:
            member = first.member._replace(name=name, first_name=first.member.name)
            return self.item(whole, member, first.most, gzip=first.gzip)
        if isinstance(first, Refused):
            reason = f"it is a link to {first_name}: {first.error}"
            return self.refused(name, reason, first.error.code or "NN005")
        if first is None and says_wasm(name):
            reason = f"not WebAssembly: it is a link to {first_name}, which is not"
            return Refused(whole, MalformedModule(f"{whole}: {reason}", 0, "NN101"))
        if isinstance(first, Unsearched):
            return unsearched(whole, first.what)
        return unsearched(whole, _NESTED) if _is_archive(name, b"") else None

    def zip(self, file: BinaryIO) -> Iterator[Found]:
        """Raises what `open_zip` raises."""
        links = Links()
        hidden: dict[str, ZipMember] = {}
        archive = open_zip(self.path, file)
        for entry in zip_members(archive):
            is_excluded = entry.name in self.left_out
            counts = not (is_excluded or entry.unsafe)
            links.add(entry.name, entry.target, is_file=entry.has_data, check=counts)
            if is_excluded:
                hidden[posixpath.normpath(entry.name)] = entry
            found = None if is_excluded else self.zip_member(archive, entry)
            if found is not None:
                yield found
            if entry.unsafe is None and not isinstance(found, Refused):
                self.check_hidden(archive, entry)
        for name, led in self.followed(links):
            if isinstance(led, Refused):
                yield led
                continue
            left = self.left
            first = self.zip_member(archive, hidden[led])
            self.left = left
            again = self.again(name, hidden[led].name, first)
            if again is not None:
                yield again

    def zip_member(self, archive: Zip, entry: ZipMember) -> Found | None:
        """The same of a ZIP archive. Raises InputError like `look`."""
        if entry.unsafe is not None:
            return self.refused(entry.name, *entry.unsafe)
        if not entry.has_data:
            return None
        info, name = entry.info, self.name(entry.name)
        place = info.header_offset, 0, info.file_size
        member = Member(self.form, self.archive, entry.name, *place)
        try:
            with as_input_errors(name), archive.open(info) as read:
                return self.look(member, read)
        except InputError as error:
            if error.code == "NN007":
                raise
            return Refused(name, error)

    def check_hidden(self, archive: Zip, entry: ZipMember) -> None:
        """Raises InputError if readers of streams could see another member in the data of one."""
        with as_input_errors(self.name(entry.name)):
            check_stored(archive.file, entry.info)
            if not may_hide(archive.file, entry.info):
                return
            with archive.open(entry.info) as read:
                counted = self.counted(read)
                while counted(CHUNK):
                    pass

    def followed(self, links: Links) -> Iterator[tuple[str, str | Refused]]:
        """The links that lead to members that are excluded, which are found by no other name, and
        to nothing that can be looked at."""
        for name, led in links.followed():
            if isinstance(led, Broken):
                yield name, self.refused(name, led.reason, led.code)
            elif links.is_file(led):
                if led in self.left_out:
                    yield name, led
            elif (hidden := self.hidden(name, led, links)) is not None:
                reason = (
                    f"it is a link to a folder, and {hidden} in there is excluded, but not here"
                )
                yield name, self.refused(name, reason, "NN001")

    def hidden(self, name: str, folder: str, links: Links) -> str | None:
        """A member in the folder that a link leads to, which is excluded by its own name and not
        behind the link."""
        for inner in links.below(folder) if self.left_out.any else ():
            own = posixpath.join(folder, inner)
            if own in self.left_out and posixpath.join(name, inner) not in self.left_out:
                return own
        return None

    def name(self, name: str) -> str:
        """A member's, for messages."""
        return f"{self.path}!{name}"

    def refused(self, name: str, reason: str, code: str) -> Refused:
        """A member that must not be unpacked."""
        whole = self.name(name)
        return Refused(whole, InputError(f"cannot read {whole}: {reason}", code))

    def look(self, member: Member, read: Read) -> Found | None:
        """What a member is, or None if it is none of our business. Raises InputError if modules
        unpack to more than is allowed."""
        name = self.name(member.name)
        head = read(HEAD)
        if head.startswith(MAGIC):
            return self.item(name, member, member.size)
        if head.startswith(GZIP):
            return self.look_into_gzip(name, member, head, read)
        if says_wasm(member.name):
            return Refused(name, not_wasm(name, head))
        if _is_archive(member.name, head):
            return unsearched(name, _NESTED)
        is_guest = says_text(member.name) and names_wasi_nn(head, self.counted(read))
        return unsearched(name, TEXT_GUEST) if is_guest else None

    def counted(self, read: Read) -> Read:
        """The same function, which raises InputError for more bytes than are left."""

        def read_counted(size: int) -> bytes:
            piece = read(size)
            self.left -= len(piece)
            if self.left < 0:
                raise too_much(self.path, f"it unpacks to more than {self.most} bytes")
            return piece

        return read_counted

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
        return unsearched(name, _NESTED) if _is_archive(member.name, head) else None

    def item(self, name: str, member: Member, size: int, *, gzip: bool = False) -> Found:
        """A module of so many bytes. Raises InputError if there are too many."""
        self.left -= size
        if self.left < 0:
            raise too_much(self.path, f"its modules unpack to more than {self.most} bytes")
        if size > LARGEST_MODULE:
            return self.refused(
                member.name,
                f"it has more than {LARGEST_MODULE} bytes, which no engine accepts",
                "NN001",
            )
        return Item(name, self.path, False, size, member, gzip)


def _is_archive(name: str, head: bytes) -> bool:
    return format_of(name) is not None or holds_files(name, head)

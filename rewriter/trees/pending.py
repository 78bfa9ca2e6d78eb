"""An archive whose modules are being changed, until it can be written."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from typing import IO

from rewriter.errors import OutputError
from rewriter.trees.archives.patch import write_archive
from rewriter.trees.copying import copy_file
from rewriter.trees.item import Format, Member

__all__ = ["PendingArchive"]


class PendingArchive:
    """The new data of an archive's modules are kept in an unnamed file beside the archive's output,
    because that is written in one go, when no module is `waiting` and all are `listed`."""

    def __init__(self, path: str, form: Format, target: str) -> None:
        self.path = path
        self.target = target
        self.failed = False
        self.waiting = 0
        self.listed = False
        self._form = form
        self._file: IO[bytes] | None = None
        self._changes: list[tuple[Member, int, int]] = []
        self._offsets: set[int] = set()

    @property
    def is_complete(self) -> bool:
        """Whether it can be written."""
        return self.listed and not self.waiting

    def put(self, member: Member, data: bytes) -> None:
        """Keep the new data of a member, once for all its names. Raises OutputError."""
        if member.offset in self._offsets:
            return
        self._offsets.add(member.offset)
        try:
            if self._file is None:
                folder = os.path.dirname(os.path.realpath(self.target))
                self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by write
            start = self._file.seek(0, os.SEEK_END)
            self._file.write(data)
        except OSError as error:
            raise OutputError(f"cannot write {self.target}: {error.strerror}") from error
        self._changes.append((member, start, len(data)))

    def write(self) -> None:
        """Write the archive, unless something in it failed. Raises InputError and OutputError."""
        try:
            if self.failed:
                raise OutputError(
                    f"{self.target} was not written, because not all that is in {self.path} can be"
                )
            if self._changes:
                write_archive(self.path, self._form, self._data(), self.target)
            elif not _is_same(self.path, self.target):
                copy_file(self.path, self.target)
        finally:
            if self._file is not None:
                self._file.close()

    def _data(self) -> Iterator[tuple[Member, bytes]]:
        for member, start, size in sorted(self._changes, key=lambda change: change[0].offset):
            if self._file is not None:
                self._file.seek(start)
                yield member, self._file.read(size)


def _is_same(path: str, target: str) -> bool:
    return os.path.realpath(path) == os.path.realpath(target)

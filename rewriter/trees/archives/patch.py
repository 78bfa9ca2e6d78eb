"""Writes an archive again, of any kind, with other data in a few of its members."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterable, Iterator
from typing import BinaryIO, cast

from rewriter.files.compress import LONGEST_HEADER, compressed, gzip_header
from rewriter.files.input import Source
from rewriter.files.output import write_atomic
from rewriter.trees.archives.streams import as_input_errors, opened
from rewriter.trees.archives.tar.patch import patched_tar
from rewriter.trees.archives.zip.patch import patched_zip
from rewriter.trees.item import Format, Member

__all__ = ["write_archive"]


def write_archive(
    path: str, form: Format, changes: Iterable[tuple[Member, bytes]], target: str
) -> None:
    """Write the archive at `path` to `target`, whole or not at all. `changes`, at least one,
    are in the order of their offsets.

    Raises InputError, and OutputError for what cannot be written or changed.
    """
    with opened(path) as file:
        status = os.fstat(file.fileno())
        pieces = _patched(path, form, file, changes)
        write_atomic(target, Source(path, b"", status=status), pieces)


def _patched(
    path: str, form: Format, file: BinaryIO, changes: Iterable[tuple[Member, bytes]]
) -> Iterator[bytes]:
    with as_input_errors(path):
        if form is Format.ZIP:
            yield from patched_zip(path, file, changes)
        elif form is Format.TAR:
            yield from patched_tar(path, file, changes)
        else:
            header = gzip_header(path, file.read(LONGEST_HEADER))
            file.seek(0)
            unpacked = cast(BinaryIO, gzip.GzipFile(fileobj=file))
            yield from compressed(header, patched_tar(path, unpacked, changes))

"""What is found in files, folders and archives: modules, and what could not be looked at."""

from __future__ import annotations

import os
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from rewriter.diagnostics import Diagnostic
from rewriter.errors import NNShimError

if TYPE_CHECKING:
    from rewriter.files.input import Source

__all__ = [
    "MAX_UNPACKED",
    "TEXT_GUEST",
    "Blob",
    "Format",
    "Found",
    "Identity",
    "Item",
    "Member",
    "Refused",
    "Unsearched",
    "identity",
    "unsearched",
]

MAX_UNPACKED = 4 << 30
"""The most bytes that one archive may unpack to, by default."""


class Format(Enum):
    """The archives that are looked into."""

    TAR = "tar"
    TAR_GZIP = "tar.gz"
    ZIP = "zip"


class Identity(NamedTuple):
    """By which another process sees that it opens the same file, unchanged. `size` is in bytes,
    `changed` in nanoseconds. So is `touched`, which nobody can set back as `tar -x` and `cp -p` do
    with `changed`; a hard link and other permissions change it, too. On Windows, it is when the
    file was created."""

    device: int
    number: int
    size: int
    changed: int
    touched: int


class Member(NamedTuple):
    """A place in an archive, in bytes from its start; in a compressed tar, after decompression.

    `offset` is where the member's headers start, `start` where its data do, and `size` is that of
    the data as stored. Of a ZIP archive, only `offset` is used, which is that of the local header.
    `first_name` is not empty for a hard link in a tar, and for a link to what is excluded: the name
    of the member that has the data, which `offset`, `start` and `size` are about.
    """

    format: Format
    archive: Identity
    name: str
    offset: int
    start: int = 0
    size: int = 0
    sparse: bool = False
    first_name: str = ""


class Blob(NamedTuple):
    """A layer of an artifact in the OCI layout at the path `layout`."""

    layout: str
    digest: str


class Item(NamedTuple):
    """A file to look at, without its bytes: another process can open it by `open_item`.

    `name` is for messages: `dir/a.wasm`, or `all.tar.gz!lib/a.wasm` for a member, or
    `layout!1.2` for what has a tag in an OCI layout. `path` is the
    file, or the archive that it is in. `named` says that the user named this very file, so that it
    is judged whatever it is; others are found, by their bytes. `most` is the most bytes that it may
    have, unpacked. With `here`, only this process can open it: standard input, pipes.
    """

    name: str
    path: str
    named: bool
    most: int
    member: Member | None = None
    gzip: bool = False
    """Whether its bytes are a module compressed with gzip."""
    here: bool = False
    source: Source | None = None
    """Its bytes, for a worker that has no access to the file."""
    blob: Blob | None = None
    """Where it belongs, if its file is one of an OCI layout."""
    is_alias: bool = False
    """Whether its path is a link to a file that is excluded."""

    @property
    def container(self) -> str:
        """The file, archive or layout that a rewrite would be of."""
        return self.path if self.blob is None else self.blob.layout


class Refused(NamedTuple):
    """What could not be looked at. `error` has a code: it is an InputError, or a ModuleError for a
    file that is something else than the module that its name says it is."""

    name: str
    error: NNShimError


class Unsearched(NamedTuple):
    """What is left alone although modules may be in it. `what` says what it is."""

    name: str
    diagnostic: Diagnostic
    what: str = ""


TEXT_GUEST = "a module in text form that names wasi-nn"
"""What is left alone where modules are found by their first bytes."""


def unsearched(name: str, what: str) -> Unsearched:
    """What is said of a file that is not looked into."""
    said = Diagnostic("NN008", f"{name}: {what}, which was not looked into")
    return Unsearched(name, said, what)


Found = Item | Refused | Unsearched


def identity(status: os.stat_result) -> Identity:
    """Of a file."""
    return Identity(
        status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
    )

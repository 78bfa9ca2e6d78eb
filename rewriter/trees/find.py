"""Finds WebAssembly in files, folders and archives."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence

from rewriter.diagnostics import Diagnostic
from rewriter.errors import InputError
from rewriter.file_kinds import GZIP, HEAD, MAGIC
from rewriter.files.gzip import head_of, unpack
from rewriter.oci.reference import is_artifact
from rewriter.trees.archives.layouts import find_in_layout
from rewriter.trees.archives.search import find_in_archive
from rewriter.trees.archives.streams import opened
from rewriter.trees.heads import (
    format_of,
    holds_files,
    is_text_guest,
    not_wasm,
    read_head,
    says_wasm,
)
from rewriter.trees.item import (
    MAX_UNPACKED,
    TEXT_GUEST,
    Found,
    Item,
    Refused,
    Unsearched,
    unsearched,
)
from rewriter.trees.roots import roots
from rewriter.trees.walk import Kind, Seen, walk
from rewriter.wasm.limits import LARGEST_MODULE

__all__ = ["find", "look"]

_NOT_AS_ARCHIVE = "it is a module by its first bytes, and was not looked into as an archive"

_OTHER = "an archive, or a compressed module, of another kind"


def find(
    inputs: Sequence[str], *, exclude: Sequence[str] = (), max_unpacked: int = MAX_UNPACKED
) -> Iterator[Found]:
    """The WebAssembly in `inputs`, in their order, and in the order of the names' bytes in folders.

    An input is a file, a folder, an archive (.tar, .tar.gz, .tgz, .zip), `-` for standard input, an
    artifact (`oci://`, `oci-layout:`), or a pattern if no file has its name: `*`, `?` and `[]` in
    names, and `**` for any number of folders. Modules and components are known by their first
    bytes, also those of the data that a file compressed with gzip holds. Other files are left
    alone, unless they are named themselves or their name says that they are modules. Archives are
    known by their name, and looked into, but not archives in them, nor what has another name and
    begins like an archive, nor text (`.wat`) that names wasi-nn: each is an Unsearched. A folder
    that is an OCI layout is searched by `find_in_layout`. In folders, `.git` is left out. A link,
    also in an archive, is looked at where it leads to, and is a Refused if that is nowhere; if that
    is excluded, by the link's own name. What `exclude` says is left out, unless it is named itself
    (see `Exclusion`). A file comes once by each of its names that is an input, or in a folder that
    is one, and in a tar by the names of hard links to it. The modules of an archive may have
    `max_unpacked` bytes together; a compressed tar, as a whole.

    Nothing is left out silently: what cannot be looked at is a Refused. All is done while the
    iterator is used; a file is opened once, for its first bytes.
    """
    seen: Seen = set()
    named = {os.path.abspath(name) for name in inputs} if len(inputs) > 1 else set()
    for root in roots(inputs, exclude):
        if isinstance(root, Refused):
            yield root
        elif not root.is_folder:
            found = look(root.path, exclude, max_unpacked, named=root.named)
            yield from _by_alias(found) if root.is_alias else found
        else:
            for entry in walk(root.path, exclude, seen, everything=False, layouts=True):
                if isinstance(entry, Refused):
                    yield entry
                elif entry.kind is Kind.LAYOUT:
                    yield from find_in_layout(entry.path, exclude, max_unpacked)
                elif not named or os.path.abspath(entry.path) not in named:
                    found = look(entry.path, exclude, max_unpacked)
                    yield from _by_alias(found) if entry.kind is Kind.ALIAS else found


def _by_alias(found: Iterator[Found]) -> Iterator[Found]:
    for each in found:
        yield each._replace(is_alias=True) if isinstance(each, Item) else each


def look(
    path: str, exclude: Sequence[str], max_unpacked: int, *, named: bool = False
) -> Iterator[Found]:
    """The WebAssembly in a file: itself, or the members of an archive."""
    try:
        if named and (is_artifact(path) or not _is_regular(path)):
            yield Item(path, path, True, LARGEST_MODULE, here=True)
            return
        yield from _look(path, exclude, max_unpacked, named)
    except InputError as error:
        yield Refused(path, error)


def _is_regular(path: str) -> bool:
    try:
        return path != "-" and stat.S_ISREG(os.stat(path).st_mode)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"cannot read {path}: {reason}") from error


def _look(path: str, exclude: Sequence[str], max_unpacked: int, named: bool) -> Iterator[Found]:
    head = read_head(path)
    form = format_of(path)
    item = Item(path, path, named, LARGEST_MODULE)
    if head.startswith(MAGIC):
        yield item
        if form is not None:
            yield Unsearched(path, Diagnostic("NN008", f"{path}: {_NOT_AS_ARCHIVE}"))
    elif form is not None:
        yield from find_in_archive(path, form, exclude, max_unpacked)
    elif head.startswith(GZIP):
        compressed = item._replace(gzip=True, most=min(LARGEST_MODULE, max_unpacked))
        yield from _look_into_gzip(compressed, item)
    elif named:
        yield item
    elif says_wasm(path):
        yield Refused(path, not_wasm(path, head))
    elif holds_files(path, head):
        yield unsearched(path, _OTHER)
    elif is_text_guest(path):
        yield unsearched(path, TEXT_GUEST)


def _look_into_gzip(compressed: Item, item: Item) -> Iterator[Found]:
    """The same for a file that is compressed, as one or the other item."""
    try:
        with opened(item.path) as file:
            head = head_of(unpack(item.path, file.read), HEAD)
    except InputError as error:
        if item.named or says_wasm(item.path):
            yield Refused(item.path, error)
        elif holds_files(item.path, b""):
            yield unsearched(item.path, _OTHER)
        return
    if head.startswith(MAGIC):
        yield compressed
    elif item.named:
        yield item
    elif says_wasm(item.path):
        yield Refused(item.path, not_wasm(item.path, head))
    elif holds_files(item.path, head):
        yield unsearched(item.path, _OTHER)

"""Writes trees and archives again, with changed modules."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence

from rewriter.errors import InputError, NNShimError, OutputError
from rewriter.files.compress import LONGEST_HEADER, compressed, gzip_header
from rewriter.files.input import Source
from rewriter.files.output import (
    IS_BLOB,
    IS_BLOB_IN_ARCHIVE,
    has_name_of_digest,
    is_blob,
    write_atomic,
)
from rewriter.trees.copying import copy_file, copy_link, make_folder
from rewriter.trees.find import look
from rewriter.trees.heads import format_of
from rewriter.trees.item import MAX_UNPACKED, Found, Item, Member, Refused, Unsearched
from rewriter.trees.names import Exclusion
from rewriter.trees.opening import read_packed
from rewriter.trees.pending import PendingArchive
from rewriter.trees.targets import Planned, plan_targets
from rewriter.trees.walk import Entry, Kind, Seen, walk

__all__ = ["Output"]


class Output:
    """Where the outputs of many inputs go (see `plan_targets`).

    `find` gives what is found, and copies everything else. For each Item, call one of `put`, `keep`
    and `fail` as soon as it is known what becomes of it, and `finish` at the end. A changed file is
    written by the caller, maybe in another process, to its `target`; the data of others are handed
    to `put`. An archive is written once all its modules are decided on, if none has failed and
    nothing in it was refused. All calls come from one thread.

    Raises UsageError if the outputs cannot be where they should be; nothing is written then.
    """

    def __init__(
        self,
        inputs: Sequence[str],
        out: str | None,
        *,
        exclude: Sequence[str] = (),
        max_unpacked: int = MAX_UNPACKED,
    ) -> None:
        self._planned = plan_targets(inputs, out, exclude)
        self._out = out
        self._exclude = exclude
        self._max_unpacked = max_unpacked
        self._seen: Seen = set()
        self._targets: dict[str, str] = {}
        self._archives: dict[str, PendingArchive] = {}
        self._aliases: set[str] = set()
        self._modes: list[tuple[str, int]] = []
        self._failures: list[Refused] = []

    def find(self) -> Iterator[Found]:
        """What `find` finds, and a Refused for what cannot be copied."""
        for planned in self._planned:
            if isinstance(planned, Refused):
                yield planned
            elif planned.root.is_folder:
                yield from self._folder(planned)
            else:
                root, target = planned
                if self._out is not None and target != self._out:
                    yield from self._try(target, make_folder, os.path.dirname(target))
                if root.is_alias:
                    self._aliases.add(root.path)
                yield from self._file(root.path, target, named=root.named)

    def target(self, item: Item) -> str | None:
        """The path that a changed module is written to, or None if its data are for `put`."""
        return None if item.member is not None or item.gzip else self._targets[item.path]

    def name(self, item: Item) -> str:
        """How the output of a module is called, as the module is by `item.name`."""
        if item.member is None:
            return self._targets[item.path]
        return f"{self._archives[item.path].target}!{item.member.name}"

    def put(self, item: Item, data: bytes | None) -> None:
        """A module has changed. `data` is its new content, or None for one that the caller has
        written to its `target`. Raises InputError and OutputError."""
        try:
            if data is not None:
                self._put(item, data)
        except NNShimError:
            self.fail(item)
            raise
        self._settle(item)

    def keep(self, item: Item) -> None:
        """A module stays as it is. Raises InputError and OutputError."""
        target = self._targets.get(item.path)
        self._settle(item)
        if item.member is None and target is not None and not _is_same(item.path, target):
            self._copy_unchanged(item.path, target)

    def fail(self, item: Item) -> None:
        """A module has no output."""
        if item.member is not None:
            self._archives[item.path].failed = True
        self._settle(item)

    def finish(self) -> Iterator[Refused]:
        """What could not be written. Called once, after all else."""
        for path, mode in reversed(self._modes):
            yield from self._try(path, _set_mode, path, mode)
        yield from self._failures

    def _folder(self, planned: Planned) -> Iterator[Found]:
        root, target = planned
        in_place = _is_same(root.path, target)
        for entry in walk(root.path, self._exclude, self._seen, everything=not in_place):
            if isinstance(entry, Refused):
                yield entry
                continue
            place = os.path.join(target, entry.relative) if entry.relative else target
            if entry.kind is Kind.ALIAS:
                self._aliases.add(entry.path)
                if not in_place:  # or what an older link there leads to would be written
                    yield from self._try(entry.path, _remove_link, place)
                yield from self._file(entry.path, place)
            elif entry.kind is Kind.FILE and not entry.excluded:
                yield from self._file(entry.path, place)
            elif not in_place:
                yield from self._try(entry.path, self._copy, entry, place)

    def _copy(self, entry: Entry, place: str) -> None:
        if entry.kind is Kind.FILE:
            copy_file(entry.path, place)
        elif entry.kind is Kind.LINK:
            copy_link(entry.path, place)
        else:
            make_folder(place)
            self._modes.append((place, stat.S_IMODE(os.stat(entry.path).st_mode)))

    def _file(self, path: str, target: str, *, named: bool = False) -> Iterator[Found]:
        form = format_of(path)
        archive = None if form is None else PendingArchive(path, form, target)
        any_found = False
        for found in look(path, self._exclude, self._max_unpacked, named=named):
            any_found |= not isinstance(found, Unsearched)  # which is copied, too
            if isinstance(found, Refused) and archive is not None:
                archive.failed = True
            elif isinstance(found, Item):
                fixed = self._fixed(path, target)
                if fixed is not None:
                    yield Refused(path, InputError(f"cannot change {path}: {fixed}"))
                    continue
                if found.member is not None and archive is not None:
                    archive.waiting += 1
                    self._archives[path] = archive
                else:
                    archive = None
                    self._targets[path] = target
            yield found
        if archive is not None:
            archive.listed = True
            self._write_complete(archive)
        elif not any_found and not _is_same(path, target):
            yield from self._try(path, self._copy_unchanged, path, target)

    def _fixed(self, path: str, target: str) -> str | None:
        """Why a file must not change."""
        if is_blob(path):
            return IS_BLOB
        if path in self._aliases and _is_same(path, target):
            return f"it is a link to {os.path.realpath(path)}, which is excluded"
        return None

    def _copy_unchanged(self, path: str, target: str) -> None:
        if path in self._aliases:
            copy_link(path, target)
        else:
            copy_file(path, target)

    def _put(self, item: Item, data: bytes) -> None:
        pieces: Iterable[bytes] = [data]
        if item.gzip:
            header = gzip_header(item.name, read_packed(item, LONGEST_HEADER))
            pieces = compressed(header, pieces)
        if item.member is not None:
            self._check_member(item, item.member)
            self._archives[item.path].put(item.member, b"".join(pieces))
        else:
            source = Source(item.path, b"", status=os.stat(item.path))
            write_atomic(self._targets[item.path], source, pieces)

    def _check_member(self, item: Item, member: Member) -> None:
        """Raises OutputError for one that must not change, by any of its names."""
        first = member.first_name
        if has_name_of_digest(member.name) or has_name_of_digest(first):
            raise OutputError(f"cannot change {item.name}: {IS_BLOB_IN_ARCHIVE}")
        if first and first in Exclusion(self._exclude, f"{item.path}!"):
            raise OutputError(
                f"cannot change {item.name}: it is a link to {first}, which is excluded"
            )

    def _settle(self, item: Item) -> None:
        if item.member is None:
            del self._targets[item.path]
            return
        archive = self._archives[item.path]
        archive.waiting -= 1
        self._write_complete(archive)

    def _write_complete(self, archive: PendingArchive) -> None:
        if archive.is_complete:
            self._archives.pop(archive.path, None)
            self._failures += self._try(archive.target, archive.write)

    def _try(self, name: str, action: Callable[..., None], *arguments: object) -> Iterator[Refused]:
        """A Refused if that fails."""
        try:
            action(*arguments)
        except NNShimError as error:
            yield Refused(name, error)


def _set_mode(path: str, mode: int) -> None:
    try:
        os.chmod(path, mode)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from error


def _remove_link(path: str) -> None:
    try:
        if os.path.islink(path):
            os.unlink(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from error


def _is_same(path: str, target: str) -> bool:
    return os.path.realpath(path) == os.path.realpath(target)

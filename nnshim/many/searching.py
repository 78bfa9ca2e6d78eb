"""The inputs of commands that work through many files."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from nnshim.many.options import is_cluster, usable_cores
from nnshim.units import parse_size
from rewriter.errors import InputError, UsageError
from rewriter.file_kinds import GZIP
from rewriter.oci.reference import is_artifact
from rewriter.trees.heads import format_of, read_head
from rewriter.trees.item import MAX_UNPACKED, Found, Item, Refused
from rewriter.wasm.limits import LARGEST_MODULE

if TYPE_CHECKING:
    from rewriter.trees.output import Output

__all__ = ["Search", "search"]


class Search(NamedTuple):
    """Where modules are looked for, and how: `inputs` were named by the user, and `listed` only in
    a list. `jobs` is the number of processes for what is found; `cluster` is the address of a Ray
    cluster that works on it instead."""

    inputs: Sequence[str]
    listed: Collection[str] | None
    exclude: Sequence[str]
    max_unpacked: int
    jobs: int
    cluster: str | None = None

    @property
    def one_file(self) -> str | None:
        """The only file that there is to look at, or to fail to: neither a folder nor an archive,
        and not compressed."""
        if len(self.inputs) != 1 or self.listed is not None:
            return None
        (only,) = self.inputs
        if only == "-" or is_artifact(only):
            return only
        if os.path.isdir(only) or format_of(only) is not None or _is_pattern(only):
            return None
        return None if os.path.isfile(only) and _is_compressed(only) else only

    def found(self) -> Iterator[Found]:
        """What is there, one by one. Files in a list count as found: those that are not WebAssembly
        are left alone."""
        only = self.one_file
        if only is not None:
            yield Item(only, only, True, LARGEST_MODULE, here=True)
            return
        from rewriter.trees.find import find  # one file does without archives

        names = (*self.inputs, *(self.listed or ()))
        for found in find(names, exclude=self.exclude, max_unpacked=self.max_unpacked):
            seen = self.seen(found)
            if seen is not None:
                yield seen

    def seen(self, found: Found) -> Found | None:
        """Files in a list count as found, and not as named: None for one that is left alone,
        because it is excluded, or is not WebAssembly, and its name does not say that it is. Text
        that names wasi-nn is an Unsearched."""
        if not (isinstance(found, Item) and found.named and found.path in (self.listed or ())):
            return found
        if is_artifact(found.path):
            return found
        from rewriter.file_kinds import MAGIC
        from rewriter.trees.heads import is_text_guest, not_wasm, says_wasm
        from rewriter.trees.item import TEXT_GUEST, unsearched
        from rewriter.trees.names import Exclusion

        where, name = _below_here(found.path)
        if name in Exclusion(self.exclude, where):
            return None
        try:
            head = read_head(found.path)
        except InputError as error:
            return Refused(found.name, error)
        if found.gzip or head.startswith(MAGIC):
            return found._replace(named=False)
        if says_wasm(found.path):
            return Refused(found.name, not_wasm(found.name, head))
        try:
            return unsearched(found.name, TEXT_GUEST) if is_text_guest(found.path) else None
        except InputError as error:
            return Refused(found.name, error)

    def output(self, out: str) -> Output:
        """Where the outputs go. Raises UsageError if they cannot."""
        from rewriter.trees.output import Output

        names = (*self.inputs, *(self.listed or ()))
        for name in filter(is_artifact, names):
            raise UsageError(f"{name} is an artifact, which is rewritten alone: name IN and OUT")
        return Output(names, out, exclude=self.exclude, max_unpacked=self.max_unpacked)

    @property
    def nothing(self) -> Iterator[Refused]:
        """What stands for each input where nothing was found in any. A list may be empty."""
        for name in self.inputs if self.listed is None else ():
            besides = " besides what is excluded" if self.exclude else ""
            yield Refused(name, InputError(f"there is no WebAssembly in {name}{besides}", "NN010"))


def _below_here(path: str) -> tuple[str, str]:
    """A path in two parts: the second is from the current folder, or the last name if the file is
    not in there."""
    folder, name = os.path.split(path)
    try:
        relative = os.path.relpath(path)
    except ValueError:  # on another drive
        return os.path.join(folder, ""), name
    if relative.split(os.sep, 1)[0] == os.pardir:
        return os.path.join(folder, ""), name
    return "", relative


def _is_pattern(name: str) -> bool:
    if not any(char in name for char in "*?["):
        return False
    from rewriter.trees.roots import is_pattern

    return is_pattern(name)


def _is_compressed(path: str) -> bool:
    try:
        return read_head(path).startswith(GZIP)
    except InputError:
        return False


def search(
    inputs: Sequence[str],
    files_from: str | None,
    exclude: Sequence[str],
    max_unpacked: str | None,
    jobs: int | None,
    workers: str | None = None,
) -> Search:
    """What the options mean. Raises UsageError, and InputError for a list that cannot be read."""
    if not inputs and files_from is None:
        raise UsageError("name files, folders or archives, or a list of them with --files-from")
    if files_from == "-" and "-" in inputs:
        raise UsageError("standard input cannot be a module and the list of --files-from at once")
    most = MAX_UNPACKED if max_unpacked is None else parse_size("--max-unpacked", max_unpacked)
    listed = None
    if files_from is not None:
        from rewriter.trees.names import read_names

        listed = dict.fromkeys(read_names(files_from))
        for name in inputs:  # what is named is judged whatever it is
            listed.pop(name, None)
    if workers is not None and jobs is not None:
        raise UsageError("--jobs is for processes of this machine, and --workers for a cluster")
    if workers is not None and not is_cluster(workers):
        raise UsageError(
            f"--workers {workers}: expected ray://HOST[:PORT]; --jobs is the number of processes"
        )
    return Search(tuple(inputs), listed, tuple(exclude), most, jobs or usable_cores(), workers)

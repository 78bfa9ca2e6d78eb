"""The files of a guest's models: whether they are still those that a job began with."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from nnshim.fleets.beside import beside
from rewriter.errors import InputError
from rewriter.trees.item import Identity, identity

if TYPE_CHECKING:
    from runtime_shim import NamedGraph
    from runtime_shim.engine.options import HostOptions

__all__ = ["Models", "States", "digest_in", "files_in", "files_of", "models_of", "states_of"]

States = Mapping[str, Sequence[Identity]]
"""What each file is, by its path, after the links that lead to it; nothing for one that is not
there. A file that is replaced, or written to, becomes another one, and so does a link, even if all
is put back. A folder on the path that is moved away and back is not noticed."""

_MOST_LINKS = 40
"""How many the system follows, path_resolution(7)."""


class Models(NamedTuple):
    """The files of named graphs, and those in the folder of --graph-files, as they were once."""

    named: States
    folder: str | None
    in_folder: States

    def replaced(self) -> InputError | None:
        """What is said of the first file that is not what it was, if there is one."""
        now = {**states_of(self.named), **_states_in(self.folder)}
        before = {**self.named, **self.in_folder}
        for path in sorted(now.keys() | before.keys()):
            if now.get(path) != before.get(path):
                said = f"the model file {path} was replaced or changed during the job"
                return InputError(said, "NN012")
        return None


def models_of(host: HostOptions) -> Models:
    """The models that a host made from these arguments reads, as they are now."""
    named = [path for graph in host.get("graphs", ()) for path in files_of(graph)]
    folder = host.get("graph_files")
    return Models(states_of(named), folder, _states_in(folder))


def files_of(graph: NamedGraph) -> Iterator[str]:
    """The paths of the files that a named graph is read from."""
    for path in graph.paths:
        yield path
        yield from (at for _, at in beside(graph, path))


def files_in(folder: str) -> Iterator[str]:
    """The paths of all files and folders in a folder, in an order that is always the same. Raises
    OSError."""
    for where, folders, files in os.walk(folder, onerror=_refuse):
        folders.sort()
        yield from (os.path.join(where, name) for name in sorted((*folders, *files)))


def states_of(paths: Iterable[str]) -> States:
    """What these files are now."""
    return {path: _state(path) for path in paths}


def digest_in(path: str) -> str:
    """Of what is in a file, SHA-256 in hexadecimal. Raises InputError."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


def _states_in(folder: str | None) -> States:
    """Of a folder that cannot be read, the files that were found before."""
    found: dict[str, Sequence[Identity]] = {}
    if folder is not None:
        with suppress(OSError):
            for path in files_in(folder):
                found[path] = _state(path)
    return found


def _state(path: str) -> Sequence[Identity]:
    """Of a folder, only which one it is: its files count themselves."""
    try:
        status = os.stat(path)
        links = list(_links(path))
    except OSError:
        return ()
    state = identity(status)
    if stat.S_ISDIR(status.st_mode):
        state = state._replace(size=0, changed=0, touched=0)
    return (*links, state)


def _links(path: str, followed: int = 0) -> Iterator[Identity]:
    """The symbolic links on the way to a file, of its name and of the folders before it. Raises
    OSError."""
    place = os.sep if os.path.isabs(path) else ""
    for name in path.split(os.sep):
        place = os.path.join(place, name)
        status = os.lstat(place or os.curdir)
        if stat.S_ISLNK(status.st_mode) and followed < _MOST_LINKS:
            yield identity(status)
            target = os.path.join(os.path.dirname(place), os.readlink(place))
            yield from _links(target, followed + 1)


def _refuse(error: OSError) -> None:
    raise error

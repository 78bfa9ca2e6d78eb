"""The guest of a fleet with its models, on a machine that may not have them: they come from Ray's
object store."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from nnshim.fleets.beside import beside
from nnshim.fleets.guests import Guest, Guests
from nnshim.fleets.models import digest_in, models_of, states_of
from nnshim.fleets.remote.variables import check_set, variables_of
from nnshim.fleets.values import Item, Ran
from rewriter.errors import InputError
from rewriter.files.input import Source
from rewriter.files.output import write_atomic

if TYPE_CHECKING:
    from runtime_shim import NamedGraph
    from runtime_shim.engine.options import HostOptions

__all__ = ["PlacedGuests", "placed_guests"]


class _File(NamedTuple):
    """A file of the machine that started the job; `data` is its place in the object store."""

    digest: str
    data: Any


_Parts = Sequence[tuple[str, str]]
"""Of a graph: each file's path from the folder of the model, and where it is."""


class PlacedGuests:
    """Like Guests. Files of named graphs that the machine does not have by the same path and with
    the same content are written, once on each machine, to a folder of Ray's session."""

    def __init__(
        self,
        guest: Guest,
        parts: Sequence[_Parts],
        files: Mapping[str, _File],
        variables: Sequence[str],
    ) -> None:
        self._guest = guest
        self._parts = parts
        self._files = files
        self._variables = variables
        self._guests: Guests | None = None

    def __call__(self, items: Sequence[Item]) -> list[Ran]:
        """See Guests. Raises OutputError if a model cannot be written, and UsageError, before the
        first guest runs, where a variable is not set."""
        if self._guests is None:
            check_set(self._variables)
            before = states_of(path for parts in self._parts for _, path in parts)
            graphs = list(map(self._placed, self._guest.host.get("graphs", ()), self._parts))
            host: HostOptions = {**self._guest.host, "graphs": graphs}
            models = models_of(host)
            named = {path: before.get(path, state) for path, state in models.named.items()}
            models = models._replace(named=named)  # where digests were compared after that
            self._guests = Guests(replace(self._guest, host=host, models=models))
        return self._guests(items)

    def _placed(self, graph: NamedGraph, parts: _Parts) -> NamedGraph:
        """A graph whose files are here. Those of one graph stay beside each other."""
        if any(path not in self._files for path in graph.paths):
            return graph  # a guest that loads it gets an error, as in a run
        given = [(name, path, self._files[path]) for name, path in parts if path in self._files]
        if all(_holds(path, file.digest) for _, path, file in given):
            return graph
        content = repr([(name, file.digest) for name, _, file in given])
        folder = os.path.join(_session_folder(), hashlib.sha256(content.encode()).hexdigest())
        with _alone(folder):
            for name, _, file in reversed(given):  # where two have one name, the first one stays
                here = os.path.join(folder, name)
                if not _holds(here, file.digest):
                    import ray

                    os.makedirs(os.path.dirname(here), exist_ok=True)
                    write_atomic(here, Source(here, b""), (ray.get(file.data),))
        paths = (os.path.join(folder, os.path.basename(path)) for path in graph.paths)
        return replace(graph, paths=tuple(paths))


def placed_guests(guest: Guest) -> PlacedGuests:
    """The guest, with the files of its named graphs in the object store. Raises InputError for one
    that cannot be read or was replaced, and for one outside of its model's folder."""
    guest = _absolute(guest)
    parts = [list(_parts(graph)) for graph in guest.host.get("graphs", ())]
    paths = {path for of_graph in parts for _, path in of_graph if os.path.isfile(path)}
    files = {path: _stored(path) for path in sorted(paths)}
    replaced = guest.models.replaced()
    if replaced is not None:
        raise replaced
    return PlacedGuests(guest, parts, files, variables_of(guest.host))


def _parts(graph: NamedGraph) -> Iterator[tuple[str, str]]:
    for path in graph.paths:
        yield os.path.basename(path), path
        for name, where in beside(graph, path):
            relative = os.path.normpath(name)
            if os.path.isabs(relative) or relative.split(os.sep)[0] == os.pardir:
                raise InputError(f"{path} refers to {name!r}, which is outside its folder")
            yield relative, where


def _absolute(guest: Guest) -> Guest:
    """The same, with paths that mean the same wherever a worker starts."""
    host, options = guest.host, guest.options
    graphs = [
        replace(graph, paths=tuple(map(os.path.abspath, graph.paths)))
        for graph in host.get("graphs", ())
    ]
    dirs = {path: os.path.abspath(folder) for path, folder in options.dirs.items()}
    host = {
        **host,
        "graphs": graphs,
        "graph_files": _absolute_path(host.get("graph_files")),
        "model_cache": _absolute_path(host.get("model_cache")),
    }
    return replace(guest, host=host, options=replace(options, dirs=dirs))


def _absolute_path(path: str | None) -> str | None:
    return None if path is None else os.path.abspath(path)


def _stored(path: str) -> _File:
    import ray

    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    return _File(hashlib.sha256(data).hexdigest(), ray.put(data))


@contextmanager
def _alone(folder: str) -> Iterator[None]:
    """While other workers of this machine wait. What one has written is not to be replaced by
    another, for which it would be another file than its guests began with."""
    import fcntl  # not on Windows

    os.makedirs(os.path.dirname(folder), exist_ok=True)
    with open(f"{folder}.lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _holds(path: str, digest: str) -> bool:
    try:
        return digest_in(path) == digest
    except InputError:
        return False


def _session_folder() -> str:
    """Of this machine and this start of Ray, which removes it as it does its other files."""
    import ray

    context = ray.get_runtime_context()
    return os.path.join(context.get_temp_dir(), context.get_session_name(), "nnshim")

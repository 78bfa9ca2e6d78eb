"""The guest of a fleet with its models, on a machine that may not have them: they come from Ray's
object store."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from nnshim.fleets.guests import Guest, Guests
from nnshim.fleets.values import Item, Ran
from rewriter.errors import InputError
from rewriter.files.input import Source
from rewriter.files.output import write_atomic

if TYPE_CHECKING:
    from runtime_shim import NamedGraph

__all__ = ["PlacedGuests", "placed_guests"]


class _File(NamedTuple):
    """A file of the machine that started the job; `data` is its place in the object store."""

    digest: str
    data: Any


class PlacedGuests:
    """Like Guests. Files of named graphs that the machine does not have by the same path and with
    the same content are written, once on each machine, to a folder of Ray's session."""

    def __init__(self, guest: Guest, files: Mapping[str, _File]) -> None:
        self._guest = guest
        self._files = files
        self._guests: Guests | None = None

    def __call__(self, items: Sequence[Item]) -> list[Ran]:
        """See Guests. Raises OutputError if a model cannot be written."""
        if self._guests is None:
            graphs = [self._placed(graph) for graph in self._guest.host.get("graphs", ())]
            self._guests = Guests(replace(self._guest, host={**self._guest.host, "graphs": graphs}))
        return self._guests(items)

    def _placed(self, graph: NamedGraph) -> NamedGraph:
        """A graph whose files are here. Those of one graph stay beside each other."""
        given = [self._files[path] for path in graph.paths if path in self._files]
        if len(given) < len(graph.paths):  # a guest that loads it gets an error, as in a run
            return graph
        if all(_digest(path) == self._files[path].digest for path in graph.paths):
            return graph
        together = hashlib.sha256("".join(file.digest for file in given).encode()).hexdigest()
        folder = os.path.join(_session_folder(), together)
        os.makedirs(folder, exist_ok=True)
        paths = []
        for path, file in zip(graph.paths, given, strict=True):
            here = os.path.join(folder, os.path.basename(path))
            if _digest(here) != file.digest:
                import ray

                write_atomic(here, Source(here, b""), (ray.get(file.data),))
            paths.append(here)
        return replace(graph, paths=tuple(paths))


def placed_guests(guest: Guest) -> PlacedGuests:
    """The guest, with the files of its named graphs in the object store. Raises InputError for one
    that cannot be read."""
    guest = _absolute(guest)
    graphs: Iterable[NamedGraph] = guest.host.get("graphs", ())
    paths = {path for graph in graphs for path in graph.paths if os.path.isfile(path)}
    return PlacedGuests(guest, {path: _stored(path) for path in sorted(paths)})


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


def _digest(path: str) -> str | None:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _session_folder() -> str:
    """Of this machine and this start of Ray, which removes it as it does its other files."""
    import ray

    context = ray.get_runtime_context()
    return os.path.join(context.get_temp_dir(), context.get_session_name(), "nnshim")

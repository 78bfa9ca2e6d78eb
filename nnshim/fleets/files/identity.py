"""What the results of a job come from: two jobs with the same are the same job."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rewriter.errors import InputError

if TYPE_CHECKING:
    from nnshim.fleets.guests import Guest
    from runtime_shim import NamedGraph

__all__ = ["identity_of"]

_ONLY_STOP = ("timeout", "fuel", "output")
"""Limits that end a guest. A result that was made within one is the same within another."""


def identity_of(guest: Guest, arguments: Sequence[str]) -> Mapping[str, object]:
    """The module, the `arguments` of all inputs, the models, and the options that a result can
    depend on, by what they are called. Values can be written as JSON. Models in a folder count by
    their sizes and times of change, and those on servers by their URLs; what is in the folders of a
    guest does not count. Raises
    InputError for a model that cannot be read."""
    options, host = guest.options, guest.host
    limits = host.get("limits")
    found: dict[str, object] = {
        "module": hashlib.sha256(guest.module).hexdigest(),
        "arguments": list(arguments),
        "environment": dict(options.env),
        "folders": {path: os.path.abspath(options.dirs[path]) for path in options.dirs},
        "read-only folders": sorted(options.read_only_dirs),
        "graphs": [_graph(graph) for graph in host.get("graphs", ())],
        "graph files": _files(host.get("graph_files")),
        "devices": dict(host.get("devices", {})),
    }
    for name in ("invoke", "trap_unknown_imports", "guest_abi", "as_host"):
        found[name] = getattr(options, name)
    for name in ("gpu_fallback", "threads", "fast_math", "isolate"):
        found[name] = host.get(name)
    for name, value in {} if limits is None else limits._asdict().items():
        if name not in _ONLY_STOP:
            found[f"limit {name}"] = value
    return found


def _graph(graph: NamedGraph) -> object:
    paths = [_digest(path) if os.path.isfile(path) else None for path in graph.paths]
    local = [graph.name, graph.encoding.name, str(graph.target), paths, dict(graph.options)]
    remote = graph.remote
    if remote is None:
        return local
    return [*local, list(map(str, remote.endpoints)), dict(remote.headers), remote.falls_back]


def _digest(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


def _files(folder: str | None) -> object:
    """The files of a folder of models."""
    if folder is None:
        return None
    found = []
    try:
        for where, folders, files in os.walk(folder):
            folders.sort()
            for path in (os.path.join(where, name) for name in sorted(files)):
                status = os.stat(path)
                name = os.fsencode(os.path.relpath(path, folder)).hex()
                found.append([name, status.st_size, status.st_mtime_ns])
    except OSError as error:
        raise InputError(f"cannot read {error.filename}: {error.strerror}") from error
    return hashlib.sha256(repr(found).encode()).hexdigest()

"""What the results of a job come from: two jobs with the same are the same job."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nnshim.fleets.models import digest_in, files_in, files_of
from rewriter.errors import InputError
from rewriter.trees.item import identity

if TYPE_CHECKING:
    from nnshim.fleets.guests import Guest
    from runtime_shim import NamedGraph

__all__ = ["identity_of"]

_ONLY_STOP = ("timeout", "fuel", "output")
"""Limits that end a guest. A result that was made within one is the same within another."""


def identity_of(guest: Guest, arguments: Sequence[str], inputs: str) -> Mapping[str, object]:
    """The module, the `arguments` of all inputs, the path of the `inputs`, the models, and the
    options that a result can depend on, by what they are called. Values can be written as JSON.
    Inputs count by where they are, models in a folder by their sizes and times (when what is in
    them was changed, and when anything was), and those on servers by their URLs; what is in the
    folders of a guest does not count. Raises InputError for a model that cannot be read."""
    options, host = guest.options, guest.host
    limits = host.get("limits")
    found: dict[str, object] = {
        "module": hashlib.sha256(guest.module).hexdigest(),
        "arguments": list(arguments),
        "--inputs": os.fsencode(os.path.abspath(inputs)).hex(),
        "--env": dict(options.env),
        "--dir": {path: os.path.abspath(options.dirs[path]) for path in options.dirs},
        "read-only folders": sorted(options.read_only_dirs),
        "named graphs": [_graph(graph) for graph in host.get("graphs", ())],
        "--graph-files": _files(host.get("graph_files")),
        "--device": dict(host.get("devices", {})),
    }
    for name in ("invoke", "trap_unknown_imports", "guest_abi", "as_host"):
        found[_option(name)] = getattr(options, name)
    for name in ("gpu_fallback", "threads", "fast_math", "isolate"):
        found[_option(name)] = host.get(name)
    for name, value in {} if limits is None else limits._asdict().items():
        if name not in _ONLY_STOP:
            found["--max-memory" if name == "memory" else f"--limit {name}"] = value
    return found


def _option(name: str) -> str:
    return "--as" if name == "as_host" else f"--{name.replace('_', '-')}"


def _graph(graph: NamedGraph) -> object:
    digests = [digest_in(path) if os.path.isfile(path) else None for path in files_of(graph)]
    local = [graph.name, graph.encoding.name, str(graph.target), digests, dict(graph.options)]
    remote = graph.remote
    if remote is None:
        return local
    return [*local, list(map(str, remote.endpoints)), dict(remote.headers), remote.falls_back]


def _files(folder: str | None) -> object:
    """The files of a folder of models, and where links lead."""
    if folder is None:
        return None
    found = []
    try:
        for path in files_in(folder):
            status = os.stat(path)
            name = os.fsencode(os.path.relpath(path, folder)).hex()
            target = os.fsencode(os.path.realpath(path)).hex() if os.path.islink(path) else ""
            is_folder = stat.S_ISDIR(status.st_mode)
            of_file = () if is_folder else identity(status)[2:]
            found.append([name, target, *of_file])
    except OSError as error:
        raise InputError(f"cannot read {error.filename}: {error.strerror}") from error
    return hashlib.sha256(repr(found).encode()).hexdigest()

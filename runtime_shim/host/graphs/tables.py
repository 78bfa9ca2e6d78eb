"""Files that name graphs: graphs.toml."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from rewriter.abi.dialects import Encoding
from rewriter.errors import InputError, UsageError
from rewriter.file_kinds import mistaken
from runtime_shim.backends.common.devices import AUTO
from runtime_shim.backends.parsing.model_parts import with_weights
from runtime_shim.host.graph_specs import NamedGraph, encoding_of, place_of
from runtime_shim.host.graphs.remote_tables import (
    REMOTE_KEYS,
    check_no_local_model,
    read_remote,
)

__all__ = ["read_graphs"]

_LARGEST_FILE = 1 << 24
"""Maximum size in bytes of a file that names graphs. Tens of thousands of graphs fit."""

_KINDS: Mapping[str, tuple[Any, str]] = MappingProxyType(
    {
        "paths": (list, "a list of files"),
        "encoding": (str, "the name of an encoding"),
        "target": (str, "cpu, gpu, tpu, auto, or the name of a device"),
        "options": (dict, "a table"),
    }
)
"""The keys of a model in files, with the types of their values, and what is expected, in words."""


def read_graphs(path: str) -> list[NamedGraph]:
    """Read named graphs from a TOML file. It has a table `graphs.NAME` for each, with `paths`,
    relative to the file, and optionally `encoding` (default: detected from the first bytes),
    `target` (cpu, gpu, tpu, auto, or a device; default: cpu) and a table `options`. The .bin beside
    an XML file that is given alone is taken too. `remote`, and the keys that go with it, say that
    the model is on inference servers: see host.graphs.remote_tables.

    Raises InputError if the file is missing or invalid, or names no graph.
    """
    import tomllib

    try:
        if os.path.isdir(path):
            raise InputError(f"{path} is a folder, not a file that names graphs (TOML)")
        with open(path, "rb") as file:
            text = file.read(_LARGEST_FILE + 1)
        if len(text) > _LARGEST_FILE:
            raise InputError(f"{path} is larger than {_LARGEST_FILE} bytes")
        content = tomllib.loads(text.decode())
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        found = mistaken(text, "a file that names graphs (TOML)", text=True)
        if found is not None and not text.startswith(b"["):  # which TOML may begin with, too
            raise InputError(f"{path}: {'; '.join(found)}") from error
        raise InputError(f"{path} is not valid TOML: {error}") from error
    if "format" in content and "graphs" not in content:
        raise InputError(f"{path}: this is a host's profile, which --as and --for take")
    _check_keys(path, content, {"graphs": (dict, "tables [graphs.NAME]")})
    if not content.get("graphs"):
        raise InputError(f"{path} names no graph; it needs a table [graphs.NAME] with paths")
    folder = os.path.dirname(path)
    return [
        _graph(f"{path}: graphs.{name}", folder, name, table)
        for name, table in content.get("graphs", {}).items()
    ]


def _graph(where: str, folder: str, name: str, table: object) -> NamedGraph:
    if not isinstance(table, dict):
        raise InputError(f"{where} must be a table")
    _check_keys(where, table, {**_KINDS, **REMOTE_KEYS})
    remote = read_remote(where, folder, table)
    if remote is not None and not remote.falls_back:
        check_no_local_model(where, table, _KINDS)
        return NamedGraph(name, Encoding.AUTODETECT, AUTO, (), remote=remote)
    paths = table.get("paths")
    if not paths or not all(isinstance(path, str) for path in paths):
        raise InputError(f"{where} needs paths, a list of files")
    try:
        encoding = encoding_of(table.get("encoding", "autodetect"))
    except UsageError as error:
        raise InputError(f"{where}: {error}") from error
    return NamedGraph(
        name,
        encoding,
        place_of(table.get("target", "cpu")),
        with_weights([os.path.join(folder, path) for path in paths]),
        table.get("options", {}),
        remote,
    )


def _check_keys(where: str, table: Mapping[str, Any], kinds: Mapping[str, tuple[Any, str]]) -> None:
    for key, value in table.items():
        if key not in kinds:
            raise InputError(f"{where}: unknown key {key!r}; expected one of {', '.join(kinds)}")
        kind, expected = kinds[key]
        if not isinstance(value, kind):
            shown = "" if key in REMOTE_KEYS else f": {value!r}"  # it may be a secret
            raise InputError(f"{where}: invalid value for {key}{shown}; expected {expected}")

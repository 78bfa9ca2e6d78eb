"""Reads the configuration for a command."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nnshim.config.config import NOTHING, Config
from nnshim.config.found import PYPROJECT, File, find, is_below, named
from rewriter.errors import UsageError
from rewriter.oci.reference import LAYOUT, REGISTRY

if TYPE_CHECKING:
    from nnshim.config.schema import Wrong
    from rewriter.policy.policy import Policy

__all__ = ["TABLE", "configured", "read", "source"]

TABLE = ("tool", "nnshim")
"""The table in pyproject.toml."""


def configured(path: str | None, none: bool) -> Config:
    """The configuration that is in force: of the file at `path`, or of the nearest one; with `none`
    of no file. Raises UsageError for a file that cannot be read or is wrong."""
    file = source(path, none)
    return NOTHING if file is None else read(file)


def source(path: str | None, none: bool) -> File | None:
    """The file with the configuration that is in force."""
    if path is not None and none:
        raise UsageError("--config contradicts --no-config")
    if none:
        return None
    return find() if path is None else named(path)


def read(file: File) -> Config:
    """What a file says. Raises UsageError with its name, the line and the key."""
    from nnshim.config.schema import Wrong, check, read_schema

    try:
        values = tables(file)
        check(values, read_schema())
        return _config(file, values)
    except Wrong as error:
        raise _placed(file, error) from error


def tables(file: File) -> Mapping[str, Any]:
    """The tables of a file, as TOML has them: of pyproject.toml, only nnshim's."""
    from nnshim.config.schema import Wrong
    from nnshim.config.toml import parse

    found: Any = parse(file.data, file.shown)
    for key in prefix(file):
        found = found.get(key) if isinstance(found, dict) else None
        if found is None:
            raise UsageError(f"{file.shown} has no table [{'.'.join(TABLE)}]")
    if not isinstance(found, dict):
        raise Wrong((), "expected a table")
    return found


def prefix(file: File) -> tuple[str, ...]:
    """The keys that lead to the configuration."""
    return TABLE if os.path.basename(file.path) == PYPROJECT else ()


def _placed(file: File, error: Wrong) -> UsageError:
    from nnshim.config.toml import line_of

    keys = [key for key in error.path if isinstance(key, str)]
    line = line_of(file.data, (*prefix(file), *keys))
    where = file.shown if line is None else f"{file.shown}:{line}"
    key = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in error.path)
    return UsageError(f"{where}: {key.lstrip('.') or '.'.join(TABLE)}: {error.what}")


def _config(file: File, values: Mapping[str, Any]) -> Config:
    beside = None if file.beside is None else os.path.basename(file.beside)
    policy = values.get("policy")
    return Config(
        path=file.shown,
        beside=beside,
        folder=file.folder,
        hosts=_hosts(file, values.get("hosts")),
        files=_paths(file, values, "files"),
        exclude=values.get("exclude"),
        models=_paths(file, values, "models"),
        strict=values.get("strict"),
        accept=_codes(values.get("accept"), "accept"),
        accept_by_path=tuple(
            (pattern, frozenset(_codes(codes, "accept-by-path", pattern) or ()))
            for pattern, codes in values.get("accept-by-path", {}).items()
        ),
        policy=None if policy is None else _policy(policy),
    )


def _policy(values: Mapping[str, Any]) -> Policy:
    from rewriter.policy.policy import Policy

    return Policy(**{key.replace("-", "_"): value for key, value in values.items()})


def _codes(codes: Sequence[str] | None, *path: str) -> Sequence[str] | None:
    from nnshim.config.schema import Wrong
    from rewriter.checking.check import acceptable

    for number, code in enumerate(codes or ()):
        try:
            acceptable((code,))
        except UsageError as error:
            raise Wrong((*path, number), str(error)) from error
    return codes


def _hosts(file: File, names: Iterable[str] | None) -> Sequence[str] | None:
    """Names of hosts, and paths of profiles from the current folder."""
    if names is None:
        return None
    from nnshim.config.schema import Wrong
    from rewriter.hosts.table import find_hosts, is_profile

    hosts = []
    for number, name in enumerate(names):
        try:
            host = _path(file, name) if is_profile(name) else name
            find_hosts(host)
        except UsageError as error:
            raise Wrong(("hosts", number), str(error)) from error
        hosts.append(host)
    return hosts


def _paths(file: File, values: Mapping[str, Any], key: str) -> Sequence[str] | None:
    from nnshim.config.schema import Wrong

    paths = []
    for number, name in enumerate(values.get(key, ())):
        try:
            paths.append(_path(file, name))
        except UsageError as error:
            raise Wrong((key, number), str(error)) from error
    return paths if key in values else None


def _path(file: File, name: str) -> str:
    """A path from the current folder, given one from the file's; a reference to a registry is not
    one. Raises UsageError if a file that was found, and not named, leads out of its repository."""
    if name.startswith(REGISTRY):
        return name
    if name.startswith(LAYOUT):
        return LAYOUT + _path(file, name.removeprefix(LAYOUT))
    path = os.path.join(file.folder, name)
    if "\0" in name:
        raise UsageError("a path cannot contain a NUL")
    if file.top is not None and not is_below(path, file.top):
        raise UsageError(
            f"{name} leads out of the repository, or of the file's folder without one; only a file"
            " that is named with --config may do that"
        )
    path = _from_here(file, name)
    return os.path.join(os.curdir, path) if path.startswith("-") else path


def _from_here(file: File, name: str) -> str:
    path = os.path.join(file.folder, name)
    try:
        return os.path.relpath(path)
    except ValueError:  # on another drive
        return path

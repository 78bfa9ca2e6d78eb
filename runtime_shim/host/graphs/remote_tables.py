"""The keys of a graph whose model is on inference servers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from rewriter.errors import InputError, UsageError
from runtime_shim.backends.remote.access import check_variables
from runtime_shim.backends.remote.model import DEADLINE, Endpoint, RemoteModel, Tls, parse_endpoint
from runtime_shim.numbers import check_number

__all__ = ["REMOTE_KEYS", "check_no_local_model", "read_remote"]

REMOTE_KEYS: Mapping[str, Any] = MappingProxyType(
    {
        "remote": (str, list),
        "fallback": str,
        "deadline": (int, float),
        "headers": dict,
        "tls": dict,
        "shared-memory": bool,
    }
)
"""The keys, with the types of their values."""

_TLS_KEYS = ("ca", "certificate", "key")

_LONGEST_DEADLINE = 24 * 3600
"""In seconds."""


def read_remote(where: str, folder: str, table: Mapping[str, Any]) -> RemoteModel | None:
    """The model on inference servers that a graph's table describes. `where` says which table, and
    paths are relative to `folder`. None if it has no key `remote`.

    Raises InputError for values that make no sense, alone or together, and for headers whose
    variables are not set.
    """
    if "remote" not in table:
        for key in REMOTE_KEYS:
            if key in table:
                raise InputError(f"{where}: {key} has no effect without remote")
        return None
    headers = table.get("headers", {})
    if not all(isinstance(variable, str) for variable in headers.values()):
        raise InputError(
            f"{where}: headers has the name of an environment variable for each header"
        )
    headers = {header.lower(): variable for header, variable in headers.items()}
    check_variables(where, headers)
    if table.get("fallback", "local") != "local":
        raise InputError(f'{where}: fallback cannot be {table["fallback"]!r}; expected "local"')
    try:
        check_number("deadline", table.get("deadline"), 0.001, _LONGEST_DEADLINE, whole=False)
        endpoints = _endpoints(where, table["remote"])
    except UsageError as error:
        raise InputError(f"{where}: {error}") from None
    shares = table.get("shared-memory", False)
    if shares and not all(endpoint.is_on_this_machine for endpoint in endpoints):
        raise InputError(
            f"{where}: shared-memory needs servers on this machine: localhost, 127.0.0.1 or [::1]"
        )
    if "tls" in table and not all(endpoint.is_secure for endpoint in endpoints):
        raise InputError(f"{where}: tls needs grpcs:// or https://")
    return RemoteModel(
        endpoints,
        deadline=table.get("deadline", DEADLINE),
        headers=headers,
        tls=_tls(where, folder, table.get("tls", {})),
        shared_memory=shares,
        falls_back="fallback" in table,
    )


def check_no_local_model(where: str, table: Mapping[str, Any], local: Mapping[str, Any]) -> None:
    """Raise InputError for keys of a local model, which would have no effect."""
    for key in local:
        if key in table:
            raise InputError(
                f'{where}: {key} has no effect beside remote without fallback = "local"'
            )


def _endpoints(where: str, remote: object) -> tuple[Endpoint, ...]:
    urls = remote if isinstance(remote, list) else [remote]
    if not urls or not all(isinstance(url, str) for url in urls):
        raise InputError(f"{where}: remote is a URL or a list of URLs")
    endpoints = tuple(map(parse_endpoint, urls))
    if len(set(endpoints)) < len(endpoints):
        raise InputError(f"{where}: remote names an endpoint twice")
    return endpoints


def _tls(where: str, folder: str, table: Mapping[str, Any]) -> Tls:
    for key, value in table.items():
        if key not in _TLS_KEYS or not isinstance(value, str):
            raise InputError(f"{where}: tls has the files {', '.join(_TLS_KEYS)}")
    if ("certificate" in table) != ("key" in table):
        raise InputError(f"{where}: tls needs certificate and key together")
    files = {key: os.path.join(folder, path) for key, path in table.items()}
    for path in files.values():
        if not os.path.isfile(path):
            raise InputError(f"{where}: {path} does not exist")
    return Tls(**{key: os.path.abspath(path) for key, path in files.items()})

"""The keys of a graph whose model is on inference servers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from rewriter.errors import InputError, UsageError
from runtime_shim.backends.remote.access import check_variables
from runtime_shim.backends.remote.endpoints import parse_endpoint
from runtime_shim.backends.remote.model import DEADLINE, RemoteModel, Tls

__all__ = ["REMOTE_KEYS", "check_no_local_model", "read_remote"]

REMOTE_KEYS: Mapping[str, tuple[Any, str]] = MappingProxyType(
    {
        "remote": ((str, list), "a URL or a list of URLs"),
        "fallback": (str, '"local", with the files of the local model in paths'),
        "deadline": ((int, float), "a number of seconds, such as 2.5, without quotation marks"),
        "headers": (dict, 'a table such as { authorization = "MY_TOKEN" }, with the name of an'
                    " environment variable for each header"),
        "tls": (dict, 'a table such as { ca = "ca.pem" }'),
        "shared-memory": (bool, "true or false"),
        "binary-tensors": (bool, "true or false"),
    }
)  # fmt: skip
"""The keys, with the types of their values, and what is expected, in words."""


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
    if table.get("fallback", "local") != "local":
        raise InputError(f'{where}: fallback cannot be {table["fallback"]!r}; expected "local"')
    remote = table["remote"]
    urls = remote if isinstance(remote, list) else [remote]
    if not urls or not all(isinstance(url, str) for url in urls):
        raise InputError(f"{where}: remote is a URL or a list of URLs")
    try:
        model = RemoteModel(
            tuple(map(parse_endpoint, urls)),
            deadline=table.get("deadline", DEADLINE),
            headers=table.get("headers", {}),
            tls=_tls(where, folder, table.get("tls", {})),
            shared_memory=table.get("shared-memory", False),
            binary_tensors=table.get("binary-tensors"),
            falls_back="fallback" in table,
        )
    except UsageError as error:
        raise InputError(f"{where}: {error}") from None
    for path in model.tls:
        if path is not None and not os.path.isfile(path):
            raise InputError(f"{where}: {path} does not exist")
    check_variables(where, model.headers)
    return model


def check_no_local_model(where: str, table: Mapping[str, Any], local: Mapping[str, Any]) -> None:
    """Raise InputError for keys of a local model, which would have no effect."""
    for key in local:
        if key in table:
            raise InputError(
                f'{where}: {key} has no effect beside remote without fallback = "local"'
            )


def _tls(where: str, folder: str, table: Mapping[str, Any]) -> Tls:
    for key, value in table.items():
        if key not in Tls._fields or not isinstance(value, str):
            raise InputError(f"{where}: tls has the files {', '.join(Tls._fields)}")
    return Tls(**{key: os.path.abspath(os.path.join(folder, path)) for key, path in table.items()})

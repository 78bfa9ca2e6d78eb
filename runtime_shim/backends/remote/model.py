"""What an operator says of a model on inference servers: its endpoints, and how to speak to them.
Nothing of it is secret: headers are given by the names of environment variables."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from rewriter.errors import UsageError
from runtime_shim.backends.remote.endpoints import Endpoint, check_endpoint
from runtime_shim.numbers import check_number

__all__ = ["DEADLINE", "Asked", "RemoteModel", "Tls", "shown"]

DEADLINE = 30.0
"""In seconds, by default."""

_SHORTEST_DEADLINE, _LONGEST_DEADLINE = 0.001, 24 * 3600
"""In seconds."""

_HEADER = re.compile(r"[a-z0-9_.-]+")
"""gRPC's keys, which are HTTP's in small letters.

https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
"""

_OF_THE_CONNECTION = (
    *("connection", "content-encoding", "content-length", "content-type", "expect", "host"),
    *("inference-header-content-length", "te", "trailer", "transfer-encoding", "upgrade"),
)
"""Headers that say how a request is sent."""

_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
"""What is printed as the name of a variable. Anything else may be the value itself."""


class Tls(NamedTuple):
    """Files in PEM: the authorities to trust (None: the system's), and this client's certificate
    with its key (None: no certificate)."""

    ca: str | None = None
    certificate: str | None = None
    key: str | None = None


@dataclass(frozen=True)
class RemoteModel:
    """A model on inference servers. The first endpoint gets all requests until it fails, then the
    next one.

    `endpoints` are what `parse_endpoint` makes of URLs. `deadline` is how many seconds a load or an
    inference may take, with all attempts: from 0.001 to a day. `headers` has, for each header, the
    name of the environment variable with its value: capitals, digits and underscores, or that of a
    variable that is set. With `takes_token`, the environment variable
    NNSHIM_REMOTE_TOKEN, if it is set, is sent as a bearer token. With `shared_memory`, tensors go
    through POSIX shared memory to a server on this machine. `binary_tensors` says whether tensors
    are sent as bytes: by default (None) always over gRPC, and over HTTP if the server says that it
    takes them; False is for gRPC servers that read only typed contents. With `falls_back`, the
    graph's local model runs while no endpoint can be reached.

    Raises UsageError for values that make no sense, alone or together.
    """

    endpoints: tuple[Endpoint, ...]
    deadline: float = DEADLINE
    headers: Mapping[str, str] = field(default_factory=dict)
    takes_token: bool = False
    tls: Tls = field(default_factory=Tls)
    shared_memory: bool = False
    binary_tensors: bool | None = None
    falls_back: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "endpoints", _endpoints(self.endpoints))
        object.__setattr__(self, "headers", _headers(self.headers))
        if self.deadline is None:
            raise UsageError("deadline cannot be None: expected a number of seconds")
        check_number(
            *("deadline", self.deadline, _SHORTEST_DEADLINE, _LONGEST_DEADLINE),
            whole=False,
            unit="seconds",
        )
        for name in ("takes_token", "shared_memory", "falls_back"):
            value = getattr(self, name)
            if type(value) is not bool:
                raise UsageError(f"{name} cannot be {value!r}: expected True or False")
        if type(self.binary_tensors) not in (bool, type(None)):
            raise UsageError(
                f"binary_tensors cannot be {self.binary_tensors!r}: expected True, False or None"
            )
        _check_tls(self.tls)
        if self.shared_memory and not all(each.is_on_this_machine for each in self.endpoints):
            raise UsageError(
                "shared memory needs servers on this machine: localhost, 127.0.0.1 or [::1]"
            )
        if self.tls != Tls() and not all(each.is_secure for each in self.endpoints):
            raise UsageError("tls needs grpcs:// or https://")


def _endpoints(given: object) -> tuple[Endpoint, ...]:
    """Raises UsageError, which repeats no text: it may have a password in it."""
    expected = 'expected a tuple such as (parse_endpoint("grpc://HOST:PORT/MODEL"),)'
    if isinstance(given, Endpoint):
        raise UsageError(f"endpoints cannot be a single Endpoint: {expected}")
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise UsageError(f"endpoints cannot be of type {_type(given)}: {expected}")
    found = []
    for each in given:
        if not isinstance(each, Endpoint):
            raise UsageError(f"endpoints cannot have a value of type {_type(each)}: {expected}")
        check_endpoint(each)
        found.append(each)
    if not found:
        raise UsageError(f"endpoints cannot be empty: {expected}")
    if len(set(found)) < len(found):
        raise UsageError("an endpoint is named twice")
    return tuple(found)


def _headers(given: object) -> Mapping[str, str]:
    """In small letters. Raises UsageError, which repeats no value."""
    expected = "expected the name of an environment variable for each header"
    if not isinstance(given, Mapping):
        raise UsageError(f"headers cannot be of type {_type(given)}: {expected}")
    found = {}
    for header, variable in given.items():
        if not isinstance(header, str) or not isinstance(variable, str):
            raise UsageError(f"headers has something that is not text: {expected}")
        name = header.lower()
        if not _HEADER.fullmatch(name) or name.startswith("grpc-"):
            raise UsageError(f"{header!r} cannot be a header; expected letters, digits, -, _ and .")
        if name in _OF_THE_CONNECTION or name.endswith("-bin"):
            raise UsageError(f"the header {header} is reserved: nnshim or gRPC sets it")
        if name in found:
            raise UsageError(f"the header {header} is named twice")
        if not _VARIABLE.fullmatch(variable) and variable not in os.environ:
            raise UsageError(
                f"headers takes the name of an environment variable for the header {header}, such"
                " as MY_TOKEN, and the value of the header from this variable; no variable has the"
                " name that is given"
            )
        found[name] = variable
    return found


def shown(variable: str) -> str:
    """The name of a variable for messages."""
    return variable if _VARIABLE.fullmatch(variable) else "that the graph names"


def _check_tls(tls: object) -> None:
    """Raises UsageError."""
    if not isinstance(tls, Tls):
        raise UsageError(f"tls cannot be of type {_type(tls)}: expected Tls")
    for name, path in tls._asdict().items():
        if path is not None and not isinstance(path, str):
            raise UsageError(f"tls: {name} cannot be of type {_type(path)}: expected a path as str")
    if (tls.certificate is None) != (tls.key is None):
        raise UsageError("tls needs certificate and key together")


def _type(value: object) -> str:
    return type(value).__name__


class Asked(NamedTuple):
    """How a guest asks for a model: since when, by time.monotonic; which servers were not well, and
    when each of them was asked last; and the URL of the server from which the guest has chosen the
    model, empty if the operator has named it."""

    since: float
    ill: dict[str, float]
    server: str

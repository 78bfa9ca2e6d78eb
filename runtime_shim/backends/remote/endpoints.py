"""Where models on inference servers are: URLs, and what they name."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

from rewriter.errors import UsageError
from rewriter.suggestions import did_you_mean

__all__ = [
    "TOKEN",
    "Endpoint",
    "check_endpoint",
    "is_model_name",
    "parse_endpoint",
    "parse_server",
    "without_user",
]

TOKEN = "NNSHIM_REMOTE_TOKEN"  # noqa: S105 - the name of a variable
"""The environment variable with the bearer token of endpoints that the command line names."""

_PORTS = {"grpc": None, "grpcs": None, "http": 80, "https": 443}
"""The default port of each scheme. gRPC has none."""

_HOST = re.compile(r"[\w.:-]+")
"""A name, which may be international, or an address."""

_SECURE = ("grpcs", "https")

_LOCAL = ("localhost", "127.0.0.1", "::1")


class Endpoint(NamedTuple):
    """A model on one server. `model` is empty if only the server is named, and `version` if the
    server chooses one."""

    scheme: str
    host: str
    port: int
    model: str = ""
    version: str = ""

    @property
    def is_secure(self) -> bool:
        """Whether TLS is used."""
        return self.scheme in _SECURE

    @property
    def is_grpc(self) -> bool:
        """Whether the protocol is gRPC, otherwise HTTP."""
        return self.scheme.startswith("grpc")

    @property
    def is_on_this_machine(self) -> bool:
        """Whether the host is this machine's loopback."""
        return self.host in _LOCAL

    @property
    def address(self) -> str:
        """`HOST:PORT`, with brackets around an IPv6 address."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The server's, without the model."""
        return f"{self.scheme}://{self.address}"

    def __str__(self) -> str:
        version = f"/versions/{quote(self.version, safe='')}" if self.version else ""
        return f"{self.url}/{quote(self.model, safe='')}{version}"


def is_model_name(name: str) -> bool:
    """Whether a server can have a model of this name: it is a part of a path in HTTP."""
    is_step = name in ("", ".", "..") or not {"/", "\\"}.isdisjoint(name)
    return not is_step and name.isprintable()


def without_user(text: str) -> str:
    """A text of a command line for messages: a URL in it may have a password."""
    return re.sub("//.*@", "//***@", text)


def parse_endpoint(text: str) -> Endpoint:
    """Parse `SCHEME://HOST:PORT/MODEL`, or `.../MODEL/versions/VERSION`; the scheme is grpc, grpcs,
    http or https. Raises UsageError."""
    return _parse(text, has_model=True)


def parse_server(text: str) -> Endpoint:
    """Parse `SCHEME://HOST:PORT`, for the models of a server by their names. Raises UsageError."""
    return _parse(text, has_model=False)


def check_endpoint(endpoint: Endpoint) -> None:
    """Raise UsageError unless a URL can name this endpoint, with a model or without one."""
    expected = "make endpoints with parse_endpoint"
    try:
        found = _parse(str(endpoint), has_model=bool(endpoint.model))
    except UsageError as error:
        raise UsageError(f"this endpoint makes no sense: {error}") from None
    except (TypeError, AttributeError, UnicodeEncodeError):
        raise UsageError(f"a part of an endpoint is of the wrong type; {expected}") from None
    if found != endpoint._replace(host=endpoint.host.lower()):
        raise UsageError(f"{endpoint} is not what its parts say; {expected}")


def _parse(text: str, has_model: bool) -> Endpoint:
    shown = re.split("[?#]", text)[0]  # what follows may be a secret
    if "@" in text:  # this text is not printed, because it may have a password in it
        raise UsageError(
            "a URL of an inference server may not have a user or a password in it; headers in a"
            f" file of graphs, or the variable {TOKEN}, identify you"
        )
    model = "/MODEL" if has_model else ""
    expected = f"expected grpc://HOST:PORT{model}, or grpcs, http or https"
    try:
        url = urlsplit(text)
        host, port = url.hostname or "", url.port
    except ValueError as error:
        raise UsageError(f"{shown}: {error}; {expected}") from error
    if url.scheme not in _PORTS:
        raise UsageError(f"{shown}: {expected}{did_you_mean(url.scheme, _PORTS)}")
    port = _PORTS[url.scheme] if port is None else port
    if shown != text or not _HOST.fullmatch(host) or not text.isprintable():
        raise UsageError(f"{shown}: {expected}")
    if port is None:
        raise UsageError(f"{shown} has no port, and gRPC needs one; {expected}")
    if port == 0:
        raise UsageError(f"{shown}: port 0 cannot be used; {expected}")
    parts = [unquote(part) for part in url.path.strip("/").split("/")]
    if not has_model:
        if parts != [""]:
            raise UsageError(f"{shown}: {expected}; -S nn-graph=remote::URL names one model")
        return Endpoint(url.scheme, host, port)
    if parts == [""]:
        raise UsageError(f"{shown} names no model; expected {url.scheme}://HOST:PORT/MODEL")
    version = parts.pop() if len(parts) == 3 and parts.pop(1) == "versions" else None
    if len(parts) != 1 or not is_model_name(parts[0]) or version == "":
        model = f"{url.scheme}://HOST:PORT/MODEL"
        raise UsageError(f"{shown}: expected {model} or {model}/versions/VERSION")
    return Endpoint(url.scheme, host, port, parts[0], version or "")

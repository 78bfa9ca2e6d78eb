"""What can fail between nnshim and an inference server, each with its errno and its code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rewriter.abi.dialects import Errno
from runtime_shim.backends.remote.speaker import Speaker
from runtime_shim.errors import ServerError

__all__ = [
    "NotTaken",
    "OtherModel",
    "Unavailable",
    "before_an_inference",
    "contradiction",
    "inexpressible",
    "is_of_an_ill_server",
    "late",
    "lost",
    "other_model",
    "refused",
    "unreached",
    "unusable",
]


_UNCERTAIN = ("NN604", "NN605")
"""Codes of errors after which nobody knows whether the server has done what it was asked for."""


class NotTaken(Exception):
    """A server has certainly not begun with a request: another one can be asked. The message says
    why."""


class Unavailable(ServerError):
    """A server says that it is not available, or a proxy says so of the server. It may have begun
    with the request: a proxy also says it after a connection that it has lost."""


class OtherModel(ServerError):
    """A server describes another model than the one that the guest knows. Nothing was computed."""


def is_of_an_ill_server(error: ServerError) -> bool:
    """Whether the server has failed, and may fail again, rather than refused one request."""
    return error.code in _UNCERTAIN or isinstance(error, (OtherModel, Unavailable))


@contextmanager
def before_an_inference() -> Iterator[None]:
    """Raise NotTaken where a server fails at what it is asked before it gets an inference."""
    try:
        yield
    except ServerError as error:
        if is_of_an_ill_server(error):
            raise NotTaken(error.reason) from None
        raise


def unusable(reason: str) -> ServerError:
    """gRPC is installed, and cannot be imported."""
    return ServerError(Errno.INVALID_ENCODING, reason, "server", "NN501")


def unreached(reason: str) -> ServerError:
    """No endpoint has taken the request."""
    return ServerError(
        Errno.RUNTIME_ERROR, f"no endpoint takes the request: {reason}", "server", "NN603"
    )


def late(server: Speaker) -> ServerError:
    """The deadline is over."""
    return ServerError(
        Errno.RUNTIME_ERROR, f"{server} has not answered within the deadline", "server", "NN604"
    )


def lost(server: Speaker, how: str) -> ServerError:
    """The connection ended before the answer did."""
    return ServerError(
        Errno.RUNTIME_ERROR,
        f"the connection to {server} was lost before the answer was complete ({how})",
        "server",
        "NN605",
    )


def refused(
    server: Speaker, how: str, errno: Errno = Errno.RUNTIME_ERROR, *, is_unavailable: bool = False
) -> ServerError:
    """The server answers with an error."""
    kind = Unavailable if is_unavailable else ServerError
    return kind(errno, f"{server} refuses the request: {how}", "server", "NN606")


def contradiction(server: Speaker, what: str) -> ServerError:
    """The server's answer is not one, or does not fit what the server said of the model."""
    return ServerError(
        Errno.RUNTIME_ERROR, f"the answer of {server} cannot be used: {what}", "server", "NN607"
    )


def other_model(server: Speaker, where: str, what: str) -> OtherModel:
    """A server has another model than the one of the server `where`, which the guest knows."""
    than = "before" if where == str(server) else f"on {where}"
    return OtherModel(
        Errno.RUNTIME_ERROR,
        f"the model on {server} is not the one {than}: {what}",
        "server",
        "NN607",
    )


def inexpressible(what: str) -> ServerError:
    """Something that the protocol, or this server's form of it, cannot express."""
    return ServerError(Errno.UNSUPPORTED_OPERATION, what, "server", "NN608")

"""Opens a model on inference servers: connects, and reads what they say of it."""

from __future__ import annotations

import functools
import logging
import weakref

from rewriter.abi.dialects import Errno
from rewriter.errors import InputError
from runtime_shim.backends.remote.access import Access, from_environment
from runtime_shim.backends.remote.endpoints import Endpoint
from runtime_shim.backends.remote.failures import NotTaken, unreached, unusable
from runtime_shim.backends.remote.graph import Fallback, RemoteGraph
from runtime_shim.backends.remote.installed import cannot_import
from runtime_shim.backends.remote.interface import Metadata, Server
from runtime_shim.backends.remote.model import Asked, RemoteModel
from runtime_shim.backends.remote.servers import Servers
from runtime_shim.errors import HostError

__all__ = ["open_remote"]

_warn_once = functools.cache(logging.getLogger("runtime_shim").warning)


def open_remote(
    model: RemoteModel, most_seconds: float | None, fallback: Fallback | None, asked: Asked
) -> RemoteGraph:
    """Connect to a model. Nothing takes longer than its deadline, or than `most_seconds`; both
    count from when the guest has asked for it. If another server, or a local model, comes after one
    that does not answer, there is time left for it.

    Raises HostError: `invalid_encoding` if gRPC cannot be imported, and NN603 if no server can be
    reached.
    """
    seconds = model.deadline if most_seconds is None else min(model.deadline, most_seconds)
    try:
        access = from_environment(model)
        made = [_server(endpoint, access, model.binary_tensors) for endpoint in model.endpoints]
    except InputError as error:
        raise HostError(Errno.RUNTIME_ERROR, str(error)) from None
    except OSError as error:
        raise HostError(
            Errno.RUNTIME_ERROR, f"cannot use the files for TLS: {error.strerror or error}"
        ) from None
    servers = Servers(made, asked.ill)
    try:
        server, metadata = servers.ask_each(
            _metadata, asked.since + seconds, spare=fallback is not None
        )
        graph = RemoteGraph(servers, server, metadata, seconds, fallback, model.shared_memory)
    except NotTaken as error:
        servers.close()
        raise unreached(str(error)) from None
    except BaseException:
        servers.close()
        raise
    weakref.finalize(graph, servers.close)
    return graph


def _metadata(server: Server, until: float) -> tuple[Server, Metadata]:
    return server, server.metadata(until)


def _server(endpoint: Endpoint, access: Access, binary: bool | None) -> Server:
    if access.headers and not (endpoint.is_secure or endpoint.is_on_this_machine):
        _warn_once(f"the headers for {endpoint} are sent unencrypted")
    if not endpoint.is_grpc:
        from runtime_shim.backends.remote.over_http.server import HttpServer

        return HttpServer(endpoint, access, binary)
    try:
        from runtime_shim.backends.remote.over_grpc.server import GrpcServer
    except ImportError as error:
        failed = unusable(cannot_import(error))
        _warn_once(f"warning[{failed.code}]: {failed.reason}")
        raise failed from error
    return GrpcServer(endpoint, access, binary)

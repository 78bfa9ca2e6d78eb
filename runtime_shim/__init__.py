"""Run wasi-nn guests, core modules of either name and components, on one NN host, with wasmtime. On
Linux only."""

import sys

from rewriter.errors import DependencyMissing

if sys.platform != "linux":
    raise DependencyMissing(
        f"nnshim runs guests and models on Linux only, and this system is {sys.platform}. "
        "These commands work here: rewrite, inspect, check, hosts, verify and explain."
    )

try:
    import cffi  # noqa: F401 - whether it is there
    import wasmtime  # noqa: F401 - the same
except ModuleNotFoundError as error:
    if error.name not in ("cffi", "wasmtime"):
        raise
    from rewriter.installation import install_line

    raise DependencyMissing(
        f"nnshim runs guests and models with {error.name}, which is not installed;"
        f" {install_line(package=error.name)}"
    ) from None

from runtime_shim.backends.remote.endpoints import Endpoint, parse_endpoint
from runtime_shim.backends.remote.model import RemoteModel, Tls
from runtime_shim.components.run import run
from runtime_shim.engine.embedding import NNHost, Session
from runtime_shim.engine.linking import guest_dialects, host_dialects
from runtime_shim.engine.options import CAPTURED, RunOptions
from runtime_shim.engine.outcome import (
    GuestExit,
    GuestFailed,
    GuestTimeout,
    GuestTrap,
    Outcome,
    Reason,
)
from runtime_shim.errors import HostError, LinkError
from runtime_shim.host.graph_specs import NamedGraph, parse_nn_graph, parse_nn_preload
from runtime_shim.host.graphs.tables import read_graphs
from runtime_shim.host.limits import Limits
from runtime_shim.host.stats import GraphStats

__all__ = [
    "CAPTURED",
    "Endpoint",
    "GraphStats",
    "GuestExit",
    "GuestFailed",
    "GuestTimeout",
    "GuestTrap",
    "HostError",
    "Limits",
    "LinkError",
    "NNHost",
    "NamedGraph",
    "Outcome",
    "Reason",
    "RemoteModel",
    "RunOptions",
    "Session",
    "Tls",
    "guest_dialects",
    "host_dialects",
    "parse_endpoint",
    "parse_nn_graph",
    "parse_nn_preload",
    "read_graphs",
    "run",
]

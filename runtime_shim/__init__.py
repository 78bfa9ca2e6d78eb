"""Run wasi-nn guests of either module name on one NN host, with wasmtime."""

from runtime_shim.engine.embedding import NNHost, Session
from runtime_shim.engine.runner import Outcome, WasiOptions, guest_dialects, run
from runtime_shim.errors import GuestTimeout, GuestTrap, HostError, LinkError
from runtime_shim.host.graph_specs import NamedGraph, parse_nn_graph, parse_nn_preload, read_graphs
from runtime_shim.host.limits import Limits
from runtime_shim.host.stats import GraphStats

__all__ = [
    "GraphStats",
    "GuestTimeout",
    "GuestTrap",
    "HostError",
    "Limits",
    "LinkError",
    "NNHost",
    "NamedGraph",
    "Outcome",
    "Session",
    "WasiOptions",
    "guest_dialects",
    "parse_nn_graph",
    "parse_nn_preload",
    "read_graphs",
    "run",
]

"""Run wasi-nn guests of either module name on one NN host, with wasmtime."""

from runtime_shim.errors import GuestTimeout, GuestTrap, HostError, LinkError
from runtime_shim.host import NNHost
from runtime_shim.limits import Limits
from runtime_shim.registry import NamedGraph, parse_nn_graph, parse_nn_preload, read_graphs
from runtime_shim.runner import Outcome, WasiOptions, guest_dialects, run
from runtime_shim.session import Session
from runtime_shim.stats import GraphStats

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

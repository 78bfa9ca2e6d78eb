"""What is said of named graphs before a guest starts."""

from __future__ import annotations

import contextlib
import logging

from runtime_shim.backends.parsing.model_parts import no_file, unfit
from runtime_shim.backends.remote.installed import check_installed
from runtime_shim.backends.remote.model import RemoteModel
from runtime_shim.host.graph_specs import NamedGraph

__all__ = ["check_ready", "warn_of_files"]

log = logging.getLogger("runtime_shim")


def check_ready(model: RemoteModel) -> None:
    """Raise DependencyMissing if a model needs gRPC and it is not installed, and InputError for the
    variable of a header that is not set or cannot be sent."""
    from runtime_shim.backends.remote.access import from_environment  # few hosts have servers

    check_installed(model.endpoints)
    from_environment(model)


def warn_of_files(graph: NamedGraph, *, are_read: bool) -> None:
    """Say which of a graph's files is missing or, if nnshim's own backend reads them, known not to
    be a model."""
    wrong = None
    missing = graph.missing()
    if missing is not None:
        wrong = no_file(missing, graph.paths)
    elif graph.paths and are_read:
        with contextlib.suppress(OSError):  # whoever loads it says so
            wrong = unfit(graph.paths[0])
    if wrong is None:
        return
    lost = "guests that load this graph get an error"
    if graph.remote is not None:
        lost = "it cannot run in place of the model on a server"
    log.warning("named graph %r: %s; %s", graph.name, wrong, lost)

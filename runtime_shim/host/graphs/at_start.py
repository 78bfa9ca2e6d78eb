"""What is said of named graphs before a guest starts."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable, Iterator

from rewriter.errors import UsageError
from runtime_shim.backends.parsing.model_parts import no_file, unfit
from runtime_shim.backends.remote.installed import check_installed
from runtime_shim.backends.remote.model import RemoteModel
from runtime_shim.host.graph_specs import NamedGraph

__all__ = ["check_ready", "checked_graphs", "warn_of_files"]

log = logging.getLogger("runtime_shim")


def checked_graphs(graphs: object) -> Iterator[NamedGraph]:
    """These graphs, each with a name of its own. Raises UsageError."""
    if isinstance(graphs, NamedGraph):
        raise UsageError("graphs: expected a sequence of NamedGraph, but this is a single one")
    if isinstance(graphs, str | bytes) or not isinstance(graphs, Iterable):
        raise UsageError(_expected(graphs))
    names: set[str] = set()
    for graph in graphs:
        if not isinstance(graph, NamedGraph):
            raise UsageError(_expected(graph))
        if graph.name in names:
            raise UsageError(f"two named graphs are called {graph.name!r}")
        names.add(graph.name)
        yield graph


def _expected(found: object) -> str:
    hint = "; read_graphs(PATH) returns those of a file" if isinstance(found, str) else ""
    return (
        "graphs: expected a sequence of NamedGraph, but there is something of type"
        f" {type(found).__name__}{hint}"
    )


def check_ready(model: RemoteModel, where: str = "remote") -> None:
    """Raise DependencyMissing if a model needs gRPC and it is not installed, and InputError, which
    begins with `where`, for the variable of a header that is not set or cannot be sent."""
    from runtime_shim.backends.remote.access import from_environment  # few hosts have servers

    check_installed(model.endpoints)
    from_environment(model, where)


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

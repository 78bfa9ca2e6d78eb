"""Loads a model with a backend, and says what the bytes are if they are not a model."""

from __future__ import annotations

from collections.abc import Sequence

from rewriter.abi.dialects import Errno
from runtime_shim.backends.interface import Backend, Graph, Options, Part, Place
from runtime_shim.backends.parsing.model_parts import other_kind
from runtime_shim.errors import HostError

__all__ = ["load", "load_explained"]


def load(
    backend: Backend, parts: Sequence[Part], place: Place, options: Options
) -> tuple[Graph, str]:
    """Load a graph and ask where it is. Raises HostError as the backend does."""
    graph = backend.load(parts, place, options)
    return graph, graph.device


def load_explained(
    backend: Backend, parts: Sequence[Part], place: Place, options: Options
) -> tuple[Graph, str]:
    """Like `load`, with a better reason if the backend refuses bytes of a known kind that is not a
    model, such as a web page. The errno is the backend's. The backend is asked first, because a
    model whose first bytes look like another kind of file must still load."""
    try:
        return load(backend, parts, place, options)
    except HostError as error:
        found = _other_kind(parts) if error.errno is Errno.INVALID_ARGUMENT else None
        if found is None:
            raise
        raise HostError(error.errno, found) from error


def _other_kind(parts: Sequence[Part]) -> str | None:
    try:
        return other_kind(parts[0]) if parts else None
    except OSError:  # the backend reports a file that cannot be read
        return None

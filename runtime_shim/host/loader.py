"""What a session needs of the host, of the guest's store, and of its ABI; and what reads the bytes
of models, imported when the first model is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Protocol

from rewriter.abi.dialects import Encoding
from runtime_shim.backends.interface import Backend, Graph, Options, Part, Place
from runtime_shim.backends.remote.model import Asked
from runtime_shim.host.graph_specs import NamedGraph
from runtime_shim.host.graphs.stand_ins import StandIn
from runtime_shim.host.named_graphs import Wanted
from runtime_shim.host.stats import GuestStats, Key

__all__ = ["Floats", "Loader", "StoreLife", "load_with", "open_remote", "resolve"]


class Floats(Enum):
    """Which tensors of quantised models are floats to a guest: its inputs, or all."""

    IN = "in"
    IN_AND_OUT = "in and out"


class Loader(Protocol):
    """Where a session gets its graphs from: runtime_shim.host.host."""

    def load(
        self,
        builders: Sequence[bytes],
        encoding: Encoding,
        target: Place,
        *,
        only_this: bool = False,
    ) -> Graph: ...

    def most_parts(self, encoding: Encoding) -> int:
        """Maximum number of parts of a model of an encoding."""

    def find_named(self, name: str, options: Options) -> Wanted: ...

    stats: GuestStats

    def key_of(self, graph: Graph) -> Key:
        """The key in the stats of a graph from this loader."""

    def release(self, for_good: bool = False) -> None:
        """The guest has released everything. With `for_good`, it cannot load anything any more."""


class StoreLife(Protocol):
    """The store that holds tensors of a guest: runtime_shim.engine.binding."""

    @property
    def is_over(self) -> bool: ...


def resolve(parts: Sequence[Part], encoding: Encoding, only_this: bool) -> Encoding:
    """See runtime_shim.backends.parsing.detect."""
    from runtime_shim.backends.parsing import detect

    return detect.resolve(parts, encoding, only_this)


def load_with(
    is_given: bool, backend: Backend, parts: Sequence[Part], place: Place, options: Options
) -> tuple[Graph, str]:
    """See runtime_shim.backends.parsing.loading. `is_given` says that an embedder's own backend
    loads the model."""
    from runtime_shim.backends.parsing import loading

    load = loading.load if is_given else loading.load_explained
    return load(backend, parts, place, options)


def open_remote(
    named: NamedGraph, most_seconds: float | None, stand_in: StandIn | None, asked: Asked
) -> Graph:
    """See runtime_shim.backends.remote.opening. The graph has servers."""
    from runtime_shim.backends.remote import opening

    assert named.remote is not None  # noqa: S101 - nobody asks for other graphs
    return opening.open_remote(named.remote, most_seconds, stand_in, asked)

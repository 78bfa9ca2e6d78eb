"""Loading of named graphs: each once and for good, and once more for a guest whose configuration
asks for something that the shared one cannot do, as long as the guest has it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Container, Iterable
from pathlib import Path
from time import monotonic
from typing import NamedTuple, Protocol
from weakref import WeakValueDictionary

from rewriter.abi.dialects import Encoding, Errno, Target
from runtime_shim.backends.interface import Graph, Options, Place, Settings, guarded
from runtime_shim.backends.parsing.model_parts import no_file
from runtime_shim.backends.remote.endpoints import Endpoint, is_model_name
from runtime_shim.backends.remote.model import Asked, RemoteModel
from runtime_shim.errors import HostError, ServerError
from runtime_shim.guest_text import quoted
from runtime_shim.host.graph_specs import REMOTE, NamedGraph, graph_in, names_in, remote_graph
from runtime_shim.host.graphs.at_start import check_ready, checked_graphs, warn_of_files
from runtime_shim.host.graphs.stand_ins import StandIn
from runtime_shim.host.pool import Pool

__all__ = ["NamedGraphs", "Wanted", "is_lost", "spelled"]

_NAMES_IN_A_REASON = 20

_MOST_ON_SERVER = 256
"""How many models of a server whose names guests choose are kept for the next guest. There is no
end of names on some servers."""

_OUT_OF_REACH = ("NN603", "NN604")
"""Errors of a load after which a local model may stand in: no server has taken the request, or
none has answered it."""


class Loader(Protocol):
    """What NamedGraphs needs of runtime_shim.host.host. All methods raise HostError."""

    def place_named(self, graph: NamedGraph) -> tuple[Encoding, Place]:
        """The encoding of a named graph, and where it goes."""

    def load_named(
        self, graph: NamedGraph, encoding: Encoding, place: Place, options: Options
    ) -> Graph: ...

    def load_remote(self, graph: NamedGraph, stand_in: StandIn | None, asked: Asked) -> Graph:
        """The graph on its servers."""

    def share(self, graph: Graph, options: Options) -> Graph:
        """A graph that shares the model, with other options for its contexts."""


class Wanted(NamedTuple):
    """A named graph with a guest's options. `size` is what it counts towards the guest's limits, in
    bytes: 0 if it shares the model of all guests, otherwise the size of its files. `loaded` returns
    the graph if it is loaded, and `load` loads it if not."""

    size: int
    loaded: Callable[[], Graph | None]
    load: Callable[[], Graph]


class NamedGraphs:
    """All named graphs of a host. May be shared by threads. `given` are the encodings whose
    backends are the embedder's own. The models in `folder` are named by their paths in it. Such a
    name is resolved for each guest that asks, and again right before files are read. Any other name
    is that of a model on `server`, if there is one.

    Raises UsageError for `graphs` that are something else, and if two of them have the same name;
    DependencyMissing if one needs gRPC and it is not installed, and InputError for the variable of
    a header that is not set or cannot be sent.
    """

    def __init__(
        self,
        graphs: Iterable[NamedGraph],
        settings: Settings,
        given: Container[Encoding],
        pool: Pool,
        loader: Loader,
        folder: str | None = None,
        server: Endpoint | None = None,
    ) -> None:
        self._folder = folder
        self._server = server
        self._in_it: list[str] | None = None
        """The names of some models in the folder; None until they are first needed."""
        self._settings = settings
        self._given = given
        self._pool = pool
        self._loader = loader
        self._graphs: dict[str, NamedGraph] = {}
        if server is not None:
            check_ready(RemoteModel((server,), takes_token=True))
        for graph in checked_graphs(graphs):
            if graph.remote is not None:
                check_ready(graph.remote, f"graph {graph.name!r}")
            self._graphs[graph.name] = graph
            warn_of_files(graph, are_read=graph.encoding not in given)
        self._placed: dict[str, tuple[Encoding, Place]] = {}
        """Only of graphs that were loaded: a file that fails to load may be replaced by one of
        another format."""
        self._warned: set[str] = set()
        self._plain: dict[str, Graph] = {}
        self._stand_ins: dict[str, StandIn] = {}
        self._chosen: dict[str, None] = {}
        """The names of loaded models on the server, the oldest first."""
        self._local: dict[str, Graph] = {}
        """The local models of graphs that are on servers."""
        self._ill: dict[str, dict[str, float]] = {}
        """Which servers of the operator's graphs were not well: see Asked."""
        self._configured: WeakValueDictionary[tuple[str, str], Graph] = WeakValueDictionary()

    def find(self, name: str, options: Options) -> Wanted:
        """The graph with a name, with a guest's options, which override its own. Options with the
        same effect give the same graph. Graphs whose options differ only for contexts share a
        model.

        Raises HostError, with `not_found` if there is none.
        """
        named = self._graphs.get(name) or self._in_folder(name) or self._on_server(name)
        if named is None:
            known = ", ".join(map(quoted, self._some_names()))
            raise HostError(
                Errno.NOT_FOUND,
                f"there is no graph named {quoted(name)}; known: {known or 'none'}",
                "graphs",
            )
        plain = Wanted(
            0, lambda: _if_there(self._plain.get(named.name)), lambda: self._load_plain(named)
        )
        if options and named.remote is not None:
            self._warn_of_ignored(named.name, REMOTE, tuple(options), ())
            return plain
        return self._find_configured(named, options, plain) if options else plain

    def _some_names(self) -> list[str]:
        """A few names for a message. Bounded, because a guest can cause one with every call."""
        if self._folder is not None and self._in_it is None:
            self._in_it = names_in(self._folder, _NAMES_IN_A_REASON)
        names = dict.fromkeys([*self._graphs, *(self._in_it or ())])
        return list(itertools.islice(names, _NAMES_IN_A_REASON))

    def _in_folder(self, name: str) -> NamedGraph | None:
        found = None if self._folder is None else graph_in(self._folder, name)
        return None if found is None else self._graphs.get(found.name, found)

    def _on_server(self, name: str) -> NamedGraph | None:
        if self._server is None or not is_model_name(name):
            return None
        return remote_graph(self._server._replace(model=name))

    def _find_configured(self, named: NamedGraph, options: Options, plain: Wanted) -> Wanted:
        from runtime_shim.backends.common.tensor_info import most_threads, with_threads_up_to
        from runtime_shim.backends.configured import Understood, understood

        encoding, place = self._place(named)
        merged = {**named.options, **with_threads_up_to(most_threads(self._settings), options)}
        if encoding in self._given:
            own, mine = Understood(named.options), Understood(merged)
        else:
            may_offload = encoding is Encoding.GGML and self._may_offload(encoding, place)
            own, mine = (
                understood(encoding, self._settings, each, may_offload)
                for each in (named.options, merged)
            )
        self._warn_of_ignored(named.name, encoding.name.lower(), mine.ignored, mine.known)
        shares = spelled(mine.loading) == spelled(own.loading)
        every = {**mine.loading, **mine.contexts}
        if shares and spelled(mine.contexts) == spelled(own.contexts):
            return plain

        def load() -> Graph:
            if shares:
                return self._loader.share(plain.load(), every)
            return self._load(named, encoding, place, every)

        key = named.name, spelled(every)
        size = 0 if shares else sum(map(_size, named.paths))
        return Wanted(
            size,
            lambda: _if_there(self._configured.get(key)),
            lambda: self._load_configured(key, load),
        )

    def forget_loaded(self) -> None:
        """Drop all loaded graphs."""
        self._plain.clear()
        self._local.clear()

    def _warn_of_ignored(
        self, name: str, backend: str, options: tuple[str, ...], known: tuple[str, ...]
    ) -> None:
        """Warn once for each graph, because a guest could fill the log."""
        if options and name not in self._warned:
            from runtime_shim.backends.common.tensor_info import warn_of_ignored

            self._warned.add(name)
            warn_of_ignored(backend, options, known=known)

    def _place(self, named: NamedGraph) -> tuple[Encoding, Place]:
        placed = self._placed.get(named.name)
        if placed is None:
            missing = named.missing()
            if missing is not None:
                is_ggml = named.encoding is Encoding.GGML  # WasmEdge has an errno for this
                errno = Errno.MODEL_NOT_FOUND if is_ggml else Errno.NOT_FOUND
                raise HostError(errno, _no_file(named, missing))
            placed = guarded(self._loader.place_named, named)
        return placed

    def _load(self, named: NamedGraph, encoding: Encoding, place: Place, options: Options) -> Graph:
        """Load a graph. Raises HostError, with `not_found` if the name of a model in the folder now
        leads to other files, which have not been checked, or to files outside of it."""
        is_given = self._graphs.get(named.name) is named
        if not is_given and self._in_folder(named.name) != named:
            raise HostError(
                Errno.NOT_FOUND, f"the files of the graph {quoted(named.name)} have changed"
            )
        graph = self._loader.load_named(named, encoding, place, options)
        self._placed[named.name] = encoding, place
        return graph

    def _own_options(self, named: NamedGraph, encoding: Encoding) -> Options:
        """The operator's options for a graph, without those that the backend does not know, of
        which this warns. Raises HostError for invalid values. Both name the graph."""
        if not named.options or encoding in self._given:
            return named.options
        from runtime_shim.backends.common.tensor_info import warn_of_ignored
        from runtime_shim.backends.configured import understood

        try:
            mine = understood(encoding, self._settings, named.options, may_offload=True)
        except HostError as error:
            reason = f"named graph {named.name!r}: {error.reason}"
            raise HostError(error.errno, reason, error.remedy) from error
        warn_of_ignored(encoding.name.lower(), mine.ignored, named.name, mine.known)
        return {name: value for name, value in named.options.items() if name not in mine.ignored}

    def _may_offload(self, encoding: Encoding, place: Place) -> bool:
        """Whether there is a GPU that could hold a part of a model."""
        if place is Target.CPU:
            return False
        devices = guarded(self._pool.backend(encoding).describe).devices
        return Target.GPU in devices.values()

    def _load_plain(self, named: NamedGraph) -> Graph:
        since = monotonic()
        with self._pool.lock_of(named.name):
            graph = _if_there(self._plain.get(named.name))
            if graph is None and named.remote is not None:
                return self._load_remote(named, since)
            if graph is None:
                encoding, place = self._place(named)
                graph = self._load(named, encoding, place, self._own_options(named, encoding))
                self._plain[named.name] = graph
        return graph

    def _load_remote(self, named: NamedGraph, since: float) -> Graph:
        """The graph on its servers or, for this one guest, its local model, if it has one and no
        server can be reached. `since` is when the guest has asked for it."""
        stand_in = self._stand_in(named) if named.paths else None
        is_chosen = named.name not in self._graphs
        chosen = self._server.url if self._server is not None and is_chosen else ""
        ill = {} if is_chosen else self._ill.setdefault(named.name, {})
        try:
            graph = self._loader.load_remote(named, stand_in, Asked(since, ill, chosen))
        except ServerError as error:
            if stand_in is None or error.code not in _OUT_OF_REACH:
                raise
            return stand_in.load(error.reason)
        self._plain[named.name] = graph
        if is_chosen:
            self._chosen[named.name] = None
            for oldest in list(self._chosen)[:-_MOST_ON_SERVER]:
                self._chosen.pop(oldest, None)
                self._plain.pop(oldest, None)
        if stand_in is not None:
            stand_in.is_over()
        return graph

    def _stand_in(self, named: NamedGraph) -> StandIn:
        def load() -> Graph:
            with self._pool.lock_of(("local", named.name)):
                graph = _if_there(self._local.get(named.name))
                if graph is None:
                    encoding, place = self._place(named)
                    options = self._own_options(named, encoding)
                    graph = self._loader.load_named(named, encoding, place, options)
                    self._local[named.name] = graph
            return graph

        return self._stand_ins.setdefault(named.name, StandIn(named.name, load))

    def _load_configured(self, key: tuple[str, str], load: Callable[[], Graph]) -> Graph:
        with self._pool.lock_of(key):
            graph = _if_there(self._configured.get(key))
            if graph is None:
                graph = self._configured[key] = load()
        return graph


def _no_file(graph: NamedGraph, path: str) -> str:
    return f"named graph {graph.name!r}: {no_file(path, graph.paths)}"


def is_lost(graph: Graph) -> bool:
    """Whether a graph was lost with the process that it was in
    (runtime_shim.backends.isolated.client)."""
    return getattr(graph, "lost", False) is True


def _if_there(graph: Graph | None) -> Graph | None:
    return None if graph is None or is_lost(graph) else graph


def spelled(options: Options) -> str:
    """A text that is the same for equal options. Raises HostError with `invalid_argument` for
    options that cannot be written because they are nested too deeply or have too long integers."""
    if not options:
        return "{}"
    import json

    try:
        return json.dumps(dict(options), sort_keys=True)
    except (ValueError, RecursionError) as error:
        raise HostError(
            Errno.INVALID_ARGUMENT, f"the options cannot be passed on: {error}"
        ) from error


def _size(path: str) -> int:
    """Size of a file in bytes; 0 if it is gone, because loading it reports that."""
    try:
        return Path(path).stat().st_size
    except OSError:
        return 0

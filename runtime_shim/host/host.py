"""The NN host: backends, loaded models and named graphs, shared by all guests."""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from types import MappingProxyType
from typing import Self, TypeVar
from weakref import WeakKeyDictionary, WeakSet

from rewriter.abi.dialects import Encoding, Errno, Target
from rewriter.errors import UsageError
from runtime_shim.backends import OWN_ENCODINGS, import_backend
from runtime_shim.backends.common.devices import place_name
from runtime_shim.backends.formats import MOST_PARTS
from runtime_shim.backends.interface import (
    MODEL_CACHE_SIZE,
    NO_OPTIONS,
    Backend,
    Graph,
    Options,
    Part,
    Place,
    Settings,
    SharedGraph,
    guarded,
)
from runtime_shim.backends.remote.model import Asked
from runtime_shim.errors import HostError
from runtime_shim.host.graph_specs import REMOTE, NamedGraph
from runtime_shim.host.graphs.stand_ins import StandIn
from runtime_shim.host.limits import Limits
from runtime_shim.host.loader import load_with, open_remote, resolve
from runtime_shim.host.named_graphs import NamedGraphs, Wanted, is_lost, spelled
from runtime_shim.host.placement import (
    Placement,
    check_folders,
    check_given,
    checked_backends,
    without_server,
)
from runtime_shim.host.pool import Pool, host_is_closed
from runtime_shim.host.session import DEFAULT_LIMITS, Loader, Session
from runtime_shim.host.stats import GraphStats, HostStats, Key

__all__ = ["NNHost"]

S = TypeVar("S", bound=Session)

_MOST_PARTS_OF_OTHERS = 1000
"""How many builders a guest may pass to a backend that does not say. They are all read at once."""

_warn_once = functools.cache(logging.getLogger("runtime_shim").warning)


class NNHost:
    """Loads models and opens sessions for guests. May be shared by threads, and used in a `with`
    statement, which closes it at the end.

    `backends` replace the installed ones of the same encodings. A model that is loaded again while
    a guest still has it (same bytes, encoding and target) is the same graph. A named graph is
    loaded once and kept. A variant of it that a guest's configuration asks for is kept only while a
    guest has it.

    The models in the folder `graph_files` are named graphs too, by their paths in it. Files outside
    of the folder are not. They are trusted, and not checked like models from guests: no guest may
    be able to write there.

    `devices` overrides where models go: see runtime_shim.host.placement.Placement. With
    `gpu_fallback`, a model that asks for a missing GPU runs on the CPU, and a warning says so once;
    by default it does not load. A model that `devices` sends to a missing device never loads, with
    or without the fallback. {"remote": URL} lets guests load the models of that inference server by
    name. `threads` is how many threads one inference may use (None: the NN runtime's default). With
    `fast_math` it may compute in less precision than the model's own. `model_cache` is a folder in
    which models are kept for the next process after OpenVINO has compiled them, or ONNX Runtime has
    optimized them for the CPU. It has up to `model_cache_size` bytes (default: 10 GiB; None: no
    limit); the least recently used files are removed first. `limits` apply to each guest.

    With `isolate`, models of encodings that are not in `backends` are parsed and run in other
    processes: see runtime_shim.backends.isolated.client. A model that a guest loads from its own
    memory runs in a process that holds no other guest's data, one for each encoding, which ends
    with the session; so guests do not share such graphs. Named graphs run in a process that all
    guests share, one for each encoding: it holds the tensors of every guest that uses one of them.
    If a named graph should not see the tensors of several guests, give each guest its own host.

    Raises UsageError for two `graphs` of one name, and for options that are invalid alone or
    together; InputError for no folder `graph_files`, and for a header whose variable has no value.
    """

    def __init__(
        self,
        *,
        backends: Mapping[Encoding, Backend] | None = None,
        graphs: Iterable[NamedGraph] = (),
        graph_files: str | None = None,
        devices: Mapping[str, str] = MappingProxyType({}),
        gpu_fallback: bool = False,
        threads: int | None = None,
        fast_math: bool = False,
        model_cache: str | None = None,
        model_cache_size: int | None = MODEL_CACHE_SIZE,
        limits: Limits = DEFAULT_LIMITS,
        isolate: bool = False,
    ) -> None:
        self._settings = Settings(threads, fast_math, model_cache, model_cache_size)
        check_given(
            self._settings, graph_files, devices, limits, gpu_fallback=gpu_fallback, isolate=isolate
        )
        check_folders(graph_files, model_cache, model_cache_size)
        self.limits = limits
        self._isolate = isolate
        self._given = checked_backends(backends or {})
        rules, server = without_server(devices)
        self._placement = Placement(rules, gpu_fallback)
        self._gpu_fallback = gpu_fallback
        self._stats = HostStats()
        self._stats_keys: WeakKeyDictionary[Graph, Key] = WeakKeyDictionary()
        self._shared = Pool(self._new_backend)
        """For named graphs, and without isolation for all graphs."""
        self._named = NamedGraphs(
            graphs, self._settings, self._given, self._shared, self, graph_files, server
        )
        self._own = Pool(self._new_backend) if isolate else self._shared
        """For graphs that the program itself loads."""
        self._lock = threading.Lock()
        self._sessions: WeakSet[Session] = WeakSet()
        self._is_closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free all models, also those of open sessions, and end the processes that they are in. May
        be called at any time, from any thread, and more than once; a call that is running in
        another thread finishes before its model is freed. After that, a guest that still runs gets
        `runtime_error` for every call, and `load` raises it. `stats` remain available."""
        with self._lock:
            self._is_closed = True
            sessions = list(self._sessions)
        for session in sessions:
            session.end()
        self._shared.end()
        self._own.end()
        self._named.forget_loaded()

    def session(self) -> Session:
        """Open a session: one guest's own handles. Raises UsageError if the host is closed."""
        return self._opened(Session(self._guest(), self.limits))

    def _guest(self) -> Loader:
        """The loader for a new guest."""
        return _Guest(self, Pool(self._new_guests_backend) if self._isolate else None)

    def _opened(self, session: S) -> S:
        """Register a new session, so that it ends with the host."""
        with self._lock:
            if self._is_closed:
                raise UsageError("the host is closed")
            self._sessions.add(session)
        return session

    def load(
        self,
        builders: Sequence[bytes],
        encoding: Encoding,
        target: Place,
        options: Options = NO_OPTIONS,
        *,
        only_this: bool = False,
    ) -> Graph:
        """Load a model, or return the same model if it is already loaded. A model of another format
        than `encoding` is accepted if both have one number, unless `only_this` is set. With
        isolation, it is in a process that holds only models loaded by this method. Raises
        HostError."""
        return self._load_from(self._own, builders, encoding, target, options, only_this)

    def _load_from(
        self,
        pool: Pool,
        builders: Sequence[bytes],
        encoding: Encoding,
        target: Place,
        options: Options = NO_OPTIONS,
        only_this: bool = False,
    ) -> Graph:
        import hashlib  # loads OpenSSL

        encoding, place = self._place(builders, encoding, target, only_this)
        digests = tuple(hashlib.sha256(builder).digest() for builder in builders)
        key = (encoding, place, digests, spelled(options))
        with pool.lock_of(key):
            graph = pool.loaded.get(key)
            if graph is None or is_lost(graph):
                graph = self._load(pool, builders, encoding, place, options, None)
                pool.loaded[key] = graph
        return graph

    def load_by_name(self, name: str, options: Options = NO_OPTIONS) -> Graph:
        """The graph with a name, with a guest's options, which override the graph's own. Raises
        HostError, with `not_found` if there is none."""
        return self.find_named(name, options).load()

    def find_named(self, name: str, options: Options) -> Wanted:
        """Like `load_by_name`, but before loading, with the size that counts towards the guest's
        limits."""
        self._check_open()
        return self._named.find(name, options)

    def place_named(self, graph: NamedGraph) -> tuple[Encoding, Place]:
        """See runtime_shim.host.named_graphs.Loader."""
        return self._place(list(map(Path, graph.paths)), graph.encoding, graph.target)

    def load_named(
        self, graph: NamedGraph, encoding: Encoding, place: Place, options: Options
    ) -> Graph:
        """See runtime_shim.host.named_graphs.Loader."""
        parts = list(map(Path, graph.paths))
        return self._load(self._shared, parts, encoding, place, options, graph.name)

    def load_remote(self, graph: NamedGraph, stand_in: StandIn | None, asked: Asked) -> Graph:
        """See runtime_shim.host.named_graphs.Loader."""
        self._check_open()
        started = perf_counter()
        opened: Graph = guarded(open_remote, graph, self.limits.timeout, stand_in, asked)
        self._check_open()
        key: Key = (REMOTE, graph.name, place_name(graph.target), opened.device)
        key = self._stats.key_of_chosen(key, asked.server) if asked.server else key
        self._stats.add_load(key, perf_counter() - started)
        self._stats_keys[opened] = key
        return opened

    def share(self, graph: Graph, options: Options) -> Graph:
        """See runtime_shim.host.named_graphs.Loader."""
        if not isinstance(
            graph, SharedGraph
        ):  # the graph is in another process, which reports its options
            raise HostError(Errno.RUNTIME_ERROR, "the model cannot have other options")
        other = guarded(graph.with_options, options)
        self._stats_keys[other] = self._stats_keys[graph]
        return other

    def most_parts(self, encoding: Encoding) -> int:
        """Maximum number of parts of a model. A backend that is not nnshim's own may declare it;
        the default is a generous bound."""
        backend = self._given.get(encoding)
        if backend is None and encoding in OWN_ENCODINGS:
            return MOST_PARTS
        most = getattr(backend, "most_parts", _MOST_PARTS_OF_OTHERS)
        return int(most)

    def stats(self) -> list[GraphStats]:
        """What was loaded so far, where it really runs, and how often guests ran it. For a graph
        that the program got from `load` and runs itself, only the load is counted."""
        return self._stats.rows()

    def key_of(self, graph: Graph) -> Key:
        """The key of a graph of this host in its stats."""
        return self._stats_keys[graph]

    def _place(
        self, parts: Sequence[Part], encoding: Encoding, place: Place, only_this: bool = False
    ) -> tuple[Encoding, Place]:
        if encoding not in self._given:  # an embedder's own backend accepts any format
            encoding = guarded(resolve, parts, encoding, only_this)
        return self._placement.of(encoding, place)

    def _load(
        self,
        pool: Pool,
        parts: Sequence[Part],
        encoding: Encoding,
        place: Place,
        options: Options,
        name: str | None,
    ) -> Graph:
        self._check_open()
        backend = self._given[encoding] if encoding in self._given else pool.backend(encoding)
        load_on = functools.partial(guarded, load_with, encoding in self._given, backend, parts)
        graph: Graph
        started = perf_counter()
        try:
            graph, device = load_on(place, options)
        except HostError as error:
            absent = place is Target.GPU and error.errno is Errno.UNSUPPORTED_OPERATION
            if not (absent and self._gpu_fallback):
                raise
            _warn_once(f"{error.reason}; the model runs on the cpu instead")
            graph, device = load_on(Target.CPU, options)
        self._check_open()  # it may have been closed in the meantime
        key = (encoding.name.lower(), name, place_name(place), device)
        self._stats.add_load(key, perf_counter() - started)
        self._stats_keys[graph] = key
        return graph

    def _check_open(self) -> None:
        if self._is_closed:
            raise host_is_closed()

    def _new_backend(self, encoding: Encoding) -> Backend:
        if not self._isolate:
            return import_backend(encoding, self._settings)
        from runtime_shim.backends.isolated.client import IsolatedBackend

        return IsolatedBackend(encoding, self._settings)

    def _new_guests_backend(self, encoding: Encoding) -> Backend:
        """A backend in a process that has to answer in time, because no other guest has data
        there."""
        from runtime_shim.backends.isolated.calls import Patience
        from runtime_shim.backends.isolated.client import IsolatedBackend

        patience = Patience(self.limits.loading, self.limits.timeout)
        return IsolatedBackend(encoding, self._settings, patience)


class _Guest:
    """Implements loader.Loader for one guest. `pool` is its own, or None if all guests share
    one."""

    def __init__(self, host: NNHost, pool: Pool | None) -> None:
        self._host = host
        self._pool = pool
        self.find_named = host.find_named
        self.most_parts = host.most_parts
        self.key_of = host.key_of
        self.stats = host._stats.new_guest()

    def load(
        self,
        builders: Sequence[bytes],
        encoding: Encoding,
        target: Place,
        *,
        only_this: bool = False,
    ) -> Graph:
        pool = self._pool or self._host._own
        return self._host._load_from(pool, builders, encoding, target, only_this=only_this)

    def release(self, for_good: bool = False) -> None:
        if self._pool is not None and for_good:
            self._pool.end()
        elif self._pool is not None:
            self._pool.close()

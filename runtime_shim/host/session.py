"""One guest's view of the host: its handles for graphs and execution contexts."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter
from typing import Self, TypeVar

from rewriter.abi.dialects import WITX, Dialect, Encoding, Errno
from rewriter.abi.numbers import ComponentType
from runtime_shim.backends.common.devices import AUTO
from runtime_shim.backends.interface import (
    NO_OPTIONS,
    ExecutionContext,
    Graph,
    Options,
    Place,
    QuantizedGraph,
    StreamingContext,
    check_length,
    elements_of,
    failed,
    guarded,
    takes_bf16,
)
from runtime_shim.errors import HostError
from runtime_shim.host.handles import Ended, Handles
from runtime_shim.host.limits import Limits, Usage
from runtime_shim.host.loader import Floats, Loader, StoreLife
from runtime_shim.host.shared_tensors import Arena
from runtime_shim.host.stats import GraphStats, Row
from runtime_shim.host.tensors import named
from runtime_shim.host.tensors.numbering import Numbering

__all__ = ["AUTO", "DEFAULT_LIMITS", "PLAIN", "Floats", "Loader", "Place", "Session"]

PLAIN = replace(WITX, told=True)
"""The dialect of callers that name types by `TensorType`."""

R = TypeVar("R")


DEFAULT_LIMITS = Limits()


class Session:
    """The graphs and contexts of one guest.

    Handles are u32. They count up from 1 over both kinds and are never reused, so neither a stale
    handle nor a handle of the other kind is ever valid. A context keeps its graph alive. All
    methods raise HostError; any other exception of a backend becomes `runtime_error`. Use it from
    one thread at a time.
    """

    def __init__(self, host: Loader, limits: Limits = DEFAULT_LIMITS) -> None:
        self._host = host
        self.usage = Usage(limits)
        self._graphs: Handles[Graph] = Handles("a graph")
        self.contexts: Handles[ExecutionContext] = Handles("an execution context")
        self._handles = itertools.count(1)
        self._rows: dict[int, Row] = {}
        """Where the inferences of each context are counted."""
        self.refused: tuple[str, HostError] | None = None
        """The last call that was refused: the function's name, and why."""
        self.stop: BaseException | None = None
        """Raised in the caller of the guest; the guest's host call does not return."""
        self._numbering = Numbering()
        self._arena: Arena | None = None
        self._arenas: set[Arena] = set()
        self._arenas_store: StoreLife | None = None

    @property
    def has_arena(self) -> bool:
        """Whether an instance of this guest copies tensors itself."""
        return self._here() is not None

    def use_arena(self, arena: Arena, store: StoreLife) -> None:
        """Let tensors of future contexts move into a store, where the guest can copy them.
        With several arenas, each has to be in use while its contexts are."""
        self._arena = arena
        self._arenas.add(arena)
        self._arenas_store = store

    def _here(self) -> Arena | None:
        """The arena, if there is one and its store still exists. If the store is gone, forget the
        contexts that have tensors in it, so that nothing accesses them."""
        if self._arenas_store is not None and self._arenas_store.is_over:
            arenas, self._arenas, self._arena, self._arenas_store = self._arenas, set(), None, None
            for handle in [each for arena in arenas for each in arena.residents()]:
                self._forget_context(handle)
        return self._arena

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free all graphs and contexts; their handles become invalid. With isolation, the processes
        of this guest's own models end."""
        _ = self._arena and self._here()
        for arena, handle in itertools.product(self._arenas, self.contexts):
            arena.dismiss(handle)
        self.contexts.clear()
        self._rows.clear()
        self._graphs.clear()
        self.usage = Usage(self.usage.limits)
        self._host.release()

    def end(self) -> None:
        """Free all graphs and contexts for good, because the host is closed. A call that is running
        in another thread keeps what it uses, but nothing that it creates remains."""
        _ = self._arena and self._here()
        handles, self.contexts, self._graphs = list(self.contexts), Ended(), Ended()
        self.usage = Usage(self.usage.limits)
        for arena, handle in itertools.product(self._arenas, handles):
            arena.dismiss(handle)
        self._host.release(for_good=True)

    def stats(self) -> list[GraphStats]:
        """What this guest has loaded, where that is, and how often it ran. `loads` and their time
        are as the guest saw them, even if the model was already loaded."""
        return self._host.stats.rows()

    def check_load(self, size: int) -> None:
        """Raise HostError unless a model of `size` bytes may be loaded."""
        self.usage.check_load(len(self._graphs), size)

    def load(
        self,
        builders: Sequence[bytes],
        encoding: Encoding,
        target: Place,
        *,
        only_this: bool = False,
    ) -> int:
        """Load a model from the bytes of its parts, and return its handle: see NNHost.load."""
        size = sum(map(len, builders))
        self.check_load(size)
        started = perf_counter()
        graph = self._host.load(builders, encoding, target, only_this=only_this)
        return self._add_graph(graph, size, started)

    def check_parts(self, encoding: Encoding, count: int) -> None:
        """Raise HostError with `invalid_argument` for more parts than any such model has."""
        most = self._host.most_parts(encoding)
        if count > most:
            name = encoding.name.lower()
            raise HostError(
                Errno.INVALID_ARGUMENT,
                f"the model has {count} builders, but {name} models have at most {most}",
            )

    def load_by_name(self, name: str, options: Options = NO_OPTIONS) -> int:
        """Return the handle of a named graph; `not_found` if the host has none of that name."""
        self.check_load(0)
        wanted = self._host.find_named(name, options)
        self.usage.check_copy(wanted.loaded(), wanted.size)
        started = perf_counter()
        return self._add_graph(wanted.load(), wanted.size, started)

    def unload(self, graph: int) -> None:
        """Release a graph. Contexts that were made for it stay valid."""
        usage = self.usage
        self._graphs.forget(graph)
        usage.release(graph)

    def init_execution_context(self, graph: int, *, floats: Floats | None = None) -> int:
        """Make an execution context for a graph, and return its handle. `floats` says which
        quantised tensors are f32 to the guest."""
        found = self._graphs[graph]
        self.usage.check_context(len(self.contexts))
        context: ExecutionContext = guarded(found.init_execution_context)
        if floats is not None and isinstance(found, QuantizedGraph):
            from runtime_shim.backends.common.quantized import FloatContext  # needs NumPy

            context = FloatContext(context, found, reads_floats=floats is Floats.IN_AND_OUT)
        handle = self._add(self.contexts, context)
        self._rows[handle] = self._host.stats.row(self._host.key_of(found))
        self.usage.hold_context(handle, found, context)
        arena = self._arena and self._here()
        if arena is not None:
            arena.admit(handle, context)
        return handle

    def graph(self, handle: int) -> tuple[Encoding, Graph]:
        """The graph of a handle, and its encoding: autodetect for a model on a server."""
        found = self._graphs[handle]
        name = self._host.key_of(found)[0].upper()
        return getattr(Encoding, name, Encoding.AUTODETECT), found

    def set_input(
        self,
        context: int,
        index: int,
        tensor_type: int,
        shape: tuple[int, ...],
        data: memoryview,
        dialect: Dialect = PLAIN,
    ) -> None:
        """Copy an input tensor in. `data` holds the elements of `shape` as bytes. `tensor_type` is
        a number of `dialect`, as far as the dialect is known: see tensors.numbering."""
        arena = self._arena and self._here()
        usage = self.usage
        found = self.contexts[context]
        size = len(data)
        elements = elements_of(found)
        element = elements[index] if elements is not None and index < len(elements) else None
        kind, evidence = self._numbering.read(dialect, tensor_type, element, shape, size)
        if elements is None:
            check_length(kind, shape, size)
        usage.check_tensor(context, index, size)
        try:  # like `guarded`, without an extra call, which these three methods would feel
            found.set_input(index, kind, shape, data)
        except HostError:
            raise
        except Exception as error:
            if arena is not None:
                arena.input_lost(context, index)
            raise failed(error) from error
        usage.set_tensor(context, index, size)
        if evidence is not None:
            self._numbering.keep(evidence)
        if arena is not None:
            number = tensor_type if dialect is arena.dialect else None
            arena.input_set(context, index, kind, shape, size, number)

    def compute(self, context: int) -> None:
        """Run the model on the inputs that were set."""
        arena = self._arena and self._here()
        found = self.contexts[context]
        row = self._rows[context]
        started = perf_counter()
        try:
            moved_back = self.usage.counted(context, found.compute)()
        except Exception as error:
            if arena is not None:
                arena.outputs_lost(context)
            if isinstance(error, HostError):
                raise
            raise failed(error) from error
        ran_on = getattr(found, "ran_on", None)  # another server, or a local model, may stand in
        if ran_on is not None:
            row = self._host.stats.row(self._host.key_of(ran_on.graph), ran_on.device)
        row.inferences += 1
        row.inference_seconds += perf_counter() - started
        if moved_back and arena is not None:
            arena.outputs_moved_back(context)

    def get_output(self, context: int, index: int) -> bytes:
        """A copy of the bytes of an output."""
        return bytes(self.output_in_place(context, index))

    def output_in_place(self, context: int, index: int) -> memoryview:
        """The bytes of an output without a copy. They may move once the host call has returned."""
        arena = self._arena and self._here()
        found = self.contexts[context]
        try:
            output = found.get_output(index)
        except HostError:
            raise
        except Exception as error:
            raise failed(error) from error
        return output if arena is None else arena.output_read(context, index, output)

    def compute_single(self, context: int) -> None:
        """Generate the next piece of the output."""
        streaming = self._streaming(context)
        row = self._rows[context]
        started = perf_counter()
        guarded(self.usage.counted(context, streaming.compute_single))
        row.inferences += 1
        row.inference_seconds += perf_counter() - started

    def get_output_single(self, context: int, index: int) -> memoryview:
        """The bytes of the current piece, valid until the next one is generated."""
        return guarded(self._streaming(context).get_output_single, index)

    def fini_single(self, context: int) -> None:
        """End the generation of output."""
        guarded(self._streaming(context).fini_single)

    def _streaming(self, context: int) -> StreamingContext:
        found = self.contexts[context]
        if not isinstance(found, StreamingContext):
            raise HostError(Errno.UNSUPPORTED_OPERATION, "the backend does not support streaming")
        return found

    def input_index(self, context: int, name: str) -> int:
        """The index of an input by its name: see tensors.named."""
        return guarded(named.input_index, self.contexts[context], name)

    def output_index(self, context: int, name: str) -> int:
        """The index of an output by its name: see tensors.named."""
        return guarded(named.output_index, self.contexts[context], name)

    def set_tensor(
        self, context: int, index: int, tensor_type: ComponentType,
        shape: tuple[int, ...], data: memoryview,
    ) -> None:  # fmt: skip
        """Like `set_input`, for a type of wasi:nn: see tensors.named.core_type."""
        found = self.contexts[context]
        if tensor_type is ComponentType.BF16 and takes_bf16(found):
            named.check_bf16(shape, data)
            self.usage.check_tensor(context, index, len(data))
            guarded(found.set_bf16_input, index, shape, data)
            self.usage.set_tensor(context, index, len(data))
        else:
            kind = named.core_type(found, index, tensor_type)
            self.set_input(context, index, kind, shape, data)

    def output(self, context: int, index: int) -> named.NamedTensor:
        """An output after compute, with its name, type and shape."""
        _ = self._arena and self._here()
        return guarded(named.output_of, self.contexts[context], index)

    def outputs(self, context: int) -> list[named.NamedTensor]:
        """All outputs after compute: see tensors.named."""
        _ = self._arena and self._here()
        return guarded(named.outputs_of, self.contexts[context])

    def finalize_execution_context(self, context: int) -> None:
        """Release an execution context."""
        arena = self._arena and self._here()
        self._forget_context(context)
        if arena is not None:
            arena.dismiss(context)

    def _forget_context(self, context: int) -> None:
        usage = self.usage
        self.contexts.forget(context)
        del self._rows[context]
        usage.release(context)

    def _add_graph(self, graph: Graph, size: int, started: float) -> int:
        self._host.stats.row(self._host.key_of(graph)).add_load(perf_counter() - started)
        handle = self._add(self._graphs, graph)
        self.usage.hold(handle, graph, size)
        return handle

    def _add(self, table: dict[int, R], value: R) -> int:
        handle = next(self._handles)
        table[handle] = value
        return handle

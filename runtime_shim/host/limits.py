"""Limits on what one guest may use, and what it currently uses."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from rewriter.abi.dialects import Errno
from rewriter.errors import UsageError
from runtime_shim.backends.common.working import WorkingContext
from runtime_shim.errors import HostError
from runtime_shim.numbers import check_number

__all__ = ["Limits", "Usage"]

_KIB, _MIB, _GIB = 1 << 10, 1 << 20, 1 << 30

_LONGEST = 1_000_000_000
"""In seconds, about 31 years. Some timers of the system accept no more."""

_SHORTEST = 0.001
"""In seconds, of a timeout: with less, a guest is stopped before it has begun."""

_MOST = (1 << 64) - 1
"""wasmtime counts fuel in 64 bits, and no size is larger.

https://docs.wasmtime.dev/api/wasmtime/struct.Store.html#method.set_fuel
"""


class Limits(NamedTuple):
    """What one guest may use at a time. None means no limit. Sizes are in bytes.

    runtime_shim.run enforces `timeout` (seconds of wall time, including compilation, at least
    0.001), `fuel` (wasmtime's, about one unit per instruction), `memory` (the sum of its linear
    memories, its tables at 8 bytes per element, and its objects of the GC proposal) and `output`. A
    guest that exceeds `timeout` or `fuel` is stopped; beyond `memory`, growing fails: see
    runtime_shim.engine.shares. `output` is how many bytes each of standard output and standard
    error may have, if runtime_shim.run captures them; a guest that writes more is stopped.

    Every session enforces the others; the guest gets `too_large` for a call that exceeds one.
    `models` is the size of each model that it loads from its own memory, `tensors` the size of each
    input. `total` is the sum of both over all that it has, plus the files of each named graph that
    is loaded once more for its configuration, and the memory of its language models' contexts.
    `names` and `configurations` are the size of each such text; Python takes up to twenty times as
    many bytes for a parsed configuration. With isolation, `loading` is how many seconds a guest's
    own model may take to load; neither a load nor any other call of such a model takes longer than
    `timeout`. The specification's ABI has no function that releases a graph or a context, so an
    honest guest can have thousands.
    """

    timeout: float | None = None
    fuel: int | None = None
    memory: int | None = 4 * _GIB
    graphs: int | None = 10_000
    contexts: int | None = 100_000
    models: int | None = 4 * _GIB
    tensors: int | None = _GIB
    total: int | None = 8 * _GIB
    names: int | None = 64 * _KIB
    configurations: int | None = 64 * _KIB
    loading: float | None = 300
    output: int | None = 64 * _MIB

    def check(self) -> None:
        """Raise UsageError for an invalid limit."""
        for name, value in self._asdict().items():
            if name == "timeout" and value == 0:  # which elsewhere means that there is no limit
                raise UsageError(
                    f"the limit timeout cannot be 0: expected at least {_SHORTEST} seconds; without"
                    " one (--timeout), a guest may run for any time"
                )
            if name in ("timeout", "loading"):
                lowest = _SHORTEST if name == "timeout" else 0
                check_number(f"the limit {name}", value, lowest, _LONGEST, whole=False)
            else:
                check_number(f"the limit {name}", value, 0, _MOST)


Returned = TypeVar("Returned")

_WORKING = -1
"""Where the memory of a context's computations is counted, among the sizes of its inputs."""


class Usage:
    """What one guest currently uses, by the handles that hold it."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._total = 0
        self._graphs: dict[int, object] = {}
        self._holders: dict[object, int] = {}
        self._sizes: dict[object, int] = {}
        self._tensors: dict[int, dict[int, int]] = {}
        self._configured_by: dict[int, int] = {}
        self._working: dict[int, WorkingContext] = {}

    def check_load(self, graphs: int, size: int = 0) -> None:
        """Raise HostError unless a model of `size` bytes may be loaded in addition to `graphs`
        graphs."""
        _check("graphs", graphs + 1, self.limits.graphs)
        _check("models", size, self.limits.models)
        _check("total", self._total + size, self.limits.total)

    def check_copy(self, graph: object | None, size: int) -> None:
        """Raise HostError unless this guest may have a named graph of `size` bytes. `graph` is that
        graph, if it is already loaded."""
        if graph not in self._holders:
            _check("total", self._total + size, self.limits.total)

    def check_name(self, size: int) -> None:
        """Raise HostError if a name of `size` bytes is too long."""
        _check("names", size, self.limits.names)

    def check_configuration(self, size: int) -> None:
        """Raise HostError if a configuration of `size` bytes is too long."""
        _check("configurations", size, self.limits.configurations)

    def check_total(self, size: int) -> None:
        """Raise HostError unless the guest may have `size` bytes in addition to its models and
        inputs."""
        _check("total", self._total + size, self.limits.total)

    def check_context(self, contexts: int) -> None:
        """Raise HostError unless a context may be made in addition to `contexts` contexts."""
        _check("contexts", contexts + 1, self.limits.contexts)

    def check_tensor(self, context: int, index: int, size: int) -> None:
        """Raise HostError if an input of `size` bytes is too large."""
        before = self._tensors[context].get(index, 0)
        if self._configured_by and self._configured_by.get(context) == index:
            self.check_configuration(size)
        _check("tensors", size, self.limits.tensors)
        _check("total", self._total + size - before, self.limits.total)

    def counted(self, handle: int, call: Callable[[], Returned]) -> Callable[[], Returned]:
        """A call of a context that computes. It fails if the context would take too much memory for
        it, and counts what the context has afterwards."""
        total = self.limits.total
        if total is None or handle not in self._working:
            return call
        return lambda: self._count(handle, call, total)

    def _count(self, handle: int, call: Callable[[], Returned], total: int) -> Returned:
        context = self._working[handle]
        used = self._total - self._tensors[handle].get(_WORKING, 0)
        context.allow(max(0, total - used))
        try:
            return call()
        finally:
            self.set_tensor(handle, _WORKING, context.working_bytes())

    def hold_context(self, handle: int, graph: object, context: object) -> None:
        """Count a new context of a graph. If it has an attribute `configured_by`, that is the index
        of the input that takes its configuration."""
        configured_by = getattr(context, "configured_by", None)
        if configured_by is not None:
            self._configured_by[handle] = configured_by
        if isinstance(context, WorkingContext):
            self._working[handle] = context
        self.hold(handle, graph)

    def hold(self, handle: int, graph: object, size: int = 0) -> None:
        """Count a new handle of a graph, or of a context of it."""
        self._graphs[handle] = graph
        self._tensors[handle] = {}
        if graph not in self._holders:
            self._holders[graph] = 0
            self._sizes[graph] = size
            self._total += size
        self._holders[graph] += 1

    def set_tensor(self, context: int, index: int, size: int) -> None:
        """Count an input, which now has `size` bytes."""
        tensors = self._tensors[context]
        self._total += size - tensors.get(index, 0)
        tensors[index] = size
        if self._working and self._configured_by.get(context) == index:
            working = self._working.get(context)  # other options may have freed its memory
            if working is not None and _WORKING in tensors:
                self.set_tensor(context, _WORKING, working.working_bytes())

    def release(self, handle: int) -> None:
        """Stop counting a handle. A graph counts until the last of its handles is released."""
        graph = self._graphs.pop(handle)
        self._configured_by.pop(handle, None)
        self._working.pop(handle, None)
        self._total -= sum(self._tensors.pop(handle).values())
        self._holders[graph] -= 1
        if not self._holders[graph]:
            del self._holders[graph]
            self._total -= self._sizes.pop(graph)


def _check(name: str, wanted: int, limit: int | None) -> None:
    if limit is not None and wanted > limit:
        raise HostError(
            Errno.TOO_LARGE,
            f"{name}: {wanted} exceeds the limit of {limit}",
            f"limit {name}",
        )

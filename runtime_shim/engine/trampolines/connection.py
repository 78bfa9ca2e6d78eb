"""The instances that sit between a guest and the host."""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Mapping
from weakref import WeakKeyDictionary

import wasmtime

from rewriter.abi.dialects import Dialect
from runtime_shim.engine.binding import Escape, StoreLife, definitions, instantiate
from runtime_shim.engine.host_functions import define
from runtime_shim.engine.trampolines.text import (
    ARENA_PAGES,
    REPLACED,
    calls,
    copies,
    has_copies,
    module_text,
)
from runtime_shim.host.session import Session
from runtime_shim.host.shared_tensors import Arena
from runtime_shim.views import view_of

__all__ = ["Connection"]

log = logging.getLogger("runtime_shim")


class Connection:
    """Defines a guest's wasi-nn imports, then instantiates the guest. The embedder's linker is not
    changed, because these functions can serve only one instance. All methods raise
    wasmtime.WasmtimeError."""

    def __init__(
        self,
        linker: wasmtime.Linker,
        store: wasmtime.Store,
        module: wasmtime.Module,
        session: Session,
        dialects: Mapping[str, Dialect],
        escape: Escape,
    ) -> None:
        """Make the functions for each module name in `dialects`, in that dialect. They take
        precedence over those of the linker. What they raise goes to `escape`. If a dialect has its
        own rules for tensors, every call goes to the host."""
        self.escape = escape
        self._store = store
        self._module = module
        self._session = session
        used = [item.module for item in module.imports if item.name in REPLACED]
        copied = (name for name in dialects if has_copies(dialects[name]))
        name = next((name for name in copied if name in used), None)
        needs_arena = name is not None and not session.has_arena
        self._arena = _new_memory(store) if needs_arena else None
        if self._arena is None:
            name = None
        own = wasmtime.Linker(store.engine)
        define(
            own, session, {each: dialects[each] for each in dialects if each != name}, self.escape
        )
        self._dialect = dialects[name] if name is not None else None
        if name is not None and self._dialect is not None:
            self._host = wasmtime.Linker(store.engine)
            define(self._host, session, {"host": self._dialect}, self.escape, remember_memory=True)
            self._calls = self._instance(self._host, _compiled(store.engine, calls(self._dialect)))
            replacing = self._calls.exports(store)
            for function in self._dialect.functions:
                replaced = function in REPLACED
                found = replacing[function] if replaced else self._host.get(store, "host", function)
                own.define(store, name, function, found)
        self._definitions = definitions(store, module, own, linker)

    @property
    def missing(self) -> list[int]:
        """Imports that are not defined, by their positions in the list of imports."""
        return [place for place, found in enumerate(self._definitions) if found is None]

    def instantiate(self) -> wasmtime.Instance:
        """Instantiate the guest with these functions and everything in the linker. Exceptions from
        host calls in its start function are raised."""
        instance = instantiate(self._store, self._module, self._definitions, self.escape)
        if self._dialect is not None and self._arena is not None:
            self._take_calls(instance, self._dialect, self._arena)
        return instance

    def _take_calls(
        self, guest: wasmtime.Instance, dialect: Dialect, arena: wasmtime.Memory
    ) -> None:
        """Let the second module handle calls. They stay with the host unless the guest exports an
        ordinary memory as "memory" and the engine accepts the module."""
        store = self._store
        memory = guest.exports(store).get("memory")
        if not isinstance(memory, wasmtime.Memory):
            return
        try:
            self._host.define(store, "guest", "memory", memory)
            self._host.define(store, "arena", "memory", arena)
            self._host.define_instance(store, "calls", self._calls)
            self._instance(self._host, _compiled(store.engine, copies(dialect)))
        except wasmtime.WasmtimeError as error:
            log.info("tensors are always copied by host calls: %s", error)
            return
        start = ctypes.addressof(arena.data_ptr(store).contents)
        view = view_of(start, arena.data_len(store))
        self._session.use_arena(Arena(view, dialect), StoreLife(store))

    def _instance(self, linker: wasmtime.Linker, module: wasmtime.Module) -> wasmtime.Instance:
        found = definitions(self._store, module, linker)
        return instantiate(self._store, module, found, self.escape)


def _new_memory(store: wasmtime.Store) -> wasmtime.Memory | None:
    """The arena's memory, None if there is not enough address space."""
    try:
        return wasmtime.Memory(
            store, wasmtime.MemoryType(wasmtime.Limits(ARENA_PAGES, ARENA_PAGES))
        )
    except wasmtime.WasmtimeError as error:
        log.info("tensors are always copied by host calls: %s", error)
        return None


def _compiled(engine: wasmtime.Engine, files: tuple[str, ...]) -> wasmtime.Module:
    modules = _MODULES.setdefault(engine, {})
    if files not in modules:
        modules[files] = wasmtime.Module(engine, module_text(files))
    return modules[files]


_MODULES: WeakKeyDictionary[wasmtime.Engine, dict[tuple[str, ...], wasmtime.Module]] = (
    WeakKeyDictionary()
)

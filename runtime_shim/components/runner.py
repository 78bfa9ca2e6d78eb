"""Runs a component: wasmtime with its WASI 0.2, and the NN host."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import wasmtime
from wasmtime import component as wasm_component

from rewriter.analysis.components.described import describe_component
from rewriter.components.component import Component
from rewriter.errors import InvalidModule, UsageError
from rewriter.inlining.inline import HostFunction, inline
from rewriter.inlining.unversioned import add_version
from rewriter.inlining.uses import uses
from rewriter.terminal import alive
from runtime_shim.components.callers import FUNCTIONS, Callers
from runtime_shim.components.linking import check_imports, define_unused
from runtime_shim.components.shares import maxima, share_out
from runtime_shim.components.text import PAGE, early, late, most_pages
from runtime_shim.engine.binding import Escape, StoreLife
from runtime_shim.engine.binding.components import (
    call_command,
    define_in_component,
    instantiate_component,
)
from runtime_shim.engine.binding.memories import Memories
from runtime_shim.engine.deadline import Deadline
from runtime_shim.engine.options import RunOptions
from runtime_shim.engine.outcome import Outcome
from runtime_shim.engine.runner import Compiled, Running, engine_config, flat, trapped
from runtime_shim.errors import LinkError
from runtime_shim.host.session import Session

if TYPE_CHECKING:
    from runtime_shim.engine.streams import Streams

__all__ = ["ComponentRun"]

_HOST = "nnshim:wasi-nn/host"
"""The import that the host's functions have in a component once the modules are added."""


class ComponentRun(Running):
    """The run of a component."""

    def __init__(
        self, data: bytes, session: Session, options: RunOptions, compiled: Compiled
    ) -> None:
        """Raises UsageError for options of core modules, and ModuleError for a component that
        cannot be run."""
        super().__init__(session, options, compiled)
        _check_options(options)
        given = Component(data)
        self._info = describe_component(given)
        if not self._info.run:
            raise LinkError(
                "the component does not export wasi:cli/run, so there is nothing to call"
            )
        check_imports(self._info, uses(given).snapshot)
        component = add_version(given)
        used = uses(component)
        self._snapshot = used.snapshot
        self._data = bytes(component.data)
        pages = most_pages(maxima(component))
        if used.snapshot is not None:
            added = early(pages), late(used.snapshot.version, pages)
            self._data = inline(component, *added, host=_HOST, functions=_FUNCTIONS)
        limit = self._limits.memory
        self._bounds = None if limit is None else share_out(limit, component)
        self._memories = Memories(self._bounds and self._bounds.memories, pages * PAGE, self._stop)
        config = engine_config(options.cache, self._limits, self._can_be_stopped)
        self._memories.configure(config)
        self._engine = wasmtime.Engine(config)

    def compiled(self, deadline: Deadline) -> wasm_component.Component:
        try:
            with alive("compiling the guest"):
                return self._kept.code(wasm_component.Component, self._engine, self._data, deadline)
        except wasmtime.WasmtimeError as error:
            raise InvalidModule(f"wasmtime refuses the component: {flat(error)}", None) from error

    def _ended(self, deadline: Deadline, streams: Streams | None) -> Outcome:
        compiled = self.compiled(deadline)
        escape = Escape()
        with wasmtime.Store(self._engine) as store:
            self._started(store, streams)
            if self._bounds is not None:
                _, tables, elements = self._bounds
                store.set_limits(tables=tables, table_elements=elements)
            linker = self._linker(store, escape)
            try:
                with self._watched(deadline, streams):
                    command = self._command(self._instance(linker, store, compiled, escape), store)
                    return Outcome(0 if call_command(store, command, escape) else 1)
            except wasmtime.ExitTrap as ended:
                return Outcome(ended.code)
            except wasmtime.WasmtimeError as trap:
                if self._session.stop is not None:
                    raise self._session.stop from trap
                return trapped(trap, self._options)

    def _instance(
        self,
        linker: wasm_component.Linker,
        store: wasmtime.Store,
        compiled: wasm_component.Component,
        escape: Escape,
    ) -> wasm_component.Instance:
        """Raises LinkError if that fails before any code of the guest's runs."""
        try:
            return instantiate_component(linker, store, compiled, escape)
        except wasmtime.ExitTrap:
            raise
        except wasmtime.WasmtimeError as error:
            if self._session.stop is not None:
                raise self._session.stop from error
            if self._memories.refused is not None:
                raise LinkError(f"{self._memories.refused} (--max-memory)") from error
            if _BACKTRACE in str(error):
                raise
            raise LinkError(flat(error)) from error

    def _linker(self, store: wasmtime.Store, escape: Escape) -> wasm_component.Linker:
        """WASI, and what the added modules call. Raises LinkError if the guest needs more."""
        linker = wasm_component.Linker(self._engine)
        linker.add_wasip2()
        if self._snapshot is None:
            return linker
        define_unused(linker, self._snapshot)
        functions = Callers(self._session, self._memories, StoreLife(store)).functions
        with linker.root() as root, root.add_instance(_HOST) as instance:
            for name, function in FUNCTIONS.items():
                signature = function.parameters, function.result
                define_in_component(instance, name, *signature, functions[name], escape)
        return linker

    def _command(
        self, instance: wasm_component.Instance, store: wasmtime.Store
    ) -> wasm_component.Func:
        """The function `run` of the newest `wasi:cli/run`. Raises LinkError if that does not have
        one, or if it has another type."""
        version = max(self._info.run, key=_patch)
        exported = instance.get_export_index(store, f"wasi:cli/run@{version}".rstrip("@"))
        index = instance.get_export_index(store, "run", exported)
        function = None if index is None else instance.get_func(store, index)
        if function is None:
            raise LinkError("the component's export wasi:cli/run has no function run")
        _check_type(function.type(store))
        return function


def _patch(version: str) -> int:
    """What orders versions of WASI 0.2, below 0 for any other."""
    found = re.fullmatch(r"0\.2\.([0-9]{1,9})", version)
    return -1 if found is None else int(found[1])


def _check_type(function: wasm_component.FuncType) -> None:
    """Raise LinkError unless it takes nothing and returns a `result` without values."""
    result = function.result
    is_plain = isinstance(result, wasm_component.ResultType) and result.ok is result.err is None
    if function.params or not is_plain:
        raise LinkError("the component's function run of wasi:cli/run is not `func() -> result`")


_BACKTRACE = "wasm backtrace:"
"""In a message of wasmtime's about code that ran."""

_FUNCTIONS = tuple(
    HostFunction(name, ("u32",) * function.parameters, function.result)
    for name, function in FUNCTIONS.items()
)


def _check_options(options: RunOptions) -> None:
    if options.is_for_core_modules:
        raise UsageError(
            "invoke, trap_unknown_imports, guest_abi and as_host are for core modules, and the "
            "guest is a component; rewrite it with the option `to` wasi_ephemeral_nn first, which "
            "makes a core module of a component that was made from one"
        )

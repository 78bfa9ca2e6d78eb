"""NNHost and Session for programs that embed wasmtime."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import wasmtime

from rewriter.abi.dialects import MODULE_NAMES, WASMEDGE, Dialect
from runtime_shim.engine.binding import Escape
from runtime_shim.engine.host_functions import define
from runtime_shim.engine.trampolines.connection import Connection
from runtime_shim.host.host import NNHost as _NNHost
from runtime_shim.host.session import Session as _Session

__all__ = ["EVERY_NAME", "NNHost", "Session"]

EVERY_NAME: Mapping[str, Dialect] = MappingProxyType(dict.fromkeys(MODULE_NAMES, WASMEDGE))


class Session(_Session):
    __doc__ = _Session.__doc__

    def instantiate(
        self,
        linker: wasmtime.Linker,
        store: wasmtime.Store,
        module: wasmtime.Module,
        *,
        dialects: Mapping[str, Dialect] = EVERY_NAME,
    ) -> wasmtime.Instance:
        """Instantiate the guest with the wasi-nn functions and everything in the linker.

        Has the effect of NNHost.add_to_linker and Linker.instantiate, but is faster for guests that
        set inputs and read outputs repeatedly: those calls do not leave WebAssembly
        (runtime_shim.engine.trampolines), unless the session already has another instance. Nothing
        is defined in the linker. Once the store is closed, contexts whose tensors were in its
        memory are gone. Raises wasmtime.WasmtimeError, wasmtime.Trap if the start function traps,
        and any exception that a host call raises in it.
        """
        escape = Escape(by_wasmtime=True)
        return Connection(linker, store, module, self, dialects, escape).instantiate()


class NNHost(_NNHost):
    __doc__ = _NNHost.__doc__

    def session(self) -> Session:
        """Open a session: one guest's own handles. Raises UsageError if the host is closed."""
        return self._opened(Session(self._guest(), self.limits))

    def add_to_linker(
        self,
        linker: wasmtime.Linker,
        session: Session | None = None,
        *,
        dialects: Mapping[str, Dialect] = EVERY_NAME,
    ) -> Session:
        """Define the wasi-nn functions in a linker, and return the session that they use.

        `dialects` has the ABI of each module name. The default is the specification's ABI with
        WasmEdge's extensions, under both names; runtime_shim.guest_dialects returns what a module
        needs. One linker serves one guest: all instances made with it share `session` (default: a
        new one). The functions keep the session alive. The guest must export its memory as
        "memory".
        """
        session = session or self.session()
        define(linker, session, dialects, Escape(by_wasmtime=True))
        return session

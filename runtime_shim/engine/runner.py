"""Runs a guest: wasmtime, WASI preview1, and the NN host."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import wasmtime

from rewriter.abi.dialects import DIALECTS, Dialect
from rewriter.analysis.inspect import ModuleInfo, inspect_module
from rewriter.codes import Severity
from rewriter.descriptors import open_standard
from rewriter.errors import InputError, InvalidModule, ModuleError, UnsupportedModule
from rewriter.functions.storage import storage
from rewriter.terminal import alive
from rewriter.wasm.module import Module
from runtime_shim.abi.led_to import led_to, with_types_of
from runtime_shim.engine.binding import Escape, call, define
from runtime_shim.engine.deadline import Deadline
from runtime_shim.engine.embedding import NNHost
from runtime_shim.engine.entry import Entry, entry_of
from runtime_shim.engine.linking import (
    check_imports,
    check_links,
    check_memory,
    check_signatures,
    host_dialects,
    row_of,
)
from runtime_shim.engine.options import RunOptions
from runtime_shim.engine.outcome import EXIT_TRAP, Outcome, Reason, Stopped
from runtime_shim.engine.shares import share_out
from runtime_shim.engine.trampolines.connection import Connection
from runtime_shim.errors import LinkError
from runtime_shim.host.limits import Limits
from runtime_shim.host.session import Session

if TYPE_CHECKING:
    from rewriter.adapters.adapter import Adapter
    from runtime_shim.engine.streams import Streams

__all__ = ["guest_dialects", "run"]

log = logging.getLogger("runtime_shim")

_WASI = "wasi_snapshot_preview1"


_DEFAULTS = RunOptions()


class _GuestExit(BaseException):
    """Carries the code of proc_exit out of the guest.

    wasmtime's own proc_exit refuses codes from 126 on, which POSIX allows.
    """

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def run(
    module: bytes | Module,
    host: NNHost,
    options: RunOptions = _DEFAULTS,
    *,
    check: bool = False,
) -> Outcome:
    """Run a guest to its end. Instantiates it, calls `_initialize` if it exports one, and then the
    export "", or if there is none, `_start`, if there is one; that is what `wasmtime run` does.
    With `options.invoke`, the export of that name is called instead.

    Returns the outcome, however the guest ends; with `check`, raises GuestFailed unless it
    succeeds. Raises an error if the guest cannot start: InvalidModule; UnsupportedModule for a
    compact import section; LinkError for unresolved imports, and for a module that needs more
    memory than it may have; UsageError if `invoke` is not an exported function or takes other
    arguments, and if the host is closed; InputError for a folder that does not exist. Raises
    HostHarm if `options.as_host` would corrupt memory or crash. An error inside the host that is
    not an answer to the guest is raised unchanged, and so is an exception from a file in `options`.

    The host's limits say what the guest may use: see runtime_shim.host.limits. Its time starts with
    this call. `run` also returns in time if wasmtime takes too long to compile; compiling cannot be
    interrupted, so a thread of this process continues until it is done.
    """
    deadline = Deadline(host.limits.timeout)
    open_standard()  # the guest may inherit them
    with host.session() as session:
        outcome = _Run(module, session, options).outcome(deadline)
        outcome = outcome._replace(stats=tuple(session.stats()))
    return outcome.check() if check else outcome


class _Run:
    """The run of one guest."""

    def __init__(self, module: bytes | Module, session: Session, options: RunOptions) -> None:
        self._module = bytes(module.data) if isinstance(module, Module) else module
        self._session = session
        self._options = options
        self._limits = session.usage.limits
        self._info = inspect_module(module, options.guest_abi)
        self._traps = options.trap_unknown_imports
        self._dialects = self._linked()
        self._can_be_stopped = self._limits.timeout is not None or options.redirects
        self._engine = _engine(options.cache, self._limits, self._can_be_stopped)

    def _linked(self) -> Mapping[str, Dialect]:
        """The dialects that the guest gets. Raises LinkError if it needs others."""
        if self._options.as_host is not None:
            row = row_of(self._options.as_host)
            if row is not None:
                dialects = host_dialects(self._options.as_host, self._info)
                check_memory(self._info, row)
                self._traps = check_links(self._info, row, dialects, unknown=self._traps)
                return dialects
        dialects = guest_dialects(self._info)
        check_signatures(self._info, dialects)
        return dialects

    def outcome(self, deadline: Deadline) -> Outcome:
        if not self._options.redirects:
            return self._finished(deadline, None)
        from runtime_shim.engine.streams import Streams  # slow to import

        with Streams(self._options, self._limits.output, deadline, self._stop) as streams:
            outcome = self._finished(deadline, streams)
            return outcome._replace(
                stdout=streams.captured("stdout"), stderr=streams.captured("stderr")
            )

    def _finished(self, deadline: Deadline, streams: Streams | None) -> Outcome:
        """How the guest ended, once all of its output has arrived."""
        try:
            outcome = self._ended(deadline, streams)
        except Stopped as stopped:
            outcome = stopped.outcome
        if streams is not None:
            streams.finish()
        if isinstance(self._session.stop, Stopped):  # the guest may have ended without noticing
            outcome = self._session.stop.outcome
        elif self._session.stop is not None:
            raise self._session.stop
        return outcome._replace(refused=self._session.refused if outcome.exit_code else None)

    def _stop(self, error: BaseException) -> None:
        """End the guest with an error, from any thread."""
        if self._session.stop is None:
            self._session.stop = error
            self._engine.increment_epoch()

    def _ended(self, deadline: Deadline, streams: Streams | None) -> Outcome:
        """Run the guest, and free its store. Raises Stopped."""
        try:
            with alive("compiling the guest"):
                compiled = deadline.within(wasmtime.Module, self._engine, self._module)
        except wasmtime.WasmtimeError as error:
            raise _refusal(self._info, _flat(error)) from error
        with wasmtime.Store(self._engine) as store:
            store.set_wasi(_wasi_config(self._options, streams))
            if self._can_be_stopped:
                store.set_epoch_deadline(1)
            if self._limits.fuel is not None:
                store.set_fuel(self._limits.fuel)
            connection = self._connection(store, compiled)
            entry = entry_of(self._info, self._options.invoke, self._options.invoke_args)
            if self._limits.memory is not None:
                bounds = share_out(self._limits.memory, storage(self._info.module))
                store.set_limits(memory_size=bounds.memory, table_elements=bounds.elements)
            try:
                taking = streams.take_what_models_print() if streams else contextlib.nullcontext()
                with deadline.ends(self._stop), taking:
                    return Outcome(0, results=_called(connection, store, entry))
            except _GuestExit as guest_exit:
                return Outcome(guest_exit.code)
            except (wasmtime.Trap, wasmtime.WasmtimeError) as trap:
                if self._session.stop is not None:
                    raise self._session.stop from trap
                return self._trapped(trap)

    def _connection(self, store: wasmtime.Store, compiled: wasmtime.Module) -> Connection:
        """The functions that the guest calls. Raises LinkError if it needs others."""
        linker = wasmtime.Linker(self._engine)
        linker.define_wasi()
        if self._traps:
            linker.define_unknown_imports_as_traps(compiled)
        escape = Escape()
        linker.allow_shadowing = True
        define(linker, _WASI, "proc_exit", 1, 0, _proc_exit, escape)
        connection = Connection(linker, store, compiled, self._session, self._dialects, escape)
        check_imports(self._info, connection.missing)
        return connection

    def _trapped(self, trap: wasmtime.Trap | wasmtime.WasmtimeError) -> Outcome:
        from runtime_shim.engine.backtrace import backtrace, folded  # few guests trap

        lines = backtrace(trap)
        if not self._options.backtrace:
            lines = folded(lines)
        code = trap.trap_code if isinstance(trap, wasmtime.Trap) else None
        is_starved = code is wasmtime.TrapCode.OUT_OF_FUEL
        reason = Reason.OUT_OF_FUEL if is_starved else Reason.TRAPPED
        return Outcome(EXIT_TRAP, reason, lines=tuple(lines))


def _called(connection: Connection, store: wasmtime.Store, entry: Entry) -> tuple[int | float, ...]:
    """The return values of the guest's function."""
    try:
        exports = connection.instantiate().exports(store)
    except wasmtime.WasmtimeError as error:
        raise LinkError(_flat(error)) from error
    if entry.after_initialize:
        call(store, _func(exports, "_initialize"), (), 0, connection.escape)
    if entry.name is None:
        log.info(
            'the guest exports neither "" nor _start, so nothing runs after it is instantiated'
        )
        return ()
    function = _func(exports, entry.name)
    return tuple(call(store, function, entry.arguments, entry.results, connection.escape))


def _engine(cache: bool, limits: Limits, can_be_stopped: bool) -> wasmtime.Engine:
    """An engine that can enforce the limits and, with `can_be_stopped`, stop a guest at any time.
    With `cache`, it uses wasmtime's cache, in the user's cache folder by default or as the user's
    configuration of wasmtime says. If the cache cannot be written, there is none."""
    config = wasmtime.Config()
    config.epoch_interruption = can_be_stopped
    config.consume_fuel = limits.fuel is not None
    if cache:
        try:
            config.cache = True
        except wasmtime.WasmtimeError as error:
            log.info("compiled modules are not cached: %s", _flat(error))
    return wasmtime.Engine(config)


def _proc_exit(_: object, _caller: int, words: Any, _length: int) -> int:
    raise _GuestExit(words[0] & 0xFF)


def _refusal(info: ModuleInfo, words: str) -> ModuleError:
    """The error for a module that wasmtime does not compile, with its message."""
    grouped = info.compact_import
    if grouped is None:
        return InvalidModule(f"wasmtime refuses the module: {words}", None)
    return UnsupportedModule(
        f"wasmtime does not support the module's compact import section: {words}",
        grouped.offset,
        "NN213",
        "`nnshim rewrite --for nnshim IN OUT` writes an ordinary import section",
    )


def _flat(error: wasmtime.WasmtimeError) -> str:
    lines = (line.strip() for line in str(error).splitlines())
    return " ".join(line for line in lines if line)


def guest_dialects(info: ModuleInfo) -> dict[str, Dialect]:
    """The dialect for each wasi-nn module name that a guest imports, with the numbers that the
    operator, a marker or its adapters say that it uses. If a rewrite has added an adapter for its
    get_output, the dialect is one of runtime_shim.abi.adapted or runtime_shim.abi.counted.

    Raises LinkError if the imports fit no dialect, or an adapter's target is unknown.
    """
    for unread in (said for said in info.of_marks if said.severity is Severity.ERROR):
        raise LinkError(f"the module's ABI is unknown: {unread.text}")
    dialects = {}
    for module, abi in info.abis.items():
        if abi.name is None:
            evidence = (f"  {module}.{item.message}" for item in abi.evidence)
            raise LinkError("the module's imports do not match any known wasi-nn ABI:", *evidence)
        dialects[module] = DIALECTS[abi.name]
        if info.guest is not None:
            dialects[module] = with_types_of(info.guest, dialects[module])
    for module, adapter in _adapters(info):
        dialects[module] = led_to(adapter, dialects[module])
    return dialects


def _adapters(info: ModuleInfo) -> Iterator[tuple[str, Adapter]]:
    """The adapters of a module, each with the module name that it calls."""
    for unknown in (trace for trace in info.traces if trace.adapter is None):
        raise LinkError(f"the module's ABI is unknown: {unknown.diagnostic.text}")
    for adapter in (trace.adapter for trace in info.traces if trace.adapter):
        for module, abi in info.abis.items():
            if DIALECTS[abi.name or ""].layout == adapter.target.layout:
                yield module, adapter
    for slot, standing in info.adapters.items():
        yield info.wasi_nn[slot].module, standing.adapter


def _wasi_config(options: RunOptions, streams: Streams | None) -> wasmtime.WasiConfig:
    config = wasmtime.WasiConfig()
    config.argv = list(options.argv)
    config.env = list(options.env.items())
    if streams is None:
        config.inherit_stdin()
        config.inherit_stdout()
        config.inherit_stderr()
    else:
        streams.configure(config)
    for guest_path, host_path in options.dirs.items():
        if not os.path.isdir(host_path):
            why = "it is not a folder" if os.path.exists(host_path) else "there is no such folder"
            raise InputError(f"cannot open {host_path} for the guest: {why}")
        config.preopen_dir(
            os.fspath(host_path), guest_path, fs_mutable=guest_path not in options.read_only_dirs
        )
    return config


def _func(exports: Mapping[str, object], name: str) -> wasmtime.Func:
    export = exports[name]
    if not isinstance(export, wasmtime.Func):
        raise LinkError(f"the export {name!r} is not a function")
    return export

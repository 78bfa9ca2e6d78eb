"""Runs core modules: wasmtime, WASI preview1, and the NN host."""

from __future__ import annotations

import contextlib
import logging
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

import wasmtime

from rewriter.abi.dialects import Dialect
from rewriter.analysis.inspect import ModuleInfo, inspect_module
from rewriter.errors import InputError, InvalidModule, ModuleError, UnsupportedModule
from rewriter.functions.storage import storage
from rewriter.terminal import alive
from rewriter.wasm.module import Module
from runtime_shim.backends.common.halting import halt
from runtime_shim.engine.binding import Escape, call, define
from runtime_shim.engine.deadline import Deadline
from runtime_shim.engine.entry import Entry, entry_of, not_run
from runtime_shim.engine.linking import (
    check_imports,
    check_links,
    check_memory,
    check_signatures,
    guest_dialects,
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
    from runtime_shim.engine.streams import Streams

__all__ = ["Compiled", "CoreRun", "Running", "engine_config", "flat", "trapped"]

log = logging.getLogger("runtime_shim")

_WASI = "wasi_snapshot_preview1"


_OUT_OF_FUEL = "wasm trap: all fuel consumed by WebAssembly"
"""How wasmtime's message ends where an error has no code, as for components."""


class _Code(Protocol):
    """A wasmtime.Module, or a component."""

    def __init__(self, engine: wasmtime.Engine, wasm: bytes, /) -> None: ...

    def serialize(self) -> bytearray: ...

    @classmethod
    def deserialize(cls, engine: wasmtime.Engine, encoded: bytes, /) -> Self: ...


Code = TypeVar("Code", bound=_Code)


_LARGE = 1 << 20
"""In bytes. Such a module is validated first: compiling takes some fifty times as long."""


class Compiled:
    """Keeps what was compiled, for other engines of the same configuration. An engine of its own
    for each run is what one run can be stopped by, and no other. Without `keeps`, this is for one
    run."""

    def __init__(self, *, keeps: bool = True) -> None:
        self._keeps = keeps
        self._serialized: bytes | None = None

    def code(
        self, kind: type[Code], engine: wasmtime.Engine, data: bytes, deadline: Deadline
    ) -> Code:
        """The code of a module, of which `data` are the bytes. Raises wasmtime.WasmtimeError, and
        Stopped at the deadline."""
        if self._serialized is not None:
            return kind.deserialize(engine, self._serialized)
        if kind is wasmtime.Module and len(data) >= _LARGE:
            deadline.within(wasmtime.Module.validate, engine, data)
        code = deadline.within(kind, engine, data)
        if self._keeps:
            self._serialized = bytes(code.serialize())
        return code


class _GuestExit(BaseException):
    """Carries the code of proc_exit out of the guest.

    wasmtime's own proc_exit refuses codes from 126 on, which POSIX allows. The system keeps the
    last eight bits of an exit code. Where these are 0 and the code is not, 255 takes its place: the
    guest did not succeed.
    """

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self._code = code

    @property
    def outcome(self) -> Outcome:
        kept = self._code & 0xFF or (255 if self._code else 0)
        if kept == self._code:
            return Outcome(kept)
        signed = self._code - (1 << 32) if self._code >> 31 else self._code
        return Outcome(kept, lines=(f"the guest exited with code {signed}, reported as {kept}",))


class Running(ABC):
    """The run of one guest, of any kind. Subclasses make the engine."""

    _engine: wasmtime.Engine

    def __init__(self, session: Session, options: RunOptions, compiled: Compiled) -> None:
        self._session = session
        self._options = options
        self._kept = compiled
        self._limits = session.usage.limits
        self._can_be_stopped = self._limits.timeout is not None or options.redirects

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
            for context in list(self._session.contexts.values()):
                halt(context)

    @abstractmethod
    def compiled(self, deadline: Deadline) -> object:
        """The guest's code. Raises ModuleError, and Stopped."""

    @abstractmethod
    def _ended(self, deadline: Deadline, streams: Streams | None) -> Outcome:
        """Run the guest, and free its store. Raises Stopped."""

    def _started(self, store: wasmtime.Store, streams: Streams | None) -> None:
        """Give a store WASI's options, and the limits on the guest's time."""
        store.set_wasi(_wasi_config(self._options, streams))
        if self._can_be_stopped:
            store.set_epoch_deadline(1)
        if self._limits.fuel is not None:
            store.set_fuel(self._limits.fuel)

    @contextlib.contextmanager
    def _watched(self, deadline: Deadline, streams: Streams | None) -> Iterator[None]:
        """Stop the guest at the deadline, and take what models print. Raises Stopped."""
        taking = streams.take_what_models_print() if streams else contextlib.nullcontext()
        with deadline.ends(self._stop), taking:
            yield


class CoreRun(Running):
    """The run of a core module."""

    def __init__(
        self, module: bytes | Module, session: Session, options: RunOptions, compiled: Compiled
    ) -> None:
        super().__init__(session, options, compiled)
        self._module = bytes(module.data) if isinstance(module, Module) else module
        self._info = inspect_module(module, options.guest_abi)
        self._traps = options.trap_unknown_imports
        self._dialects = self._linked()
        self._engine = wasmtime.Engine(
            engine_config(options.cache, self._limits, self._can_be_stopped)
        )

    def compiled(self, deadline: Deadline) -> wasmtime.Module:
        try:
            with alive("compiling the guest"):
                return self._kept.code(wasmtime.Module, self._engine, self._module, deadline)
        except wasmtime.WasmtimeError as error:
            raise _refusal(self._info, flat(error)) from error

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

    def _ended(self, deadline: Deadline, streams: Streams | None) -> Outcome:
        """Run the guest, and free its store. Raises Stopped."""
        compiled = self.compiled(deadline)
        with wasmtime.Store(self._engine) as store:
            self._started(store, streams)
            connection = self._connection(store, compiled)
            entry = entry_of(self._info, self._options.invoke, self._options.invoke_args)
            if self._limits.memory is not None:
                bounds = share_out(self._limits.memory, storage(self._info.module))
                store.set_limits(memory_size=bounds.memory, table_elements=bounds.elements)
            try:
                with self._watched(deadline, streams):
                    results = _called(connection, store, entry)
            except _GuestExit as guest_exit:
                return guest_exit.outcome
            except (wasmtime.Trap, wasmtime.WasmtimeError) as trap:
                if self._session.stop is not None:
                    raise self._session.stop from trap
                return trapped(trap, self._options)
            left_out = not_run(self._info, entry)
            if left_out is not None:
                log.warning(left_out)
            return Outcome(0, results=results)

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


def trapped(trap: wasmtime.Trap | wasmtime.WasmtimeError, options: RunOptions) -> Outcome:
    """The outcome of a guest that wasmtime has stopped."""
    from runtime_shim.engine.backtrace import backtrace, folded  # few guests trap

    lines = backtrace(trap)
    if not options.backtrace:
        lines = folded(lines)
    if isinstance(trap, wasmtime.Trap):
        is_starved = trap.trap_code is wasmtime.TrapCode.OUT_OF_FUEL
    else:
        is_starved = lines[-1].endswith(_OUT_OF_FUEL)
    reason = Reason.OUT_OF_FUEL if is_starved else Reason.TRAPPED
    return Outcome(EXIT_TRAP, reason, lines=tuple(lines))


def _called(connection: Connection, store: wasmtime.Store, entry: Entry) -> tuple[int | float, ...]:
    """The return values of the guest's function."""
    try:
        exports = connection.instantiate().exports(store)
    except wasmtime.WasmtimeError as error:
        raise LinkError(flat(error)) from error
    if entry.after_initialize:
        call(store, _func(exports, "_initialize"), (), 0, connection.escape)
    if entry.name is None:
        return ()
    function = _func(exports, entry.name)
    return tuple(call(store, function, entry.arguments, entry.results, connection.escape))


def engine_config(cache: bool, limits: Limits, can_be_stopped: bool) -> wasmtime.Config:
    """Of an engine that can enforce the limits and, with `can_be_stopped`, stop a guest at any
    time. With `cache`, it uses wasmtime's cache, in the user's cache folder by default or as the
    user's configuration of wasmtime says. If the cache cannot be written, there is none."""
    config = wasmtime.Config()
    config.epoch_interruption = can_be_stopped
    config.consume_fuel = limits.fuel is not None
    if cache:
        try:
            config.cache = True
        except wasmtime.WasmtimeError as error:
            log.info("compiled modules are not cached: %s", flat(error))
    return config


def _proc_exit(_: object, _caller: int, words: Any, _length: int) -> int:
    raise _GuestExit(words[0] & 0xFFFFFFFF)


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


def flat(error: wasmtime.WasmtimeError) -> str:
    lines = (line.strip() for line in str(error).splitlines())
    return " ".join(line for line in lines if line)


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

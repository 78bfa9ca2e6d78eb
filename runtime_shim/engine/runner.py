"""Runs a guest: wasmtime, WASI preview1, and the NN host."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import wasmtime

from rewriter.abi.dialects import DIALECTS, Dialect
from rewriter.abi.hosts import HOSTS
from rewriter.analysis.inspect import ModuleInfo, exported_function, inspect_module
from rewriter.errors import InputError, InvalidModule, UsageError
from rewriter.functions.storage import storage
from rewriter.wasm.module import Module
from runtime_shim.engine.backtrace import backtrace
from runtime_shim.engine.binding import NUMBERS, Escape, call, define
from runtime_shim.engine.deadline import Deadline
from runtime_shim.engine.embedding import NNHost
from runtime_shim.engine.shares import share_out
from runtime_shim.engine.trampolines.connection import Connection
from runtime_shim.errors import GuestTrap, HostError, LinkError
from runtime_shim.host.limits import Limits

if TYPE_CHECKING:
    from rewriter.adapters.adapter import Adapter

__all__ = ["Outcome", "WasiOptions", "guest_dialects", "run"]

log = logging.getLogger("runtime_shim")

_WASI = "wasi_snapshot_preview1"


class WasiOptions(NamedTuple):
    """What the guest sees of the system. Standard input, output and error are inherited.

    `dirs` maps the guest's paths to the host's folders.
    """

    argv: Sequence[str] = ()
    env: Mapping[str, str] = MappingProxyType({})
    dirs: Mapping[str, str] = MappingProxyType({})


class Outcome(NamedTuple):
    """How a guest ended: its exit code (0 to 255), and what the invoked function returned. Where
    the code is not 0, `refused` is the last call that the host has refused, by the function's name:
    the guest need not have ended for that."""

    exit_code: int
    results: tuple[object, ...] = ()
    refused: tuple[str, HostError] | None = None


_ALONE = WasiOptions()


class _GuestExit(BaseException):
    """Carries the code of proc_exit out of the guest.

    wasmtime's own proc_exit refuses codes from 126 on, which POSIX allows.
    """

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def run(
    module: bytes,
    host: NNHost,
    wasi: WasiOptions = _ALONE,
    *,
    invoke: str | None = None,
    invoke_args: Sequence[str] = (),
    trap_unknown_imports: bool = False,
    guest_abi: str | None = None,
    cache: bool = True,
) -> Outcome:
    """Instantiate the guest, and call `_initialize` where there is one, and then the function that
    is exported as "", or else as `_start`, if there is one: what `wasmtime run` does. With
    `invoke`, the export of that name is called with `invoke_args` instead. `guest_abi` names the
    dialect of a guest whose imports do not tell it. With `cache`, what wasmtime compiles is kept in
    its own cache for the next time.

    Raises InvalidModule, LinkError for imports that no one defines (with `trap_unknown_imports`
    the functions among them trap when called), for a missing export and for a module that needs
    more memory than it may have, UsageError for arguments that the invoked function does not take,
    InputError for a folder that is not there, and GuestTrap, of which GuestTimeout is one. An error
    inside the host that is no answer to the guest is raised as it is.

    What the guest may use, the host's limits say: see runtime_shim.host.limits. Its time starts
    here. GuestTimeout is raised in time where wasmtime compiles for too long, but it cannot be
    interrupted: a thread of this process goes on compiling until it is done.
    """
    limits = host.limits
    deadline = Deadline(limits.timeout)
    info = inspect_module(module, guest_abi)
    dialects = guest_dialects(info)
    _check_signatures(info, dialects)
    engine = _engine(cache, limits)
    try:
        compiled = deadline.within(wasmtime.Module, engine, module)
    except wasmtime.WasmtimeError as error:
        raise InvalidModule(f"wasmtime refuses the module: {_flat(error)}", None) from error
    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    with wasmtime.Store(engine) as store, host.session() as session:
        store.set_wasi(_wasi_config(wasi))
        if limits.timeout is not None:
            store.set_epoch_deadline(1)
        if limits.fuel is not None:
            store.set_fuel(limits.fuel)
        if trap_unknown_imports:
            linker.define_unknown_imports_as_traps(compiled)
        escape = Escape()
        linker.allow_shadowing = True
        define(linker, _WASI, "proc_exit", 1, 0, _proc_exit, escape)
        connection = Connection(linker, store, compiled, session, dialects, escape)
        _check_imports(info, connection.missing)
        entry = _entry(info.module) if invoke is None else invoke
        arguments, results = _types(info, entry, invoke_args)
        if limits.memory is not None:
            bounds = share_out(limits.memory, storage(info.module))
            store.set_limits(memory_size=bounds.memory, table_elements=bounds.elements)
        try:
            with deadline.stops(engine, session):
                outcome = Outcome(0, _run(connection, store, info, entry, arguments, results))
        except _GuestExit as guest_exit:
            refused = session.refused if guest_exit.code else None
            outcome = Outcome(guest_exit.code, refused=refused)
        except (wasmtime.Trap, wasmtime.WasmtimeError) as trap:
            if session.stop is not None:
                raise session.stop from trap
            trapped = GuestTrap(*backtrace(trap))
            trapped.refused = session.refused
            raise trapped from trap
        if session.stop is not None:  # its time was over while it waited for the system
            raise session.stop
        return outcome


def _run(
    connection: Connection,
    store: wasmtime.Store,
    info: ModuleInfo,
    entry: str | None,
    arguments: Sequence[tuple[str, int | float]],
    results: int,
) -> tuple[int | float, ...]:
    try:
        exports = connection.instantiate().exports(store)
    except wasmtime.WasmtimeError as error:
        raise LinkError(_flat(error)) from error
    if "_initialize" in info.exports and entry != "_initialize":
        call(store, _func(exports, "_initialize"), (), 0, connection.escape)
    if entry is None:
        log.info('the guest exports neither "" nor _start: it is done once it is instantiated')
        return ()
    return tuple(call(store, _func(exports, entry), arguments, results, connection.escape))


def _engine(cache: bool, limits: Limits) -> wasmtime.Engine:
    """An engine that can keep the limits, with wasmtime's cache, which is in the user's folder for
    caches, unless the user's own configuration of wasmtime says otherwise. Where it cannot be
    written, it is left out."""
    config = wasmtime.Config()
    config.epoch_interruption = limits.timeout is not None
    config.consume_fuel = limits.fuel is not None
    if cache:
        try:
            config.cache = True
        except wasmtime.WasmtimeError as error:
            log.info("there is no cache for compiled modules: %s", _flat(error))
    return wasmtime.Engine(config)


def _proc_exit(_: object, _caller: int, words: Any, _length: int) -> int:
    raise _GuestExit(words[0] & 0xFF)


def _flat(error: wasmtime.WasmtimeError) -> str:
    lines = (line.strip() for line in str(error).splitlines())
    return " ".join(line for line in lines if line)


def guest_dialects(info: ModuleInfo) -> dict[str, Dialect]:
    """The dialect for each wasi-nn module name that a guest imports. Where a rewrite has put an
    adapter before its get_output, that is one of runtime_shim.abi.adapted.

    Raises LinkError where the imports fit no dialect, and for a guest that was adapted to the
    numbers of a host that has others.
    """
    dialects = {}
    for module, abi in info.abis.items():
        if abi.name is None:
            evidence = (f"  {module}.{item.message}" for item in abi.evidence)
            raise LinkError("what the module imports is no known wasi-nn ABI:", *evidence)
        dialects[module] = DIALECTS[abi.name]
    for module, adapter in _adapters(info):
        from rewriter.adapters.adapter import speaks  # where there are adapters

        if not any(speaks(one, adapter.target) for one in HOSTS["nnshim"].dialects):
            raise LinkError(
                f"the module was adapted for {adapter.target.name}, whose numbers are others; adapt"
                " it with `nnshim rewrite --for nnshim`"
            )
        if adapter.function == "get_output":
            from runtime_shim.abi.adapted import adapted

            dialects[module] = adapted(DIALECTS[info.abis[module].name or ""])
    return dialects


def _adapters(info: ModuleInfo) -> Iterator[tuple[str, Adapter]]:
    """The adapters of a module, with the module name that each of them calls."""
    for unknown in (trace for trace in info.traces if trace.adapter is None):
        raise LinkError(f"it cannot be told which ABI the module has: {unknown.diagnostic.text}")
    for adapter in (trace.adapter for trace in info.traces if trace.adapter):
        for module, abi in info.abis.items():
            if DIALECTS[abi.name or ""].layout == adapter.target.layout:
                yield module, adapter
    for slot, standing in info.adapters.items():
        yield info.wasi_nn[slot].module, standing.adapter


def _check_signatures(info: ModuleInfo, dialects: Mapping[str, Dialect]) -> None:
    """Refuse a guest whose wasi-nn functions have other types than the dialect's."""
    wrong = []
    for item in info.wasi_nn.values():
        dialect = dialects[item.module]
        if item.name not in dialect.functions:
            continue
        expected = dialect.signature(item.name)
        if item.type != expected:
            wrong.append(
                f"  {item.module}.{item.name} is {item.type}, and in {dialect.name} {expected}"
            )
    if wrong:
        raise LinkError("the module imports wasi-nn with other types:", *wrong)


def _entry(module: Module) -> str | None:
    return next((name for name in ("", "_start") if exported_function(module, name)), None)


def _types(
    info: ModuleInfo, entry: str | None, texts: Sequence[str]
) -> tuple[list[tuple[str, int | float]], int]:
    """The arguments of the function that is called, and how many results it has."""
    if entry is not None and entry not in info.exports:
        exported = ", ".join(info.exports) or "nothing"
        raise LinkError(f"the module does not export {entry!r}; it exports {exported}")
    if "_initialize" in info.exports and _signature(info.module, "_initialize") != ((), ()):
        raise LinkError("the export '_initialize' is not a function without arguments and results")
    if entry is None:
        return [], 0
    params, returned = _signature(info.module, entry)
    others = [kind for kind in params + returned if kind not in NUMBERS]
    if others:
        raise UsageError(
            f"the export {entry!r} has a parameter or result of type {others[0]}, which only other"
            " WebAssembly can have a value for"
        )
    if len(params) != len(texts):
        raise UsageError(f"the function takes {len(params)} arguments, and {len(texts)} were given")
    arguments = zip(params, texts, strict=True)
    return [(kind, _argument(kind, text)) for kind, text in arguments], len(returned)


def _signature(module: Module, name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    func_type = exported_function(module, name)
    if func_type is None:
        raise LinkError(f"the export {name!r} is not a function")
    return func_type.params, func_type.results


def _check_imports(info: ModuleInfo, missing: Sequence[int]) -> None:
    if missing:
        places = set(missing)
        unknown = [
            f"  {item.module}.{item.name} ({item.kind})"
            for place, item in enumerate(info.imports)
            if place in places
        ]
        raise LinkError("the module imports what no one defines:", *unknown)


def _wasi_config(options: WasiOptions) -> wasmtime.WasiConfig:
    config = wasmtime.WasiConfig()
    config.argv = list(options.argv)
    config.env = list(options.env.items())
    config.inherit_stdin()
    config.inherit_stdout()
    config.inherit_stderr()
    for guest_path, host_path in options.dirs.items():
        if not os.path.isdir(host_path):
            raise InputError(f"--dir: there is no folder {host_path}")
        config.preopen_dir(host_path, guest_path)
    return config


def _func(exports: Mapping[str, object], name: str) -> wasmtime.Func:
    export = exports[name]
    if not isinstance(export, wasmtime.Func):
        raise LinkError(f"the export {name!r} is not a function")
    return export


def _argument(kind: str, text: str) -> int | float:
    try:
        if kind in ("f32", "f64"):
            return float(text)
        value, bits = int(text, 0), int(kind[1:])
        if -(1 << bits - 1) <= value < 1 << bits:
            return value % (1 << bits)
    except ValueError:
        pass
    raise UsageError(f"{text!r} cannot be passed as {kind}")

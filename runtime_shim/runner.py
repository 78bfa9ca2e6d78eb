"""Runs a guest: wasmtime, WASI preview1, and the NN host."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import wasmtime

from rewriter.dialects import DIALECTS, WAMR, Dialect
from rewriter.errors import InputError, InvalidModule, UsageError
from rewriter.inspect import ModuleInfo, inspect_module
from runtime_shim.backtrace import backtrace
from runtime_shim.errors import GuestTimeout, GuestTrap, LinkError
from runtime_shim.fast_path import Connection
from runtime_shim.host import NNHost
from runtime_shim.limits import Limits
from runtime_shim.session import Session

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
    """How a guest ended: its exit code (0 to 255), and what the invoked function returned."""

    exit_code: int
    results: tuple[object, ...] = ()


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
    """Run `_start`, or the export that `invoke` names with `invoke_args`; `_initialize` before it
    where there is one. `guest_abi` names the dialect of a guest whose imports do not tell it.
    With `cache`, what wasmtime compiles is kept in its own cache for the next time.

    Raises InvalidModule, LinkError for imports that no one defines (with `trap_unknown_imports`
    the functions among them trap when called) and for a missing export, UsageError for arguments
    that the invoked function does not take, InputError for a folder that is not there, and
    GuestTrap, of which GuestTimeout is one. What the guest may use, the host's limits say: see
    runtime_shim.limits. An error inside the host that is no answer to the guest is raised as it is.
    """
    info = inspect_module(module, guest_abi)
    dialects = guest_dialects(info)
    _check_signatures(info, dialects)
    limits = host.limits
    engine = _engine(cache, limits)
    try:
        compiled = wasmtime.Module(engine, module)
    except wasmtime.WasmtimeError as error:
        raise InvalidModule(f"wasmtime refuses the module: {_flat(error)}", None) from error
    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    linker.allow_shadowing = True
    linker.define_func(
        _WASI, "proc_exit", wasmtime.FuncType([wasmtime.ValType.i32()], []), _proc_exit
    )
    with wasmtime.Store(engine) as store, host.session() as session:
        store.set_wasi(_wasi_config(wasi))
        if limits.timeout is not None:
            store.set_epoch_deadline(1)
        if limits.fuel is not None:
            store.set_fuel(limits.fuel)
        connection = Connection(linker, store, compiled, session, dialects)
        _check_imports(store, linker, compiled, trap_unknown_imports)
        entry = _entry(info, invoke)
        if limits.memory is not None:
            store.set_limits(memory_size=limits.memory)
        try:
            with _time_limit(engine, session, limits.timeout):
                return _call(connection, store, info, entry, invoke_args if invoke else ())
        except _GuestExit as guest_exit:
            return Outcome(guest_exit.code)
        except (wasmtime.Trap, wasmtime.WasmtimeError) as trap:
            if session.stop is not None:
                raise session.stop from trap
            raise GuestTrap(*backtrace(trap)) from trap


def _call(
    connection: Connection,
    store: wasmtime.Store,
    info: ModuleInfo,
    entry: str,
    texts: Sequence[str],
) -> Outcome:
    exports = _instantiate(connection).exports(store)
    if "_initialize" in info.exports and entry != "_initialize":
        _func(exports, "_initialize")(store)
    function = _func(exports, entry)
    returned = function(store, *_arguments(function.type(store), texts))
    if returned is None:
        return Outcome(0)
    return Outcome(0, tuple(returned) if isinstance(returned, list) else (returned,))


@contextlib.contextmanager
def _time_limit(engine: wasmtime.Engine, session: Session, timeout: float | None) -> Iterator[None]:
    """Stop the guest, where it is or as soon as a host call returns, once its time is over."""
    if timeout is None:
        yield
        return

    def stop() -> None:
        session.stop = GuestTimeout(f"it ran for longer than {timeout:g} s")
        engine.increment_epoch()

    timer = threading.Timer(timeout, stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


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


def _instantiate(connection: Connection) -> wasmtime.Instance:
    try:
        return connection.instantiate()
    except wasmtime.WasmtimeError as error:
        raise LinkError(_flat(error)) from error


def _proc_exit(code: int) -> None:
    raise _GuestExit(code & 0xFF)


def _flat(error: wasmtime.WasmtimeError) -> str:
    lines = (line.strip() for line in str(error).splitlines())
    return " ".join(line for line in lines if line)


def guest_dialects(info: ModuleInfo) -> dict[str, Dialect]:
    """The dialect for each wasi-nn module name that a guest imports. Where a rewrite has put an
    adapter before its get_output, that is one of runtime_shim.abi.adapted.

    Raises LinkError where the imports fit no dialect, and for a guest that was adapted to the
    numbers of a host that has others.
    """
    for standing in info.adapters.values():
        from rewriter.adapters import speaks  # where there are adapters

        target = standing.adapter.target
        if not any(speaks(dialect, target) for dialect in DIALECTS.values()):
            raise LinkError(
                f"the module was adapted for {target.name}, whose numbers are others; adapt it with"
                " `nnshim rewrite --for nnshim`"
            )
    dialects = {}
    for module, abi in info.abis.items():
        if abi.name is None:
            evidence = (f"  {module}.{item}" for item in abi.evidence)
            raise LinkError("what the module imports is no known wasi-nn ABI:", *evidence)
        dialects[module] = DIALECTS[abi.name]
    for slot, standing in info.adapters.items():
        if standing.adapter.function == "get_output":
            from runtime_shim.abi.adapted import FROM_WAMR, TO_WAMR

            module = info.wasi_nn[slot].module
            if standing.adapter.target.layout == WAMR.layout:
                dialects[module] = TO_WAMR
            elif standing.adapter.source.layout == WAMR.layout:
                dialects[module] = FROM_WAMR[dialects[module]]
    return dialects


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


def _entry(info: ModuleInfo, invoke: str | None) -> str:
    entry = invoke or "_start"
    if entry not in info.exports:
        exported = ", ".join(info.exports) or "nothing"
        raise LinkError(f"the module does not export {entry!r}; it exports {exported}")
    return entry


def _check_imports(
    store: wasmtime.Store, linker: wasmtime.Linker, module: wasmtime.Module, trap_unknown: bool
) -> None:
    unknown = []
    for item in module.imports:
        if trap_unknown and isinstance(item.type, wasmtime.FuncType):
            continue
        try:
            linker.get(store, item.module, item.name or "")
        except wasmtime.WasmtimeError:
            kind = type(item.type).__name__.removesuffix("Type").lower()
            unknown.append(f"  {item.module}.{item.name} ({kind})")
    if unknown:
        raise LinkError("the module imports what no one defines:", *unknown)
    if trap_unknown:
        linker.define_unknown_imports_as_traps(module)


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


def _arguments(func_type: wasmtime.FuncType, texts: Sequence[str]) -> list[int | float]:
    params = [str(param) for param in func_type.params]
    if len(params) != len(texts):
        raise UsageError(f"the function takes {len(params)} arguments, and {len(texts)} were given")
    return [_argument(kind, text) for kind, text in zip(params, texts, strict=True)]


def _argument(kind: str, text: str) -> int | float:
    try:
        if kind in ("f32", "f64"):
            return float(text)
        if kind in ("i32", "i64"):
            value, bits = int(text, 0), int(kind[1:])
            if -(1 << bits - 1) <= value < 1 << bits:
                return value - (1 << bits) if value >= 1 << bits - 1 else value
    except ValueError:
        pass
    raise UsageError(f"{text!r} cannot be passed as {kind}")

"""Runs a guest of either kind: a core module or a component."""

from __future__ import annotations

from rewriter.descriptors import open_standard
from rewriter.errors import UsageError
from rewriter.wasm.module import Module, check_bytes
from rewriter.wasm.sections import COMPONENT
from runtime_shim.engine import runner
from runtime_shim.engine.deadline import Deadline
from runtime_shim.engine.embedding import NNHost
from runtime_shim.engine.options import RunOptions
from runtime_shim.engine.outcome import Outcome
from runtime_shim.engine.runner import Compiled, Running
from runtime_shim.host.session import Session

__all__ = ["compile_once", "run", "run_again"]

_DEFAULTS = RunOptions()


def run(
    module: bytes | Module,
    host: NNHost,
    options: RunOptions = _DEFAULTS,
    *,
    check: bool = False,
) -> Outcome:
    """Run a guest to its end. Instantiates it, calls `_initialize` if it exports one, and then the
    export "", or if there is none, `_start`, if there is one; that is what `wasmtime run` does.
    With `options.invoke`, the export of that name is called instead. A component has to export
    `wasi:cli/run`, whose function `run` is called.

    Returns the outcome, however the guest ends; with `check`, raises GuestFailed unless it
    succeeds. Raises an error if the guest cannot start: InvalidModule; UnsupportedModule for a
    compact import section, and for a component whose functions of wasi:nn cannot be replaced
    (rewriter.inlining); LinkError for unresolved imports, and for a module that needs more
    memory than it may have; UsageError if `invoke` is not an exported function or takes other
    arguments, for an option that components do not have, and if the host is closed; InputError for
    a folder that does not exist. Raises HostHarm if `options.as_host` would corrupt memory or
    crash. An error inside the host that is not an answer to the guest is raised unchanged, and so
    is an exception from a file in `options`.

    The host's limits say what the guest may use: see runtime_shim.host.limits. Its time starts with
    this call. `run` also returns in time if wasmtime takes too long to compile; compiling cannot be
    interrupted, so a thread of this process continues until it is done.
    """
    if not isinstance(module, Module):
        check_bytes(module)
    if not isinstance(host, NNHost):
        raise UsageError(f"run: the host is of type {type(host).__name__}: expected NNHost")
    if not isinstance(options, RunOptions):
        raise UsageError(f"run: options are of type {type(options).__name__}: expected RunOptions")
    outcome = run_again(module, host, options, Compiled(keeps=False))
    return outcome.check() if check else outcome


def compile_once(module: bytes | Module, host: NNHost, options: RunOptions) -> Compiled:
    """Compile a guest for any number of runs with this host, and with options that differ at most
    in arguments and in what standard input has. That takes as long as it takes. Raises what `run`
    raises before it starts a guest."""
    compiled = Compiled()
    with host.session() as session:
        _made(module, session, options, compiled).compiled(Deadline(None))
    return compiled


def run_again(
    module: bytes | Module, host: NNHost, options: RunOptions, compiled: Compiled
) -> Outcome:
    """Run a guest as `run` does, with what `compile_once` has made of it."""
    deadline = Deadline(host.limits.timeout)
    open_standard()  # the guest may inherit them
    with host.session() as session:
        outcome = _made(module, session, options, compiled).outcome(deadline)
        return outcome._replace(stats=tuple(session.stats()))


def _made(
    module: bytes | Module, session: Session, options: RunOptions, compiled: Compiled
) -> Running:
    if isinstance(module, Module) or module[: len(COMPONENT)] != COMPONENT:
        return runner.CoreRun(module, session, options, compiled)
    from runtime_shim.components.runner import ComponentRun  # few guests are components

    return ComponentRun(module, session, options, compiled)

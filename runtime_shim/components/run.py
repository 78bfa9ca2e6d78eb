"""Runs a guest of either kind: a core module or a component."""

from __future__ import annotations

from rewriter.descriptors import open_standard
from rewriter.wasm.module import Module, check_bytes
from rewriter.wasm.sections import COMPONENT
from runtime_shim.engine import runner
from runtime_shim.engine.deadline import Deadline
from runtime_shim.engine.embedding import NNHost
from runtime_shim.engine.options import RunOptions
from runtime_shim.engine.outcome import Outcome
from runtime_shim.engine.runner import Compiled, Running

__all__ = ["run", "run_again"]

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
    outcome = run_again(module, host, options, Compiled(keeps=False))
    return outcome.check() if check else outcome


def run_again(
    module: bytes | Module, host: NNHost, options: RunOptions, compiled: Compiled
) -> Outcome:
    """Run a guest as `run` does, with the code that an earlier run of the same module with the same
    host has left in `compiled`, or leave it there."""
    if not isinstance(module, Module):
        check_bytes(module)
    deadline = Deadline(host.limits.timeout)
    open_standard()  # the guest may inherit them
    with host.session() as session:
        made: Running
        if isinstance(module, Module) or module[: len(COMPONENT)] != COMPONENT:
            made = runner.CoreRun(module, session, options, compiled)
        else:
            from runtime_shim.components.runner import ComponentRun  # few guests are components

            made = ComponentRun(module, session, options, compiled)
        outcome = made.outcome(deadline)
        return outcome._replace(stats=tuple(session.stats()))

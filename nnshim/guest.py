"""The guest of `nnshim run`: a core module, or a component, which may have to become one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnshim.common import naming, note
from rewriter.errors import ModuleError, UnsupportedModule

if TYPE_CHECKING:
    from rewriter.files.input import Source
    from runtime_shim import NNHost, Outcome, RunOptions

__all__ = ["is_component", "ran", "runnable"]

_MAGIC, _LAYER = b"\0asm", b"\x01\0"


def is_component(data: bytes | memoryview) -> bool:
    """Whether these bytes begin as a component does, in whatever version."""
    return data[:4] == _MAGIC and data[6:8] == _LAYER


def ran(
    source: Source, host: NNHost, options: RunOptions, *, verbose: bool
) -> tuple[Outcome, bytes]:
    """Run a guest, whose bytes are in memory. Returns how it ended, and what has run: a component
    becomes a core module if an option is for core modules, and if its functions of wasi:nn cannot
    be replaced.

    Raises what runtime_shim.run raises, and ModuleError for a component that cannot become a core
    module.
    """
    from runtime_shim import run

    data = bytes(source.data)
    with naming(source.name):
        if not is_component(data):
            _warn(options, data)
            return run(data, host, options), data
        if options.is_for_core_modules:
            try:
                return _ran_as_core(source, host, options, verbose)
            except UnsupportedModule:
                note(
                    "--as, --guest-abi, --invoke and --trap-unknown-imports are for the core module"
                    " that a component was made from; without them, the component itself runs"
                )
                raise
        try:
            return run(data, host, options), data
        except UnsupportedModule as refused:
            try:
                return _ran_as_core(source, host, options, verbose)
            except ModuleError as error:
                raise refused from error


def runnable(source: Source, options: RunOptions) -> bytes:
    """What runs with these options: the module, or the core module that a component is made from.
    Raises ModuleError if there is none."""
    with naming(source.name):
        data = bytes(source.data)
        if is_component(data) and options.is_for_core_modules:
            data = _core(source, options)
        if not is_component(data):
            _warn(options, data)
        return data


def _ran_as_core(
    source: Source, host: NNHost, options: RunOptions, verbose: bool
) -> tuple[Outcome, bytes]:
    from runtime_shim import run

    data = _core(source, options)
    if verbose:
        note("the component runs as a core module: `nnshim rewrite` says what that changes")
    _warn(options, data)
    return run(data, host, options), data


def _core(source: Source, options: RunOptions) -> bytes:
    from rewriter.analysis.inspect import default_entry
    from rewriter.verifying.components import core_of

    module = core_of(source)
    if options.invoke is None and default_entry(module) is None:
        raise UnsupportedModule(
            "the core module in the component has no _start, so nothing would run", None, "NN346"
        )
    return bytes(module.data)


def _warn(options: RunOptions, module: bytes) -> None:
    if options.as_host is not None:
        from nnshim.refused import warn_of

        warn_of(options, module)

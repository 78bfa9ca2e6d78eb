"""What a worker of a fleet does: it runs the guest for one input after another, on one host."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import wait
from time import perf_counter
from typing import TYPE_CHECKING, Any

from nnshim.fleets.models import Models, models_of
from nnshim.fleets.sums import added_since
from nnshim.fleets.values import GuestInput, Item, Ran
from rewriter.analysis.inspect import default_entry
from rewriter.errors import ModuleError, NNShimError, ToolError, UsageError
from rewriter.wasm.module import Module
from rewriter.wasm.sections import SectionId

if TYPE_CHECKING:
    from runtime_shim import GraphStats, NNHost, Outcome, RunOptions
    from runtime_shim.engine.options import HostOptions
    from runtime_shim.engine.runner import Compiled

__all__ = ["Guest", "Guests", "guest_with", "lost", "most_at_once"]

_MUCH = 8 << 20
"""Bytes of output that a worker gathers before it hands them over."""

_PATIENCE = 1.0
"""Seconds after its time in which a guest ends, unless an NN runtime does not let it."""


@dataclass(frozen=True)
class Guest:
    """A module, what each of its runs gets, what its host is made from, and the models of that as
    they were when the job began. It can be pickled."""

    module: bytes
    options: RunOptions
    host: HostOptions
    models: Models

    @property
    def timeout(self) -> float | None:
        """Seconds, of one run."""
        limits = self.host.get("limits")
        return None if limits is None else limits.timeout


def guest_with(module: bytes, options: RunOptions, host: HostOptions) -> Guest:
    """The guest, with its models as they are now. Raises UsageError for a core module of which
    nothing would run, and so use no input; other modules that cannot run are for the workers."""
    with contextlib.suppress(ModuleError):
        _check_runs(Module.of(module), options.invoke)
    return Guest(module, options, host, models_of(host))


def _check_runs(module: Module, invoke: str | None) -> None:
    starts = any(section.id is SectionId.START for section in module.sections)
    if invoke is None and not starts and default_entry(module) is None:
        raise UsageError(
            "the module exports no _start, so nothing would run for an input; --invoke (invoke)"
            " names another function"
        )


class Guests:
    """Runs the guest for the items that it is called with. The first call makes the host, and
    compiles the module, which counts against no item: it is pickled before that. An item whose run
    may have met another model than the job began with fails."""

    def __init__(self, guest: Guest) -> None:
        self._guest = guest
        self._made: tuple[NNHost, Compiled] | None = None
        self._stats: Sequence[GraphStats] = ()

    def __call__(self, items: Sequence[Item]) -> list[Ran]:
        """What came of the first items, at least of one. Raises what is about all items, such as
        LinkError."""
        replaced = self._guest.models.replaced()
        if replaced is not None:
            return [Ran(item.number, None, replaced, 0.0) for item in items]
        found = self._run_all(items)
        replaced = self._guest.models.replaced()
        if replaced is None:
            return found
        return [ran._replace(outcome=None, error=replaced) for ran in found]

    def _run_all(self, items: Sequence[Item]) -> list[Ran]:
        if self._made is None:
            _end_alone()
            self._made = self._make()
        host, compiled = self._made
        found: list[Ran] = []
        size = 0
        for item in items:
            ran = self._ran(item, host, compiled)
            found.append(ran)
            if ran.outcome is not None:
                size += len(ran.outcome.stdout or b"") + len(ran.outcome.stderr or b"")
            if size > _MUCH:
                break
        return found

    def _make(self) -> tuple[NNHost, Compiled]:
        from runtime_shim import NNHost
        from runtime_shim.components.run import compile_once

        host = NNHost(**self._guest.host)
        return host, compile_once(self._guest.module, host, self._options(GuestInput()))

    def _ran(self, item: Item, host: NNHost, compiled: Compiled) -> Ran:
        from runtime_shim import GuestFailed, HostError
        from runtime_shim.errors import HostHarm

        started = perf_counter()
        outcome = None
        error: NNShimError | None = None
        try:
            outcome = self._run(item, host, compiled).check()
        except GuestFailed as failed:
            outcome, error = failed.outcome, failed
        except (HostHarm, HostError) as refused:
            error = refused
        except UsageError as wrong:
            if not item.input.args:
                raise
            error = wrong
        except NNShimError:
            raise
        except Exception as bug:  # noqa: BLE001 - the other inputs do without what this one met
            frame = traceback.extract_tb(bug.__traceback__)[-1]
            where = f"{frame.filename}:{frame.lineno}"
            error = NNShimError(f"a bug in nnshim: {type(bug).__name__}: {bug} ({where})")
        seconds = perf_counter() - started
        before, self._stats = self._stats, host.stats()
        return Ran(item.number, outcome, error, seconds, added_since(before, self._stats))

    def _run(self, item: Item, host: NNHost, compiled: Compiled) -> Outcome:
        from runtime_shim.components.run import run_again

        options = self._options(item.input)
        timeout = self._guest.timeout
        if timeout is not None:  # an NN runtime may leave Python no time to stop it
            signal.setitimer(signal.ITIMER_REAL, timeout + _PATIENCE)
        try:
            return run_again(self._guest.module, host, options, compiled)
        finally:
            if timeout is not None:
                signal.setitimer(signal.ITIMER_REAL, 0)

    def _options(self, given: GuestInput) -> RunOptions:
        from runtime_shim import CAPTURED

        options = self._guest.options
        arguments: dict[str, Any]
        if options.invoke is None:
            arguments = {"argv": [*options.argv, *given.args]}
        else:
            arguments = {"invoke_args": [*options.invoke_args, *given.args]}
        return replace(options, stdin=given.stdin, stdout=CAPTURED, stderr=CAPTURED, **arguments)


def _end_alone() -> None:
    """A process that runs guests has nothing to put in order at its end, and does not outlive the
    one that started it, even while a guest runs."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    from nnshim.common import start_logging

    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    start_logging()

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def lost(guest: Guest, item: Item, how: str) -> Ran:
    """What came of an item at which processes ended."""
    from runtime_shim import GuestTimeout, Reason
    from runtime_shim.engine.outcome import Stopped

    if guest.timeout is not None and how.endswith("SIGALRM"):
        text = f"it ran for longer than {guest.timeout:g} s, and could not be interrupted"
        outcome = Stopped(Reason.TIMED_OUT, text).outcome
        return Ran(item.number, outcome, GuestTimeout(outcome), guest.timeout + _PATIENCE)
    return Ran(item.number, None, ToolError(f"each process that ran it {how}"), 0.0)


def most_at_once(workers: object) -> int:
    """Processes: as many as there are cores, if their number is not given. Raises UsageError."""
    from nnshim.many.options import usable_cores

    if workers is None:
        return usable_cores()
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise UsageError(f"workers cannot be {workers!r}: expected a number of processes")
    return workers

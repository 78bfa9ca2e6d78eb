"""nnshim run: run a guest of either module name."""

import contextlib
import os
import re
import sys
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from nnshim.common import fail, note, say, start_logging, told
from nnshim.ended import check_stats_file, report_stats, say_how
from nnshim.guest import ran
from nnshim.guest_options import Given, Stats, StatsJson, limits_of, meant, takes_guest

if TYPE_CHECKING:
    import logging

    from runtime_shim import HostError

__all__ = ["command"]

_REMEDIES = {
    "graphs": "--nn-preload NAME:ENCODING:TARGET:PATH, -S nn-graph=ENCODING::DIR,"
    " --graphs FILE.toml and --graph-files DIR name graphs",
    "device": "--device ENCODING=DEVICE says where models run; --gpu-fallback cpu lets those that"
    " ask for a gpu run on the CPU",
    "chosen": "--device ENCODING=DEVICE, or a graph's `device`, has to name a device that is there:"
    " see `nnshim doctor`",
}
"""What helps, by HostError.remedy."""


_WITH_CODE = re.compile(r"warning\[NN\d+\]: ")
"""How a warning that has a code begins."""


@takes_guest()
def command(
    given: Given,
    module: Annotated[
        str,
        typer.Argument(
            metavar="MODULE",
            help="A .wasm or .wat file, oci://HOST/NAME:TAG, oci-layout:PATH:TAG, or - (stdin).",
        ),
    ],
    args: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ARGS]...", help="The guest's arguments."),
    ] = None,
    stats: Stats = False,
    stats_json: StatsJson = None,
    verbose: Annotated[
        bool, typer.Option("-v", "--verbose", help="Say why the host refuses a call.")
    ] = False,
) -> None:
    """Run a guest, with its models on CPU or GPU.

    The guest may import wasi_nn, wasi_ephemeral_nn, or both, in any ABI. A component may import
    wasi:nn.

    Options come before MODULE; arguments after it go to the guest.

    Exit codes: the guest's own; 134 it trapped; 124 it exceeded --timeout; 1 it cannot run; 2
    usage; 3 a required tool is missing.
    """
    import gc
    import logging
    import signal

    from nnshim.registries.places import open_any
    from rewriter.terminal import alive
    from runtime_shim import NNHost

    limits = limits_of(given)
    if limits.timeout is not None:
        _stop_after(limits.timeout)
    start_logging(verbose)
    said = _Said()
    logging.getLogger("runtime_shim").addFilter(said)
    settings = meant(given, limits, module, args or [])
    check_stats_file(stats_json, given, settings, module)
    host = NNHost(**settings.host)
    with alive("reading", module), open_any(module) as source:
        source = source._replace(data=bytes(source.data))
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Python's handler waits until the guest returns
    gc.freeze()
    gc.enable()  # which the start of the command did without
    try:
        outcome, binary = ran(source, host, settings.options, verbose=verbose)
    finally:
        report_stats(host.stats(), stats, stats_json)
    say_how(outcome, binary, has_folders=bool(settings.folders))
    if outcome.refused is not None:
        function, error = outcome.refused
        _say_refused(function, error, verbose or error.reason in said.warnings)
    for result in outcome.results:
        say(str(result))
    _end(outcome.exit_code)


class _Said:
    """What was logged as a warning, which is not said again for the call that it came of."""

    def __init__(self) -> None:
        self.warnings: set[str] = set()

    def __call__(self, record: "logging.LogRecord") -> bool:
        import logging

        text = record.getMessage()
        if record.levelno >= logging.WARNING:
            self.warnings.add(_WITH_CODE.sub("", text))
            return True
        return not any(text.endswith(warning) for warning in self.warnings)


def _say_refused(function: str, error: "HostError", was_logged: bool) -> None:
    if not was_logged:
        told(f"the last call that the host refused was {function}: {error}", verbose=False)
    what, _, limit = error.remedy.partition(" ")
    if what == "limit":
        option = {"memory": "--max-memory SIZE", "timeout": "--timeout TIME"}.get(limit)
        value = "N" if limit in ("graphs", "contexts") else "SIZE"
        note(f"{option or f'--limit {limit}={value}'} changes that limit")
    elif what == "server":
        note(f"`nnshim explain {error.code}` says what to do")
    elif what in _REMEDIES:
        note(_REMEDIES[what])


def _stop_after(timeout: float) -> None:
    """End the process a second after its time is over, if it is waiting for something, as for the
    module or the guest's input, and cannot be interrupted; and by a signal after one more, if an NN
    runtime leaves Python no time to do so, as LiteRT does while it plans a model's memory."""
    import signal
    import threading

    from runtime_shim.engine.outcome import EXIT_TIMEOUT

    def stop() -> None:
        fail(f"the guest was stopped while it waited: it ran for longer than {timeout:g} s")
        _end(EXIT_TIMEOUT)

    timer = threading.Timer(timeout + 1, stop)
    timer.daemon = True
    timer.start()
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, timeout + 2)


def _end(exit_code: int) -> NoReturn:
    """End the process as it is: all that NN runtimes would still do is to take themselves apart,
    which takes time, and has been seen to crash."""
    with contextlib.suppress(OSError):  # all of it was flushed when it was printed
        sys.stdout.flush()
    sys.stderr.flush()
    os._exit(exit_code)

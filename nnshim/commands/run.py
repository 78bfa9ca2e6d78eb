"""nnshim run: run a guest of either module name."""

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from nnshim.common import (
    FastMath,
    GuestAbi,
    Threads,
    counted,
    fail,
    note,
    say,
    start_logging,
    to_json,
    told,
)
from nnshim.ended import say_how
from nnshim.guest import ran
from nnshim.run_options import (
    NAMED_LIMITS,
    parse_devices,
    parse_dirs,
    parse_env,
    parse_fallback,
    parse_limits,
    parse_preloads,
    parse_wasi,
    writable_models,
)
from nnshim.units import parse_size, parse_time

if TYPE_CHECKING:
    import logging

    from runtime_shim import GraphStats, HostError

__all__ = ["command"]

_REMEDIES = {
    "graphs": "--nn-preload NAME:ENCODING:TARGET:PATH, -S nn-graph=ENCODING::DIR,"
    " --graphs FILE.toml and --graph-files DIR name graphs",
    "device": "--device ENCODING=DEVICE says where models run; --gpu-fallback cpu lets those that"
    " ask for a gpu run on the CPU",
}
"""What helps, by HostError.remedy."""


def command(
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
    dirs: Annotated[
        list[str] | None,
        typer.Option(
            "--dir", metavar="HOST[::GUEST]|GUEST:HOST", help="Let the guest use a folder."
        ),
    ] = None,
    map_dirs: Annotated[
        list[str] | None,
        typer.Option("--map-dir", metavar="GUEST::HOST", help="Same as --dir, in iwasm's syntax."),
    ] = None,
    env: Annotated[
        list[str] | None,
        typer.Option(
            "--env", metavar="K[=V]", help="Set an environment variable, or pass on the host's."
        ),
    ] = None,
    invoke: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Call this export with ARGS instead of _start."),
    ] = None,
    wasi: Annotated[
        list[str] | None,
        typer.Option(
            "-S",
            "--wasi",
            metavar="nn-graph=ENCODING::DIR",
            help="Preload a graph, named after its folder; or a model on a server, remote::URL.",
        ),
    ] = None,
    nn_preload: Annotated[
        list[str] | None,
        typer.Option(
            "--nn-preload",
            metavar="NAME:ENCODING:TARGET:PATH[:PATH]",
            help="Preload a graph by name.",
        ),
    ] = None,
    graphs_file: Annotated[
        str | None,
        typer.Option("--graphs", metavar="FILE.toml", help="Preload the graphs listed in a file."),
    ] = None,
    graph_files: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Let guests load models by their path in DIR."),
    ] = None,
    device: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ENCODING|TARGET=[BACKEND:]DEVICE",
            help="Run models on this device, e.g. onnx=cuda:0; or use a server's, remote=URL.",
        ),
    ] = None,
    gpu_fallback: Annotated[
        str | None,
        typer.Option(metavar="cpu", help="Fall back to the CPU when no GPU is available."),
    ] = None,
    threads: Threads = None,
    fast_math: FastMath = False,
    stats: Annotated[
        bool, typer.Option("--stats", help="Print at the end where models ran, and how often.")
    ] = False,
    stats_json: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write these statistics to a file.")
    ] = None,
    timeout: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Stop the guest after TIME (500ms, 10s, 2m): exit 124."),
    ] = None,
    fuel: Annotated[
        int | None, typer.Option(metavar="N", help="Trap after about N instructions.")
    ] = None,
    max_memory: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="Limit of memories and tables, e.g. 64M (default: 4G)."),
    ] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=N",
            help=f"Set one of {', '.join(NAMED_LIMITS)}: graphs and contexts are counts, loading"
            " is a time, the others are sizes.",
        ),
    ] = None,
    isolate: Annotated[
        bool,
        typer.Option(
            "--isolate", help="Run models in separate processes: the guest survives if one crashes."
        ),
    ] = False,
    trap_unknown_imports: Annotated[
        bool,
        typer.Option("--trap-unknown-imports", help="Make undefined functions trap when called."),
    ] = False,
    guest_abi: GuestAbi = None,
    as_host: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="HOST[@RELEASE]|PROFILE",
            help="Run it as this host would, with only its names, numbers and rules: {hosts}; a"
            " release (wamr@2.2); or a profile (./mine.toml).",
        ),
    ] = None,
    show_backtrace: Annotated[
        bool,
        typer.Option("--backtrace", help="Show every frame of a trap, with Rust's panic handler."),
    ] = False,
    model_cache: Annotated[
        str | None,
        typer.Option(
            metavar="DIR", help="Keep what OpenVINO and ONNX Runtime compile, for later runs."
        ),
    ] = None,
    model_cache_size: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="Size limit of that folder, e.g. 500M (default: 10G)."),
    ] = None,
    cache: Annotated[
        bool, typer.Option("--cache/--no-cache", help="Cache the compiled module for the next run.")
    ] = True,
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
    from runtime_shim import NNHost, RunOptions, read_graphs
    from runtime_shim.backends.interface import MODEL_CACHE_SIZE

    seconds = None if timeout is None else parse_time("--timeout", timeout)
    limits = parse_limits(seconds, fuel, max_memory, limit or [])
    if seconds is not None:
        _stop_after(seconds)
    start_logging(verbose)
    said = _Said()
    logging.getLogger("runtime_shim").addFilter(said)
    variables = parse_env(env or [])
    graphs, inherits = parse_wasi(wasi or [])
    graphs += parse_preloads(nn_preload or [], variables)
    if graphs_file is not None:
        graphs += read_graphs(graphs_file)
    kept = MODEL_CACHE_SIZE
    if model_cache_size is not None:
        kept = parse_size("--model-cache-size", model_cache_size)
    if stats_json is not None:
        from rewriter.files.output import check_writable

        check_writable(stats_json)
    host = NNHost(
        graphs=graphs,
        graph_files=graph_files,
        devices=parse_devices(device or []),
        gpu_fallback=parse_fallback(gpu_fallback),
        threads=threads,
        fast_math=fast_math,
        model_cache=model_cache,
        model_cache_size=kept,
        limits=limits,
        isolate=isolate,
    )
    arguments = args or []
    folders = parse_dirs(dirs or [], map_dirs or [])
    writable = (folder.host for folder in folders if not folder.read_only)
    for folder in writable_models(writable, graph_files):
        note(
            f"--dir {folder} lets the guest write to --graph-files {graph_files}, whose models are"
            " trusted: models that the guest writes there skip the checks of guests' models"
        )
    options = RunOptions(
        argv=[os.path.basename(module), *([] if invoke is not None else arguments)],
        env={**os.environ, **variables} if inherits else variables,
        dirs={folder.guest: folder.host for folder in folders},
        read_only_dirs=[folder.guest for folder in folders if folder.read_only],
        invoke=invoke,
        invoke_args=arguments if invoke is not None else (),
        trap_unknown_imports=trap_unknown_imports,
        guest_abi=guest_abi,
        as_host=as_host,
        cache=cache,
        backtrace=show_backtrace,
    )
    with alive("reading", module), open_any(module) as source:
        source = source._replace(data=bytes(source.data))
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Python's handler waits until the guest returns
    gc.freeze()
    gc.enable()  # which the start of the command did without
    try:
        outcome, binary = ran(source, host, options, verbose=verbose)
    finally:
        _report(host.stats(), stats, stats_json)
    say_how(outcome, binary, has_folders=bool(folders))
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
            self.warnings.add(text)
            return True
        return not any(text.endswith(warning) for warning in self.warnings)


def _say_refused(function: str, error: "HostError", was_logged: bool) -> None:
    if not was_logged:
        told(f"the last call that the host refused was {function}: {error}", verbose=False)
    what, _, limit = error.remedy.partition(" ")
    if what == "limit":
        option = {"memory": "--max-memory SIZE", "timeout": "--timeout TIME"}.get(limit)
        note(f"{option or f'--limit {limit}=SIZE'} changes that limit")
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


def _report(rows: "list[GraphStats]", as_text: bool, path: str | None) -> None:
    if path is not None:
        from rewriter.files.input import Source
        from rewriter.files.output import write_atomic

        text = to_json([row._asdict() for row in rows]) + "\n"
        write_atomic(path, Source(path, b""), [text.encode()])
    if as_text:
        for row in rows:
            name = f" {row.name!r}" if row.name is not None else ""
            note(
                f"{row.encoding} model{name} meant for {row.meant_for} on {row.device}: loaded"
                f" {counted(row.loads, 'time')} in {row.load_seconds * 1e3:.1f} ms,"
                f" {counted(row.inferences, 'inference')} in {row.inference_seconds * 1e3:.1f} ms"
            )

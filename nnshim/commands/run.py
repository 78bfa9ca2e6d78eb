"""nnshim run: run a guest of either module name."""

# Without postponed annotations, of which typer would have to evaluate one after the other.

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from nnshim.commands.common import (
    FastMath,
    GuestAbi,
    Threads,
    counted,
    fail,
    note,
    once,
    say,
    start_logging,
    to_json,
)
from rewriter.errors import InputError, UsageError

if TYPE_CHECKING:
    from runtime_shim import GraphStats, HostError, Limits, NamedGraph, Outcome

__all__ = ["command"]

_DIGITS = 30
"""More than any number needs; Python refuses to read thousands."""

_NAMED_LIMITS = (
    *("graphs", "contexts", "models", "tensors", "total"),
    *("names", "configurations", "loading"),
)
"""Those of runtime_shim.host.limits that have no option of their own."""


_REMEDIES = {
    "graphs": "--nn-preload NAME:ENCODING:TARGET:PATH, -S nn-graph=ENCODING::DIR,"
    " --graphs FILE.toml and --graph-files DIR name graphs",
    "device": "--device ENCODING=DEVICE says where models run; --gpu-fallback cpu lets those that"
    " ask for a gpu run on the CPU",
}
"""What helps, by HostError.remedy."""


def command(
    module: Annotated[str, typer.Argument(metavar="MODULE", help="A .wasm or .wat file, or -.")],
    args: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ARGS]...", help="The guest's arguments."),
    ] = None,
    dirs: Annotated[
        list[str] | None,
        typer.Option("--dir", metavar="HOST[::GUEST]", help="Give the guest a folder."),
    ] = None,
    env: Annotated[
        list[str] | None,
        typer.Option("--env", metavar="K[=V]", help="Set a variable, or pass it on."),
    ] = None,
    invoke: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Call this export with ARGS instead of _start."),
    ] = None,
    wasi: Annotated[
        list[str] | None,
        typer.Option("-S", metavar="nn-graph=ENCODING::DIR", help="A graph named as its folder."),
    ] = None,
    nn_preload: Annotated[
        list[str] | None,
        typer.Option(
            "--nn-preload", metavar="NAME:ENCODING:TARGET:PATH[:PATH]", help="A named graph."
        ),
    ] = None,
    graphs_file: Annotated[
        str | None, typer.Option("--graphs", metavar="FILE.toml", help="Many named graphs.")
    ] = None,
    graph_files: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Models in a folder, by their paths in it."),
    ] = None,
    device: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ENCODING|TARGET=[BACKEND:]DEVICE", help="Where models go: onnx=cuda:0."
        ),
    ] = None,
    gpu_fallback: Annotated[
        str | None,
        typer.Option(
            metavar="cpu", help="Use the CPU where a guest asks for a GPU that is missing."
        ),
    ] = None,
    threads: Threads = None,
    fast_math: FastMath = False,
    stats: Annotated[
        bool, typer.Option("--stats", help="At the end, say which models ran where, how often.")
    ] = False,
    stats_json: Annotated[
        str | None, typer.Option(metavar="FILE", help="The same for programs, into a file.")
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="Stop the guest, and exit with 124."),
    ] = None,
    fuel: Annotated[
        int | None, typer.Option(metavar="N", help="Trap after about N instructions.")
    ] = None,
    max_memory: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE", help="At most so much for memories and tables: 64M. 4G by default."
        ),
    ] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=N",
            help=f"Of {', '.join(_NAMED_LIMITS)}: graphs and contexts are counts, loading is in"
            " seconds, the others are sizes.",
        ),
    ] = None,
    isolate: Annotated[
        bool,
        typer.Option("--isolate", help="Run models in another process, where a crash is an errno."),
    ] = False,
    trap_unknown_imports: Annotated[
        bool,
        typer.Option("--trap-unknown-imports", help="Let undefined functions trap when called."),
    ] = False,
    guest_abi: GuestAbi = None,
    show_backtrace: Annotated[
        bool, typer.Option("--backtrace", help="Show all of a trap's frames, Rust's panic too.")
    ] = False,
    model_cache: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Keep what OpenVINO and ONNX Runtime make of models."),
    ] = None,
    model_cache_size: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="The limit of that folder: 500M. 10G by default."),
    ] = None,
    cache: Annotated[
        bool, typer.Option("--cache/--no-cache", help="Keep the compiled module for the next run.")
    ] = True,
    verbose: Annotated[
        bool, typer.Option("-v", "--verbose", help="Say why the host refuses a call.")
    ] = False,
) -> None:
    """Run a guest that imports wasi_nn, wasi_ephemeral_nn, or both, on one NN host.

    Options come before MODULE; what follows it is the guest's.

    Exit codes: the guest's own; 134 it trapped; 124 it took longer than --timeout; 1 it cannot be
    run; 2 usage; 3 a needed tool is missing.
    """
    import gc
    import signal

    from rewriter.files.input import open_source
    from runtime_shim import NNHost, RunOptions, parse_nn_preload, read_graphs, run
    from runtime_shim.backends.interface import MODEL_CACHE_SIZE

    limits = _parse_limits(timeout, fuel, max_memory, limit or [])
    if timeout is not None:
        _stop_after(timeout)
    start_logging(verbose)
    graphs = [*_parse_wasi(wasi or []), *map(parse_nn_preload, nn_preload or [])]
    if graphs_file is not None:
        graphs += read_graphs(graphs_file)
    if graph_files is not None and not os.path.isdir(graph_files):
        raise InputError(f"--graph-files: there is no folder {graph_files}")
    if gpu_fallback not in (None, "cpu"):
        raise UsageError(f"--gpu-fallback {gpu_fallback}: there is none but cpu")
    kept = MODEL_CACHE_SIZE
    if model_cache_size is not None:
        if model_cache is None:
            raise UsageError("--model-cache-size makes a difference with --model-cache only")
        kept = _parse_size("--model-cache-size", model_cache_size)
    host = NNHost(
        graphs=graphs,
        graph_files=graph_files,
        devices=_parse_all("--device", _parse_device, device),
        gpu_fallback=gpu_fallback is not None,
        threads=threads,
        fast_math=fast_math,
        model_cache=model_cache,
        model_cache_size=kept,
        limits=limits,
        isolate=isolate,
    )
    arguments = args or []
    options = RunOptions(
        argv=[os.path.basename(module), *([] if invoke is not None else arguments)],
        env=_parse_all("--env", _parse_env, env),
        dirs=_parse_all("--dir", _parse_dir, dirs),
        invoke=invoke,
        invoke_args=arguments if invoke is not None else (),
        trap_unknown_imports=trap_unknown_imports,
        guest_abi=guest_abi,
        cache=cache,
        backtrace=show_backtrace,
    )
    with open_source(module) as source:
        binary = bytes(source.data)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Python's handler waits until the guest returns
    gc.freeze()
    gc.enable()  # which the start of the command did without
    try:
        outcome = run(binary, host, options)
    finally:
        _report(host.stats(), stats, stats_json)
    _say_how(outcome)
    if outcome.refused is not None:
        _say_refused(*outcome.refused, verbose)
    for result in outcome.results:
        say(str(result))
    _end(outcome.exit_code)


def _say_how(outcome: "Outcome") -> None:
    """Why a guest has not come to its own end."""
    if outcome.lines:
        first, *others = outcome.lines
        what = "trapped" if outcome.reason.value == "trapped" else "was stopped"
        fail(f"the guest {what}: {first}", *others)


def _say_refused(function: str, error: "HostError", was_logged: bool) -> None:
    if not was_logged:
        note(f"the last call that the host refused was {function}: {error}")
    what, _, limit = error.remedy.partition(" ")
    if what == "limit":
        option = {"memory": "--max-memory SIZE", "timeout": "--timeout SECONDS"}.get(limit)
        note(f"{option or f'--limit {limit}=SIZE'} changes that limit")
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


def _parse_wasi(options: list[str]) -> "list[NamedGraph]":
    from runtime_shim import parse_nn_graph

    graphs = []
    for option in (part for text in options for part in text.split(",")):
        key, _, value = option.partition("=")
        if key == "nn-graph":
            graphs.append(parse_nn_graph(value))
        elif option not in ("nn", "nn=y"):
            raise UsageError(f"-S {option}: known are nn (always on) and nn-graph=ENCODING::DIR")
    return graphs


def _parse_all(
    option: str, parse: Callable[[str], tuple[str, str]], texts: list[str] | None
) -> dict[str, str]:
    pairs = list(map(parse, texts or []))
    once(option, (key for key, _ in pairs))
    return dict(pairs)


def _parse_device(option: str) -> tuple[str, str]:
    what, equals, device = option.partition("=")
    if not equals or not device:
        raise UsageError(f"--device {option}: expected ENCODING=DEVICE or TARGET=DEVICE")
    return what, device


def _parse_limits(
    timeout: float | None, fuel: int | None, max_memory: str | None, options: list[str]
) -> "Limits":
    from runtime_shim import Limits

    limits = Limits(timeout=timeout, fuel=fuel)
    if max_memory is not None:
        limits = limits._replace(memory=_parse_size("--max-memory", max_memory))
    once("--limit", (option.partition("=")[0] for option in options))
    for option in options:
        name, _, value = option.partition("=")
        if name not in _NAMED_LIMITS:
            raise UsageError(f"--limit {option}: expected {', '.join(_NAMED_LIMITS)}")
        if name == "loading":
            limits = limits._replace(loading=_parse_seconds("--limit loading", value))
        else:
            limits = limits._replace(**{name: _parse_size(f"--limit {name}", value)})
    limits.check()
    return limits


def _parse_seconds(option: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds < float("inf"):
        raise UsageError(f"{option} {text}: expected a number of seconds")
    return seconds


def _parse_size(option: str, text: str) -> int:
    units = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    number, unit = (text[:-1], units[text[-1]]) if text[-1:] in units else (text, 1)
    if not (number.isascii() and number.isdigit() and len(number) < _DIGITS):
        raise UsageError(f"{option} {text}: expected a number, or one with K, M or G")
    return int(number) * unit


def _parse_env(option: str) -> tuple[str, str]:
    key, equals, value = option.partition("=")
    if not key:
        raise UsageError(f"--env {option}: expected K=V, or K to pass on a variable")
    if not equals and key not in os.environ:
        raise UsageError(f"--env {key}: there is no such variable to pass on")
    return key, value if equals else os.environ[key]


def _parse_dir(option: str) -> tuple[str, str]:
    host, separator, guest = option.partition("::")
    if not host or (separator and not guest):
        raise UsageError(f"--dir {option}: expected HOST or HOST::GUEST")
    return (guest if separator else host), host

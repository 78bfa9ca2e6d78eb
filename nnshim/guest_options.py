"""The options of commands that run guests, and what they mean together."""

import os
from collections.abc import Callable, Sequence
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, get_type_hints

import typer

from nnshim.common import FastMath, GuestAbi, Threads, note
from nnshim.run_options import (
    NAMED_LIMITS,
    OUTPUT,
    Folder,
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
    from runtime_shim import Limits, RunOptions
    from runtime_shim.engine.options import HostOptions

__all__ = ["Given", "Meant", "Stats", "StatsJson", "limits_of", "meant", "takes_guest"]

Stats = Annotated[
    bool, typer.Option("--stats", help="Print at the end where models ran, and how often.")
]

StatsJson = Annotated[
    str | None, typer.Option(metavar="FILE", help="Write these statistics to a file.")
]

_LIMIT_HELP = (
    "Set one of {}: graphs and contexts are counts, loading is a time, the others are sizes."
)

Limit = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=N", help=_LIMIT_HELP.format(", ".join(NAMED_LIMITS))),
]

CapturedLimit = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=N", help=_LIMIT_HELP.format(", ".join((*NAMED_LIMITS, OUTPUT)))),
]


class Given(NamedTuple):
    """What the command line says of a guest: the options of each command that runs guests."""

    dirs: Annotated[
        list[str] | None,
        typer.Option(
            "--dir", metavar="HOST[::GUEST]|GUEST:HOST", help="Let the guest use a folder."
        ),
    ] = None
    map_dirs: Annotated[
        list[str] | None,
        typer.Option("--map-dir", metavar="GUEST::HOST", help="Same as --dir, in iwasm's syntax."),
    ] = None
    env: Annotated[
        list[str] | None,
        typer.Option(
            "--env", metavar="K[=V]", help="Set an environment variable, or pass on the host's."
        ),
    ] = None
    invoke: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Call this export with ARGS instead of _start."),
    ] = None
    wasi: Annotated[
        list[str] | None,
        typer.Option(
            "-S",
            "--wasi",
            metavar="nn-graph=ENCODING::DIR",
            help="Preload a graph, named after its folder; or a model on a server, remote::URL.",
        ),
    ] = None
    nn_preload: Annotated[
        list[str] | None,
        typer.Option(
            "--nn-preload",
            metavar="NAME:ENCODING:TARGET:PATH[:PATH]",
            help="Preload a graph by name.",
        ),
    ] = None
    graphs_file: Annotated[
        str | None,
        typer.Option("--graphs", metavar="FILE.toml", help="Preload the graphs listed in a file."),
    ] = None
    graph_files: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Let guests load models by their path in DIR."),
    ] = None
    device: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ENCODING|TARGET=[BACKEND:]DEVICE",
            help="Run models on this device, e.g. onnx=cuda:0; or use a server's, remote=URL.",
        ),
    ] = None
    gpu_fallback: Annotated[
        str | None,
        typer.Option(metavar="cpu", help="Fall back to the CPU when no GPU is available."),
    ] = None
    threads: Threads = None
    fast_math: FastMath = False
    timeout: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Stop the guest after TIME, e.g. 500ms, 10s or 2m."),
    ] = None
    fuel: Annotated[
        int | None, typer.Option(metavar="N", help="Trap after about N instructions.")
    ] = None
    max_memory: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="Limit of memories and tables, e.g. 64M (default: 4G)."),
    ] = None
    limit: Limit = None
    isolate: Annotated[
        bool,
        typer.Option(
            "--isolate", help="Run models in separate processes: the guest survives if one crashes."
        ),
    ] = False
    trap_unknown_imports: Annotated[
        bool,
        typer.Option("--trap-unknown-imports", help="Make undefined functions trap when called."),
    ] = False
    guest_abi: GuestAbi = None
    as_host: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="HOST[@RELEASE]|PROFILE",
            help="Run it as this host would, with only its names, numbers and rules: {hosts}; a"
            " release (wamr@2.2); or a profile (./mine.toml).",
        ),
    ] = None
    show_backtrace: Annotated[
        bool,
        typer.Option("--backtrace", help="Show every frame of a trap, with Rust's panic handler."),
    ] = False
    model_cache: Annotated[
        str | None,
        typer.Option(
            metavar="DIR", help="Keep what OpenVINO and ONNX Runtime compile, for later runs."
        ),
    ] = None
    model_cache_size: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="Size limit of that folder, e.g. 500M (default: 10G)."),
    ] = None
    cache: Annotated[
        bool, typer.Option("--cache/--no-cache", help="Cache the compiled module for the next run.")
    ] = True


def takes_guest(*, captures: bool = False) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command all options of Given, in the place of its parameter `given`. `captures` says
    whether it captures what the guest writes."""
    types = get_type_hints(Given, include_extras=True)
    if captures:
        types["limit"] = CapturedLimit
    options = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=types[name])
        for name, default in Given._field_defaults.items()
    ]

    def with_options(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def called(**values: Any) -> None:
            given = Given(**{name: values.pop(name) for name in Given._fields})
            command(given=given, **values)

        own = signature(command).parameters.values()
        others = [each.replace(kind=Parameter.KEYWORD_ONLY) for each in own if each.name != "given"]
        called.__signature__ = Signature([*others, *options])  # type: ignore[attr-defined]  # which typer reads
        return called

    return with_options


class Meant(NamedTuple):
    """What that means: arguments of NNHost, and what a run gets."""

    host: "HostOptions"
    options: "RunOptions"
    folders: Sequence[Folder]


def limits_of(given: Given, *, captures: bool = False) -> "Limits":
    """The limits of a guest, of which `captures` says whether its output is captured. Raises
    UsageError."""
    seconds = None if given.timeout is None else parse_time("--timeout", given.timeout)
    limits = given.limit or []
    return parse_limits(seconds, given.fuel, given.max_memory, limits, captures=captures)


def meant(given: Given, limits: "Limits", module: str, args: Sequence[str]) -> Meant:
    """For the guest in the file `module`, with its limits and arguments. Raises UsageError, and
    InputError for a file that names graphs."""
    from runtime_shim import RunOptions, read_graphs
    from runtime_shim.backends.interface import MODEL_CACHE_SIZE

    variables = parse_env(given.env or [])
    graphs, inherits = parse_wasi(given.wasi or [])
    graphs += parse_preloads(given.nn_preload or [], variables)
    if given.graphs_file is not None:
        graphs += read_graphs(given.graphs_file)
    kept = MODEL_CACHE_SIZE
    if given.model_cache_size is not None:
        kept = parse_size("--model-cache-size", given.model_cache_size)
    host: HostOptions = {
        "graphs": graphs,
        "graph_files": given.graph_files,
        "devices": parse_devices(given.device or []),
        "gpu_fallback": parse_fallback(given.gpu_fallback),
        "threads": given.threads,
        "fast_math": given.fast_math,
        "model_cache": given.model_cache,
        "model_cache_size": kept,
        "limits": limits,
        "isolate": given.isolate,
    }
    folders = parse_dirs(given.dirs or [], given.map_dirs or [])
    invoked = given.invoke is not None
    options = RunOptions(
        argv=[os.path.basename(module), *([] if invoked else args)],
        env={**os.environ, **variables} if inherits else variables,
        dirs={folder.guest: folder.host for folder in folders},
        read_only_dirs=[folder.guest for folder in folders if folder.read_only],
        invoke=given.invoke,
        invoke_args=args if invoked else (),
        trap_unknown_imports=given.trap_unknown_imports,
        guest_abi=given.guest_abi,
        as_host=given.as_host,
        cache=given.cache,
        backtrace=given.show_backtrace,
    )
    writable = (folder.host for folder in folders if not folder.read_only)
    for path in writable_models(writable, given.graph_files):
        note(
            f"--dir {path} lets the guest write to --graph-files {given.graph_files}, whose models"
            " are trusted: models that the guest writes there skip the checks of guests' models"
        )
    return Meant(host, options, folders)

"""The options of commands that run guests, and what they mean together."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from nnshim.common import note
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
    from runtime_shim import RunOptions
    from runtime_shim.engine.options import HostOptions

__all__ = [
    "AsHost",
    "Backtrace",
    "Cache",
    "CapturedLimit",
    "Device",
    "Dirs",
    "Env",
    "Fuel",
    "Given",
    "GpuFallback",
    "GraphFiles",
    "GraphsFile",
    "Invoke",
    "Isolate",
    "Limit",
    "MapDirs",
    "MaxMemory",
    "Meant",
    "ModelCache",
    "ModelCacheSize",
    "NNPreload",
    "Stats",
    "StatsJson",
    "Timeout",
    "TrapUnknownImports",
    "Wasi",
    "meant",
]

Dirs = Annotated[
    list[str] | None,
    typer.Option("--dir", metavar="HOST[::GUEST]|GUEST:HOST", help="Let the guest use a folder."),
]

MapDirs = Annotated[
    list[str] | None,
    typer.Option("--map-dir", metavar="GUEST::HOST", help="Same as --dir, in iwasm's syntax."),
]

Env = Annotated[
    list[str] | None,
    typer.Option(
        "--env", metavar="K[=V]", help="Set an environment variable, or pass on the host's."
    ),
]

Invoke = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Call this export with ARGS instead of _start."),
]

Wasi = Annotated[
    list[str] | None,
    typer.Option(
        "-S",
        "--wasi",
        metavar="nn-graph=ENCODING::DIR",
        help="Preload a graph, named after its folder; or a model on a server, remote::URL.",
    ),
]

NNPreload = Annotated[
    list[str] | None,
    typer.Option(
        "--nn-preload",
        metavar="NAME:ENCODING:TARGET:PATH[:PATH]",
        help="Preload a graph by name.",
    ),
]

GraphsFile = Annotated[
    str | None,
    typer.Option("--graphs", metavar="FILE.toml", help="Preload the graphs listed in a file."),
]

GraphFiles = Annotated[
    str | None,
    typer.Option(metavar="DIR", help="Let guests load models by their path in DIR."),
]

Device = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ENCODING|TARGET=[BACKEND:]DEVICE",
        help="Run models on this device, e.g. onnx=cuda:0; or use a server's, remote=URL.",
    ),
]

GpuFallback = Annotated[
    str | None,
    typer.Option(metavar="cpu", help="Fall back to the CPU when no GPU is available."),
]

Stats = Annotated[
    bool, typer.Option("--stats", help="Print at the end where models ran, and how often.")
]

StatsJson = Annotated[
    str | None, typer.Option(metavar="FILE", help="Write these statistics to a file.")
]

Timeout = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Stop the guest after TIME, e.g. 500ms, 10s or 2m."),
]

Fuel = Annotated[int | None, typer.Option(metavar="N", help="Trap after about N instructions.")]

MaxMemory = Annotated[
    str | None,
    typer.Option(metavar="SIZE", help="Limit of memories and tables, e.g. 64M (default: 4G)."),
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

Isolate = Annotated[
    bool,
    typer.Option(
        "--isolate", help="Run models in separate processes: the guest survives if one crashes."
    ),
]

TrapUnknownImports = Annotated[
    bool,
    typer.Option("--trap-unknown-imports", help="Make undefined functions trap when called."),
]

AsHost = Annotated[
    str | None,
    typer.Option(
        "--as",
        metavar="HOST[@RELEASE]|PROFILE",
        help="Run it as this host would, with only its names, numbers and rules: {hosts}; a"
        " release (wamr@2.2); or a profile (./mine.toml).",
    ),
]

Backtrace = Annotated[
    bool,
    typer.Option("--backtrace", help="Show every frame of a trap, with Rust's panic handler."),
]

ModelCache = Annotated[
    str | None,
    typer.Option(
        metavar="DIR", help="Keep what OpenVINO and ONNX Runtime compile, for later runs."
    ),
]

ModelCacheSize = Annotated[
    str | None,
    typer.Option(metavar="SIZE", help="Size limit of that folder, e.g. 500M (default: 10G)."),
]

Cache = Annotated[
    bool, typer.Option("--cache/--no-cache", help="Cache the compiled module for the next run.")
]


class Given(NamedTuple):
    """What the command line says of a guest, by the names of the options above."""

    dirs: list[str] | None
    map_dirs: list[str] | None
    env: list[str] | None
    invoke: str | None
    wasi: list[str] | None
    nn_preload: list[str] | None
    graphs_file: str | None
    graph_files: str | None
    device: list[str] | None
    gpu_fallback: str | None
    threads: int | None
    fast_math: bool
    timeout: str | None
    fuel: int | None
    max_memory: str | None
    limit: list[str] | None
    isolate: bool
    trap_unknown_imports: bool
    guest_abi: str | None
    as_host: str | None
    show_backtrace: bool
    model_cache: str | None
    model_cache_size: str | None
    cache: bool


class Meant(NamedTuple):
    """What that means: arguments of NNHost, and what a run gets."""

    host: "HostOptions"
    options: "RunOptions"
    folders: Sequence[Folder]


def meant(given: Given, module: str, args: Sequence[str], *, captures: bool = False) -> Meant:
    """For the guest in the file `module`, with its arguments, of which `captures` says whether its
    output is captured. Raises UsageError, and InputError for a file that names graphs."""
    from runtime_shim import RunOptions, read_graphs
    from runtime_shim.backends.interface import MODEL_CACHE_SIZE

    seconds = None if given.timeout is None else parse_time("--timeout", given.timeout)
    named = given.limit or []
    limits = parse_limits(seconds, given.fuel, given.max_memory, named, captures=captures)
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

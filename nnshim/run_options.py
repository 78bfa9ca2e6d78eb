"""What the options of nnshim run mean. Which of them go together, the runtime says."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from nnshim.common import once
from nnshim.units import parse_size, parse_time
from rewriter.errors import UsageError
from rewriter.suggestions import did_you_mean

if TYPE_CHECKING:
    from runtime_shim import Limits, NamedGraph

__all__ = [
    "NAMED_LIMITS",
    "OUTPUT",
    "Folder",
    "parse_devices",
    "parse_dirs",
    "parse_env",
    "parse_fallback",
    "parse_limits",
    "parse_preloads",
    "parse_wasi",
    "writable_models",
]

_COUNTS = ("graphs", "contexts")
_SIZES = ("models", "tensors", "total", "names", "configurations")

NAMED_LIMITS = (*_COUNTS, *_SIZES, "loading")
"""Those of runtime_shim.host.limits that have no option of their own."""

OUTPUT = "output"
"""The limit of what is captured, a size."""

_DIGITS = 30
"""More than any number needs; Python refuses to read thousands."""


_YES, _NO = ("", "y", "yes", "true"), ("n", "no", "false")
"""Values of a flag of Wasmtime's -S.

https://github.com/bytecodealliance/wasmtime/blob/v48.0.0/crates/cli-flags/src/opt.rs
"""

_ALWAYS_ON = ("nn", "cli", "common", "inherit-stdin", "inherit-stdout", "inherit-stderr")
_ALWAYS_OFF = ("threads", "preview0", "listenfd", "inherit-network")
_OF_COMPONENTS = (
    *("http", "config", "keyvalue", "tls", "p3", "tcp", "udp", "allow-ip-name-lookup"),
    *("network-error-code", "cli-exit-with-code"),
)
"""Flags of Wasmtime's -S, by what nnshim has of them."""

_PRELOAD = "WASMEDGE_WASINN_PRELOAD"
"""One graph, as --nn-preload has it. runwasi's shim for WasmEdge takes it from the variables of the
container, which the guest sees too, or else from its own.

https://github.com/containerd/runwasi/blob/main/crates/containerd-shim-wasmedge/src/instance.rs
"""


class Folder(NamedTuple):
    """A folder of the host that a guest gets under another path."""

    guest: str
    host: str
    read_only: bool = False


def parse_wasi(options: list[str]) -> tuple[list[NamedGraph], bool]:
    """What Wasmtime's -S means: named graphs, and whether the guest gets the host's variables.

    Raises UsageError for keys and values that ask for what nnshim does not do.
    """
    from runtime_shim import parse_nn_graph

    graphs = []
    inherits = False
    for option in (part for text in options for part in text.split(",")):
        key, _, value = option.partition("=")
        if key == "nn-graph":
            graphs.append(parse_nn_graph(value))
        elif key == "inherit-env" and value in (*_YES, *_NO):
            inherits = value in _YES
        elif not (key == "preview2" and value in (*_YES, *_NO)):
            _check_flag(option, key, value)
    return graphs, inherits


def _check_flag(option: str, key: str, value: str) -> None:
    """Raises UsageError where a flag of -S asks for another state than it always has."""
    if value in (_YES if key in _ALWAYS_ON else _NO) and key in (
        *_ALWAYS_ON,
        *_ALWAYS_OFF,
        *_OF_COMPONENTS,
    ):
        return
    if key in _ALWAYS_ON:
        raise UsageError(f"-S {option}: {key} is always on")
    if key in (*_ALWAYS_OFF, "tcplisten"):
        raise UsageError(
            f"-S {option}: leave it out: nnshim's guests have no threads, no network and no"
            " wasi_unstable"
        )
    if key in _OF_COMPONENTS:
        raise UsageError(
            f"-S {option}: leave it out: for components, nnshim has only WASI 0.2 and wasi:nn"
        )
    raise UsageError(
        f"-S {option}: known are nn (always on), nn-graph=ENCODING::DIR and inherit-env"
        f"{did_you_mean(key, ('nn', 'nn-graph', 'inherit-env'))}"
    )


def parse_preloads(texts: list[str], env: Mapping[str, str]) -> list[NamedGraph]:
    """The graphs of --nn-preload, and the one that WASMEDGE_WASINN_PRELOAD names: among the guest's
    variables `env`, or else among those of this process. Raises UsageError."""
    from runtime_shim import parse_nn_preload

    graphs = list(map(parse_nn_preload, texts))
    from_env = env.get(_PRELOAD, os.environ.get(_PRELOAD))
    if not from_env:
        return graphs
    try:
        graph = parse_nn_preload(from_env)
    except UsageError as error:
        raise UsageError(f"the variable {_PRELOAD}: {error}") from None
    if any(graph.name == other.name for other in graphs):
        raise UsageError(
            f"--nn-preload and the variable {_PRELOAD} both name a graph {graph.name!r}: unset the"
            " variable, or give one of them another name"
        )
    return [*graphs, graph]


def parse_fallback(text: str | None) -> bool:
    """Whether the CPU may do what is meant for a GPU."""
    if text not in (None, "cpu"):
        raise UsageError(f"--gpu-fallback {text}: expected cpu")
    return text is not None


def parse_env(texts: list[str]) -> dict[str, str]:
    return _pairs("--env", _parse_env, texts)


def parse_dirs(texts: list[str], mapped: list[str]) -> list[Folder]:
    """What --dir and --map-dir give a guest."""
    folders = [*map(_parse_dir, texts), *map(_parse_map_dir, mapped)]
    once("--dir", (folder.guest for folder in folders))
    return folders


def writable_models(dirs: Iterable[str], graph_files: str | None) -> list[str]:
    """Those of the host's folders given to a guest by which it can write where `graph_files` is
    read: the same folder, one around it, or one in it, with or without links."""
    if graph_files is None:
        return []
    models = os.path.realpath(graph_files)
    return [
        path
        for path in dict.fromkeys(dirs)
        if os.path.commonpath([models, real := os.path.realpath(path)]) in (models, real)
    ]


def parse_devices(texts: list[str]) -> dict[str, str]:
    return _pairs("--device", _parse_device, texts)


def _pairs(
    option: str, parse: Callable[[str], tuple[str, str]], texts: list[str]
) -> dict[str, str]:
    pairs = list(map(parse, texts))
    once(option, (key for key, _ in pairs))
    return dict(pairs)


def _parse_device(option: str) -> tuple[str, str]:
    what, equals, device = option.partition("=")
    if not equals or not device:
        from runtime_shim.backends.remote.endpoints import without_user

        raise UsageError(
            f"--device {without_user(option)}: expected ENCODING=DEVICE or TARGET=DEVICE, such as"
            " openvino=cpu, or remote=URL"
        )
    return what, device


def parse_limits(
    timeout: float | None,
    fuel: int | None,
    max_memory: str | None,
    options: list[str],
    *,
    captures: bool = False,
) -> Limits:
    """`timeout` is in seconds. The limit `output` is known where output is captured. Raises
    UsageError."""
    from runtime_shim import Limits

    limits = Limits(timeout=timeout, fuel=fuel)
    if max_memory is not None:
        limits = limits._replace(memory=parse_size("--max-memory", max_memory))
    once("--limit", (option.partition("=")[0] for option in options))
    named: dict[str, Any] = {}
    known = (*NAMED_LIMITS, OUTPUT) if captures else NAMED_LIMITS
    for option in options:
        name, equals, text = option.partition("=")
        if name not in known or not equals:
            meant = did_you_mean(name, known) if name not in known else ""
            raise UsageError(f"--limit {option}: expected NAME=N, of {', '.join(known)}{meant}")
        named[name] = _parse_limit(f"--limit {name}", name, text)
    limits = limits._replace(**named)
    limits.check()
    return limits


def _parse_limit(option: str, name: str, text: str) -> float:
    if name in _SIZES or name == OUTPUT:
        return parse_size(option, text)
    if name not in _COUNTS:
        return parse_time(option, text)
    try:
        if len(text) < _DIGITS:
            return int(text)
    except ValueError:
        pass
    raise UsageError(f"{option} {text}: expected a whole number")


def _parse_env(option: str) -> tuple[str, str]:
    key, equals, value = option.partition("=")
    if not key:
        raise UsageError(f"--env {option}: expected K=V, or K to pass on a variable")
    if not equals and key not in os.environ:
        raise UsageError(f"--env {key}: there is no such variable to pass on")
    return key, value if equals else os.environ[key]


def _parse_dir(option: str) -> Folder:
    """Wasmtime's HOST or HOST::GUEST, or WasmEdge's GUEST:HOST or GUEST:HOST:readonly. A folder of
    the host whose name has a colon is found before a single colon is taken for WasmEdge's."""
    host, separator, guest = option.partition("::")
    if not host or (separator and not guest):
        raise UsageError(f"--dir {option}: expected HOST, HOST::GUEST or GUEST:HOST")
    if separator:
        return Folder(guest, host)
    return _parse_colon(option) if ":" in option else Folder(option, option)


def _parse_colon(option: str) -> Folder:
    guest, _, rest = option.partition(":")
    host, colon, mode = rest.partition(":")
    if re.match(r"[A-Za-z]:\\", option):
        raise UsageError(f"--dir {option}: this is a path of Windows, and guests run on Linux only")
    if os.path.isdir(option):
        if os.path.isdir(host):
            raise UsageError(
                f"--dir {option} is ambiguous, because there are folders {option} and {host}: write"
                f" --dir {option}::{option} or --dir {host}::{guest}"
            )
        return Folder(option, option)
    if not guest or not host or (colon and mode != "readonly"):
        raise UsageError(f"--dir {option}: expected HOST::GUEST, GUEST:HOST or GUEST:HOST:readonly")
    if os.path.isdir(guest) and not os.path.isdir(host):
        raise UsageError(
            f"--dir {option} means GUEST:HOST, and there is no folder {host}: for HOST::GUEST,"
            f" write --dir {guest}::{host}"
        )
    return Folder(guest, host, read_only=bool(colon))


def _parse_map_dir(option: str) -> Folder:
    """iwasm's GUEST::HOST, the other way round than Wasmtime's --dir.

    https://github.com/bytecodealliance/wasm-micro-runtime/blob/WAMR-2.4.5/core/iwasm/common/wasm_runtime_common.c
    """
    guest, _, host = option.partition("::")
    if not guest or not host:
        raise UsageError(f"--map-dir {option}: expected GUEST::HOST")
    return Folder(guest, host)

"""What the options of nnshim run mean. Which of them go together, the runtime says."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from nnshim.common import once
from nnshim.units import parse_size, parse_time
from rewriter.errors import UsageError
from rewriter.suggestions import did_you_mean

if TYPE_CHECKING:
    from runtime_shim import Limits, NamedGraph

__all__ = [
    "NAMED_LIMITS",
    "parse_devices",
    "parse_dirs",
    "parse_env",
    "parse_fallback",
    "parse_limits",
    "parse_wasi",
    "writable_models",
]

_COUNTS = ("graphs", "contexts")
_SIZES = ("models", "tensors", "total", "names", "configurations")

NAMED_LIMITS = (*_COUNTS, *_SIZES, "loading")
"""Those of runtime_shim.host.limits that have no option of their own."""

_DIGITS = 30
"""More than any number needs; Python refuses to read thousands."""


def parse_wasi(options: list[str]) -> list[NamedGraph]:
    from runtime_shim import parse_nn_graph

    graphs = []
    for option in (part for text in options for part in text.split(",")):
        key, _, value = option.partition("=")
        if key == "nn-graph":
            graphs.append(parse_nn_graph(value))
        elif option not in ("nn", "nn=y"):
            raise UsageError(
                f"-S {option}: known are nn (always on) and nn-graph=ENCODING::DIR"
                f"{did_you_mean(key, ('nn', 'nn-graph'))}"
            )
    return graphs


def parse_fallback(text: str | None) -> bool:
    """Whether the CPU may do what is meant for a GPU."""
    if text not in (None, "cpu"):
        raise UsageError(f"--gpu-fallback {text}: expected cpu")
    return text is not None


def parse_env(texts: list[str]) -> dict[str, str]:
    return _pairs("--env", _parse_env, texts)


def parse_dirs(texts: list[str]) -> dict[str, str]:
    """The host's folder for each path of the guest's."""
    return _pairs("--dir", _parse_dir, texts)


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
        raise UsageError(
            f"--device {option}: expected ENCODING=DEVICE or TARGET=DEVICE, such as openvino=cpu"
        )
    return what, device


def parse_limits(
    timeout: float | None, fuel: int | None, max_memory: str | None, options: list[str]
) -> Limits:
    """`timeout` is in seconds. Raises UsageError."""
    from runtime_shim import Limits

    limits = Limits(timeout=timeout, fuel=fuel)
    if max_memory is not None:
        limits = limits._replace(memory=parse_size("--max-memory", max_memory))
    once("--limit", (option.partition("=")[0] for option in options))
    named: dict[str, Any] = {}
    for option in options:
        name, equals, text = option.partition("=")
        if name not in NAMED_LIMITS or not equals:
            meant = did_you_mean(name, NAMED_LIMITS) if name not in NAMED_LIMITS else ""
            raise UsageError(
                f"--limit {option}: expected NAME=N, of {', '.join(NAMED_LIMITS)}{meant}"
            )
        named[name] = _parse_limit(f"--limit {name}", name, text)
    limits = limits._replace(**named)
    limits.check()
    return limits


def _parse_limit(option: str, name: str, text: str) -> float:
    if name in _SIZES:
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


def _parse_dir(option: str) -> tuple[str, str]:
    host, separator, guest = option.partition("::")
    if not host or (separator and not guest):
        raise UsageError(f"--dir {option}: expected HOST or HOST::GUEST")
    return (guest if separator else host), host

"""The engine of a host that lies, how its process ends, its errnos and functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import wasmtime

__all__ = ["ENDS", "ERRNOS", "FUNCTIONS", "OTHERS", "Crash", "Exit", "Hang", "engine"]


@cache
def engine(features: Sequence[str]) -> wasmtime.Engine:
    config = wasmtime.Config()
    for name in ("relaxed_simd", "memory64", "multi_memory", "tail_call"):
        setattr(config, f"wasm_{name}", name in features)
    config.cranelift_opt_level = "none"  # most modules run once
    return wasmtime.Engine(config)


@cache
def compiled(features: Sequence[str], content: bytes) -> wasmtime.Module:
    """Raises WasmtimeError. Hosts of all habits are given the same modules."""
    return wasmtime.Module(engine(features), content)


class Crash(Exception):
    """The process ends by a signal."""


class Hang(Exception):
    """The process does not end."""


class Exit(Exception):
    """The guest ends with this code."""


ENDS: Mapping[object, Exception] = {
    "traps": wasmtime.Trap("refused"),
    "aborts": Crash(),
    "hangs": Hang(),
}

ERRNOS = {"argument": 1, "encoding": 2, "runtime": 5, "large": 7, "name": 8}
FUNCTIONS = {
    "witx": {"load": 5, "set_input": 3, "get_output": 5},
    "wamr": {"load": 4, "set_input": 3, "get_output": 4},
}
OTHERS = {
    "load_by_name": 3,
    "load_by_name_with_config": 5,
    "init_execution_context": 2,
    "compute": 1,
    "unload": 1,
}

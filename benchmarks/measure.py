"""Timing in turn, and a table."""

from __future__ import annotations

import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

__all__ = ["NNSHIM", "in_turn", "installed", "machine", "table"]

NNSHIM = str(Path(sys.executable).with_name("nnshim"))
"""The command, as it is installed beside Python."""


def installed() -> dict[str, str]:
    """The environment, for the command as users have it: what is installed has been compiled, and
    a checkout is so after its first run, if Python may keep that."""
    return {name: os.environ[name] for name in os.environ if name != "PYTHONDONTWRITEBYTECODE"}


def in_turn(rounds: int, *actions: Callable[[], object], warm_up: bool = True) -> list[float]:
    """The median seconds of each action: A B C A B C ..., the first round not counted."""
    times: list[list[float]] = [[] for _ in actions]
    for number in range(rounds + warm_up):
        for action, taken in zip(actions, times, strict=True):
            start = time.perf_counter()
            action()
            if number >= warm_up:
                taken.append(time.perf_counter() - start)
    return [statistics.median(taken) for taken in times]


def machine() -> str:
    """What this is measured on."""
    try:
        with open("/proc/cpuinfo") as file:
            models = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
    except OSError:
        models = []
    cpu = models[0] if models else platform.processor()
    return f"{cpu}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(row) + " |" for row in (header, ["---"] * len(header), *rows)]
    return "\n".join(lines)

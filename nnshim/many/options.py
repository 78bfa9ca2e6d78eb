"""The options of commands that work through many files."""

from __future__ import annotations

import os
from typing import Annotated

import typer

__all__ = [
    "RAY",
    "Exclude",
    "FailFast",
    "FilesFrom",
    "Jobs",
    "MaxUnpacked",
    "Workers",
    "is_cluster",
    "usable_cores",
]

RAY = "ray://"
"""How the address of a cluster begins: that of Ray's client server.

https://docs.ray.io/en/latest/cluster/running-applications/job-submission/ray-client.html
"""

FilesFrom = Annotated[
    str | None,
    typer.Option(
        "--files-from",
        metavar="FILE|-",
        help="Also take the names in this file, or on stdin: on lines, or separated by NUL.",
    ),
]

Exclude = Annotated[
    list[str] | None,
    typer.Option(metavar="GLOB", help="Leave out what matches, e.g. 'vendor/**'. May be repeated."),
]

Jobs = Annotated[
    int | None,
    typer.Option(
        min=1, metavar="N", help="Processes that share the work on many files (default: all cores)."
    ),
]

Workers = Annotated[
    str | None,
    typer.Option(
        metavar="ray://HOST[:PORT]", help="Share the work on many files in this Ray cluster."
    ),
]

FailFast = Annotated[
    bool, typer.Option("--fail-fast", help="Stop at the first file that makes the exit code not 0.")
]

MaxUnpacked = Annotated[
    str | None,
    typer.Option(
        metavar="SIZE", help="The most that an archive may hold unpacked, e.g. 10G (default: 4G)."
    ),
]


def is_cluster(address: str) -> bool:
    """Whether that can be the address of a cluster."""
    return address.startswith(RAY) and address != RAY


def usable_cores() -> int:
    """Those that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

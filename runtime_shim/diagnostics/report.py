"""What `nnshim bench` finds: how long a model takes, on which machine."""

from __future__ import annotations

import contextlib
import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from rewriter.abi.dialects import Encoding
from rewriter.diagnostics import Diagnostic

__all__ = ["Conditions", "Measurement", "Rates", "Report", "conditions_of"]


@dataclass(frozen=True)
class Rates:
    """How `contexts` contexts ran at the same time, each in a thread of its own.

    A latency is that of one inference: setting all inputs, computing, and getting all outputs that
    are tensors. `p50`, `p90` and `p99` are percentiles, in seconds, of the latencies of all
    `inferences`. `throughput` is how many of the same inferences were done a second.
    """

    contexts: int
    inferences: int
    p50: float
    p90: float
    p99: float
    throughput: float


_NO_RATES = Rates(0, 0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Measurement:
    """A model on a device of a backend. `load` is the time that loading took, `first` that of the
    first inference, in seconds. `alone` is of one context, `together` of as many as were asked for.
    `problem` is set where nothing could be measured, and the rest is then zero."""

    backend: str
    device: str
    version: str = ""
    load: float = 0.0
    first: float = 0.0
    alone: Rates = _NO_RATES
    together: Rates = _NO_RATES
    problem: Diagnostic | None = None


@dataclass(frozen=True)
class Conditions:
    """What was measured, on what, and when. `size` is the bytes of all `files`; `cores` are those
    that this process may use; `date` is UTC."""

    files: tuple[str, ...]
    encoding: str
    size: int
    cpu: str
    cores: int
    nnshim: str
    date: datetime


@dataclass(frozen=True)
class Report:
    """`assumed` are the inputs with open dimensions, each of which counted as 1, as `--input` takes
    them: INDEX=TYPE:DIMxDIM."""

    conditions: Conditions
    rows: list[Measurement]
    assumed: tuple[str, ...] = ()


def conditions_of(parts: Sequence[Path], encoding: Encoding) -> Conditions:
    """Those of now, for a model in these files."""
    return Conditions(
        files=tuple(map(str, parts)),
        encoding=encoding.name.lower(),
        size=sum(part.stat().st_size for part in parts),
        cpu=_cpu(),
        cores=len(os.sched_getaffinity(0)),
        nnshim=metadata.version("nnshim"),
        date=datetime.now(UTC),
    )


def _cpu() -> str:
    """The processor's name, where Linux knows it (on x86), or else its architecture."""
    with contextlib.suppress(OSError):
        found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
        if found:
            return found[1].strip()
    return platform.machine()

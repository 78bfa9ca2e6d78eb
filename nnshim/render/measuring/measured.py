"""What `nnshim bench` has measured, as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nnshim.render import counted
from nnshim.units import size_text

if TYPE_CHECKING:
    from runtime_shim.diagnostics.report import Conditions, Measurement, Rates, Report

__all__ = ["as_json", "as_text", "machine", "model"]

_HEADS = (
    *("backend", "device", "load ms", "first ms", "contexts"),
    *("p50 ms", "p90 ms", "p99 ms", "inferences/s"),
)


def model(conditions: Conditions) -> str:
    """Which model was measured, in a line."""
    size = size_text(conditions.size)
    return f"{', '.join(conditions.files)} ({conditions.encoding}, {size})"


def machine(report: Report) -> str:
    """Where and when it was measured, and which versions, in a line."""
    found = report.conditions
    versions = dict.fromkeys(_short(row.version) for row in report.rows if row.problem is None)
    return (
        f"{found.cpu}, {counted(found.cores, 'core')}; "
        f"{', '.join((f'nnshim {found.nnshim}', *versions))}; {found.date:%Y-%m-%d %H:%M} UTC"
    )


def _short(version: str) -> str:
    """A runtime's name and version, without the build."""
    name, space, number = version.rpartition(" ")
    return f"{name}{space}{number.partition('-')[0]}"


def as_text(report: Report) -> list[str]:
    """The conditions, and a table with a line for one context of each backend and device, and a
    line for several at once; of at least one row that has no problem."""
    cells: list[Sequence[str]] = [_HEADS]
    rows = [row for row in report.rows if row.problem is None]
    for row in rows:
        start = (row.backend, row.device, _milliseconds(row.load), _milliseconds(row.first))
        cells.append((*start, *_rates(row.alone)))
        if row.together.contexts > 1:
            cells.append(("", "", "", "", *_rates(row.together)))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    table = (
        "  ".join(
            cell.ljust(width) if place < 2 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(texts, widths, strict=True))
        ).rstrip()
        for texts in cells
    )
    return [model(report.conditions), machine(report), "", *table]


def _rates(rates: Rates) -> tuple[str, ...]:
    times = map(_milliseconds, (rates.p50, rates.p90, rates.p99))
    return (str(rates.contexts), *times, f"{rates.throughput:.1f}")


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:.3f}"


def as_json(report: Report) -> list[dict[str, Any]]:
    conditions = {**vars(report.conditions), "date": report.conditions.date.isoformat()}
    return [{**_object(row), "conditions": conditions} for row in report.rows]


def _object(row: Measurement) -> dict[str, Any]:
    from nnshim.render.json import problem

    alone, together = vars(row.alone), vars(row.together)
    return {
        "backend": row.backend,
        "version": row.version,
        "device": row.device,
        "load": row.load,
        "first_inference": row.first,
        **{key: value for key, value in alone.items() if key != "contexts"},
        "parallel": together["contexts"],
        **{f"parallel_{key}": value for key, value in together.items() if key != "contexts"},
        "problem": problem(row.problem),
    }

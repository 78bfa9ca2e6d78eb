"""What `nnshim bench` has measured, as a picture."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nnshim.render import counted
from nnshim.render.measuring import measured
from rewriter.terminal import shown

if TYPE_CHECKING:
    from runtime_shim.diagnostics.report import Report

__all__ = ["draw"]

_LOGARITHMIC = 20
"""A scale is logarithmic from this ratio of the longest bar to the shortest, which is then at most
a twentieth of the panel: too short to compare with others."""

_COLORS = ("#4477aa", "#ccbb44")
"""Of one context, and of several: two that differ for all kinds of colour vision.

https://personal.sron.nl/~pault/
"""


def draw(report: Report, path: str) -> None:
    """Write a panel for each figure to a file, PNG or SVG by its ending: a bar for each backend and
    device, and for each number of contexts, with its number at the end. The title says what was
    measured, where and when.

    Raises ImportError without matplotlib.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    rows = [row for row in report.rows if row.problem is None]
    kinds = [[row.alone for row in rows], [row.together for row in rows]]
    if all(rates.contexts == 1 for rates in kinds[1]):
        kinds = kinds[:1]
    panels: list[tuple[str, list[list[float]]]] = [
        ("p50 latency, ms", [[rate.p50 * 1e3 for rate in kind] for kind in kinds]),
        ("p99 latency, ms", [[rate.p99 * 1e3 for rate in kind] for kind in kinds]),
        ("throughput, inferences/s", [[rate.throughput for rate in kind] for kind in kinds]),
        ("loading the model, ms", [[row.load * 1e3 for row in rows]]),
        ("first inference, ms", [[row.first * 1e3 for row in rows]]),
    ]
    names = [f"{row.backend}\non {shown(row.device)}" for row in rows]
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "nnshim", "font.size": 9}):
        figure = Figure(figsize=(11, 2.4 + 1.1 * len(rows)), layout="constrained")
        figure.suptitle(_title(report), ha="left", x=0.01, fontsize=10)
        places = list(figure.subplots(2, 3, sharey=True).flat)
        for axes, (title, groups) in zip(places, panels, strict=False):
            _draw_panel(axes, title, names, groups)
        places[0].invert_yaxis()
        labels = [
            counted(kind[0].contexts, "context") + (" at once" if kind[0].contexts > 1 else "")
            for kind in kinds
        ]
        handles = list(places[0].containers)
        places[-1].axis("off")
        places[-1].legend(handles, labels, loc="center", frameon=False)
        figure.savefig(path, dpi=110)


def _title(report: Report) -> str:
    lines = (measured.model(report.conditions), measured.machine(report))
    return "\n".join(part for line in lines for part in textwrap.wrap(shown(line), 120))


def _draw_panel(axes: Any, title: str, names: Sequence[str], groups: list[list[float]]) -> None:
    """Bars from top to bottom, those of one name side by side."""
    values = [value for group in groups for value in group]
    is_logarithmic = max(values) > _LOGARITHMIC * min(values)
    height = 0.8 / len(groups)
    for place, (group, color) in enumerate(zip(groups, _COLORS, strict=False)):
        shift = (place - (len(groups) - 1) / 2) * height
        bars = axes.barh(
            [row + shift for row in range(len(names))], group, height * 0.9, color=color
        )
        axes.bar_label(bars, [_number(value) for value in group], padding=3)
    if is_logarithmic:
        axes.set_xscale("log")
        axes.set_xlim(min(values) / 2, max(values) * 6)
        axes.set_xlabel("log scale", fontsize=8, loc="right")
    else:
        axes.set_xlim(0, max(values) * 1.35)
    axes.set_title(title, fontsize=9, loc="left")
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="x", labelsize=7)
    axes.spines[["top", "right"]].set_visible(False)


def _number(value: float) -> str:
    """With three digits, or all of those before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"

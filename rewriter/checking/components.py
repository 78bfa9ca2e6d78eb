"""Whether releases of a host run a component."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from rewriter.analysis.compatibility import Verdict
from rewriter.analysis.components.described import ComponentInfo
from rewriter.analysis.verdicts import spans_of_releases, together
from rewriter.hosts.table import Chosen
from rewriter.models.model import Model
from rewriter.rewriting.flattening.on_host import assess_component

__all__ = ["component_by_release", "judge_component"]


def judge_component(info: ComponentInfo, chosen: Chosen, models: Sequence[Model] = ()) -> Verdict:
    """The verdict on all releases that were chosen: the worst of them, with what is said of each.
    `models` are those that it runs.

    Raises MalformedModule for a core module in the component that cannot be read.
    """
    return together(chosen, [assess_component(info, row, models) for row in chosen.rows])


def component_by_release(info: ComponentInfo, chosen: Chosen) -> dict[str, Verdict]:
    """The verdicts on releases one after the other of which all run the component, or none does,
    by what they are called: "wasmtime 35 to 49", or "wamr" where that are all that were chosen."""
    spans = spans_of_releases(chosen, partial(assess_component, info))
    if len(spans) == 1:
        return {chosen.name: judge_component(info, chosen)}
    return {label: judge_component(info, span) for label, span in spans.items()}

"""Verdicts under a policy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rewriter.analysis.compatibility import Verdict
from rewriter.analysis.components.described import ComponentInfo
from rewriter.analysis.inspect import ModuleInfo
from rewriter.codes import Severity
from rewriter.diagnostics import Diagnostic, distinct
from rewriter.hosts.table import Chosen
from rewriter.models.model import Model
from rewriter.policy.asked import asked_by_module
from rewriter.policy.of_component import asked_by_component
from rewriter.policy.policy import Policy
from rewriter.rewriting.flattening.on_host import core_form

__all__ = ["under_policy"]


def under_policy(
    verdict: Verdict,
    info: ModuleInfo | ComponentInfo,
    chosen: Chosen,
    policy: Policy,
    models: Sequence[Model] = (),
) -> Verdict:
    """The verdict on a module, or a component, for the releases that were chosen, with what it asks
    for that the policy does not allow among the reasons. No rewrite mends that.

    Raises MalformedModule for sections that cannot be read.
    """
    said = distinct(_asked(info, chosen, policy, models))
    notes = [found for found in said if found.severity is Severity.NOTE]
    errors = [found for found in said if found.severity is Severity.ERROR]
    verdict = replace(verdict, notes=(*verdict.notes, *notes))
    if not errors:
        return verdict
    others = (reason for reason in verdict.reasons if reason.severity is Severity.ERROR)
    return replace(verdict, reasons=(*others, *errors), rewrite_for=None)


def _asked(
    info: ModuleInfo | ComponentInfo, chosen: Chosen, policy: Policy, models: Sequence[Model]
) -> Iterator[Diagnostic]:
    if isinstance(info, ModuleInfo):
        yield from asked_by_module(info, chosen.rows, policy, models)
        return
    yield from asked_by_component(info, policy)
    for row in chosen.rows:
        core = core_form(info, row)
        if core is not None:
            yield from asked_by_module(core, (row,), policy, models)

"""Whether the differences between two modules are those that a statement names."""

from __future__ import annotations

from collections.abc import Iterator

from rewriter.attesting.claims import Change, Claims
from rewriter.verifying.compare import Comparison
from rewriter.verifying.difference import Difference

__all__ = ["unexplained"]

_SHIM = "NN374"
"""The code of the note that a component got a shim for another version of wasi:nn."""


def unexplained(comparison: Comparison, claims: Claims) -> Iterator[Difference]:
    """The differences that a rewrite can make, and of which the statement says nothing."""
    change = claims.change
    for rename in comparison.renames:
        if (rename.old, rename.new) not in change.renamed:
            yield _difference(f"imports from {rename.old} are from {rename.new} now")
    for name in comparison.adapters:
        if not _is_named(name, change):
            yield _difference(f"the adapter {name} is in one module only")
    for name in comparison.dropped:
        if name not in change.dropped:
            yield _difference(f"the section {name} is gone")
    if comparison.marked is not None and comparison.marked != change.marked:
        yield _difference(f"a mark says that the guest's ABI is {comparison.marked}")


def _is_named(adapter: str, change: Change) -> bool:
    """An adapter is named for its function (rewriter.adapters.adapter). What has no such name is
    the shim of a component, which a rewrite reports."""
    tool, _, rest = adapter.partition(".")
    if tool == "nnshim":
        return rest.partition(".")[0] in change.adapted
    return _SHIM in change.notes


def _difference(what: str) -> Difference:
    return Difference("NN436", f"{what}, which the attestation does not say", None, None)

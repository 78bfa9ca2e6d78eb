"""Differences between two modules that an attestation has to name."""

from __future__ import annotations

import pytest

from rewriter import RewriteOptions, compare, rewrite
from rewriter.attesting.claims import Change, Claims
from rewriter.attesting.explained import unexplained
from tests.support.attestations import GUEST
from tests.support.wasm import assemble

NOTHING = Change(frozenset(), frozenset(), frozenset(), None, frozenset())
ALL = Change(
    frozenset((("wasi_nn", "wasi_ephemeral_nn"), ("env", "other"))),
    frozenset(("load",)),
    frozenset(("sourceMappingURL",)),
    None,
    frozenset(),
)


def codes(change: Change) -> list[str]:
    guest = assemble(GUEST)
    options = RewriteOptions(abi="witx", renames={"env": "other"}, drop_debug=True)
    comparison = compare(guest, rewrite(guest, options), renames={"env": "other"})
    return [found.what for found in unexplained(comparison, Claims([], [], {}, change, {}))]


def test_all_that_is_named_is_explained() -> None:
    assert codes(ALL) == []


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (ALL._replace(renamed=frozenset((("env", "other"),))), "imports from wasi_nn"),
        (ALL._replace(renamed=ALL.renamed - {("env", "other")}), "imports from env"),
        (ALL._replace(adapted=frozenset(("nnshim", "compute"))), "the adapter nnshim.load"),
        (ALL._replace(dropped=frozenset()), "the section sourceMappingURL"),
    ],
)
def test_what_is_not_named_is_a_difference(change: Change, what: str) -> None:
    (found,) = codes(change)
    assert found.startswith(what)


def test_nothing_named_explains_nothing() -> None:
    assert len(codes(NOTHING)) == 4

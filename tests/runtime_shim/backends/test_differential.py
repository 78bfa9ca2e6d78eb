"""A few of the models that tests.tools.differential makes: it is to be run for longer by hand."""

from __future__ import annotations

import pytest

from tests.tools.differential.trying import Finding, Tally, try_seed
from tests.tools.differential.ways import WAYS

SEEDS = range(1, 5)


def shown(finding: Finding) -> str:
    return f"seed {finding.seed}, {finding.way}, {finding.sort}\n{finding.network.describe()}"


@pytest.mark.parametrize("backend", ["onnx", "openvino", "litert", "tensorflow"])
def test_a_guest_gets_what_the_runtime_gives(backend: str) -> None:
    tally = Tally.empty()
    found = [
        finding for seed in SEEDS for finding in try_seed(seed, [backend], list(WAYS), tally, set())
    ]
    mine = [finding for finding in found if not finding.is_the_runtimes]
    assert not mine, "\n".join(map(shown, mine))
    assert tally.refused.total() < len(SEEDS) / 5
    assert tally.comparisons.total() > 500

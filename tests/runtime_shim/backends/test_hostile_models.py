"""Models that are broken in thousands of ways, seeded: each computes, or is an errno."""

from __future__ import annotations

import pytest

from tests.tools.mutations import MODELS, try_mutations

MUTATIONS = 1000
BATCHES = 2


@pytest.mark.parametrize("batch", range(BATCHES))
@pytest.mark.parametrize("name", MODELS)
def test_a_broken_model_is_an_errno_or_computes(name: str, batch: int) -> None:
    encoding, make, given = MODELS[name]
    outcomes = try_mutations(encoding, make(), given, MUTATIONS // BATCHES, batch)
    assert outcomes.pop("computed") > 0
    assert outcomes.pop("INVALID_ARGUMENT") > 0
    assert set(outcomes) <= {"RUNTIME_ERROR", "UNSUPPORTED_OPERATION", "CONTEXT_FULL"}

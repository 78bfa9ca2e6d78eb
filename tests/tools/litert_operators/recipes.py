"""All recipes, and the model that a seed makes by one of them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import numpy as np

from tests.tools.litert_operators import control, elementwise, layers, places, selections, stablehlo
from tests.tools.litert_operators.draft import Draft

__all__ = ["RECIPES", "draft_of"]

RECIPES: Mapping[str, elementwise.Recipe] = {
    **elementwise.RECIPES,
    **places.RECIPES,
    **selections.RECIPES,
    **layers.RECIPES,
    **control.RECIPES,
    **stablehlo.RECIPES,
}
"""By the operator's name in BuiltinOperator, or its own if it is custom."""


def draft_of(name: str, seed: int) -> Draft:
    draft = Draft(np.random.default_rng([zlib.crc32(name.encode()), seed]))
    RECIPES[name](draft)
    return draft

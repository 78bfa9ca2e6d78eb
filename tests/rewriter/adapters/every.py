"""All adapters that there can be, in every generation."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from rewriter.abi.dialects import DIALECTS
from rewriter.adapters.adapter import Adapter, adapter_for, has
from rewriter.adapters.generations import GENERATIONS

__all__ = ["all_adapters"]


def all_adapters() -> Iterator[Adapter]:
    for generation, source, target in itertools.product(
        sorted(GENERATIONS), DIALECTS.values(), DIALECTS.values()
    ):
        for function in source.functions:
            adapter = adapter_for(function, source, target) if has(target, function) else None
            if adapter:
                yield adapter._replace(generation=generation)

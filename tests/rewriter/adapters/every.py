"""All adapters that there can be, in every generation.

python -m tests.rewriter.adapters.every prints the lines that adapter_bytes.txt has not.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from pathlib import Path

from rewriter.abi.dialects import DIALECTS
from rewriter.adapters.adapter import Adapter, adapter_for, has
from rewriter.adapters.generations import GENERATIONS
from rewriter.wasm.types import AdapterMemory

__all__ = ["MEMORIES", "all_adapters", "lines", "pinned_lines"]

MEMORIES = ((0, AdapterMemory(0, 65536)), (300, AdapterMemory(1, 1)))
"""What bodies depend on besides: the index of the import, and the memory."""

_PINNED = Path(__file__).with_name("adapter_bytes.txt")


def all_adapters() -> Iterator[Adapter]:
    for generation, source, target in itertools.product(
        sorted(GENERATIONS), DIALECTS.values(), DIALECTS.values()
    ):
        for function in source.functions:
            adapter = adapter_for(function, source, target) if has(target, function) else None
            if adapter:
                yield adapter._replace(generation=generation)


def lines() -> Iterator[str]:
    """What adapter_bytes.txt has to say, in any order."""
    for adapter, (slot, memory) in itertools.product(all_adapters(), MEMORIES):
        digest = hashlib.sha256(adapter.body(slot, memory)).hexdigest()
        yield (
            f"{adapter.generation} {adapter.function} {adapter.source.name} {adapter.target.name}"
            f" {slot} {memory.memory_index} {memory.page_size} {digest}"
        )


def pinned_lines() -> list[str]:
    """What it says."""
    return [text for text in _PINNED.read_text().splitlines() if not text.startswith("#")]


if __name__ == "__main__":
    known = {*pinned_lines()}
    print("\n".join(line for line in lines() if line not in known))

"""All possible adapters, in every generation.

python -m tests.rewriter.adapters.every prints the lines that are missing in adapter_bytes.txt.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from pathlib import Path

from rewriter.abi.dialects import DIALECTS, Dialect
from rewriter.abi.measured import dialect_named
from rewriter.adapters.adapter import Adapter, adapter_for
from rewriter.adapters.generations import GENERATION, UNMARKED
from rewriter.adapters.needs import has
from rewriter.adapters.unmarked.text import unmarked_functions
from rewriter.wasm.types import AdapterMemory

__all__ = ["MEMORIES", "all_adapters", "lines", "pinned_lines"]

MEMORIES = ((0, AdapterMemory(0, 65536)), (300, AdapterMemory(1, 1, 200)))
"""The other values that bodies depend on: the index of the import, and the memory with the index of
the adapters' global."""

_PINNED = Path(__file__).with_name("adapter_bytes.txt")


def all_adapters() -> Iterator[Adapter]:
    for name, before, after in unmarked_functions():
        yield Adapter(name, DIALECTS[before], DIALECTS[after], generation=UNMARKED)
    for function, source, target in (*_functions(tuple(DIALECTS.values())), _measured()):
        told = adapter_for(function, source, target, apart=True)
        guessed = adapter_for(function, source, target, told=False, apart=True)
        for adapter in dict.fromkeys((told, guessed)):
            if adapter is not None:
                assert adapter.generation == GENERATION
                yield adapter


def _measured() -> tuple[str, Dialect, Dialect]:
    """An adapter to measured numbers, within WAMR's layout, with different tensor types."""
    target = dialect_named("measured-wamr-1f-A0B1E4-B1D3E4-A0B1C2F5H7-floats")
    assert target is not None
    return "set_input", DIALECTS["wamr-2.4-legacy"], target


def _functions(dialects: tuple[Dialect, ...]) -> Iterator[tuple[str, Dialect, Dialect]]:
    for source, target in itertools.product(dialects, repeat=2):
        for function in source.functions:
            if has(target, function):
                yield function, source, target


def lines() -> Iterator[str]:
    """The lines that adapter_bytes.txt must have, in any order."""
    pairs: dict[tuple[int, str, str], list[str]] = {}
    for adapter in all_adapters():
        bodies = b"".join(adapter.body(slot, memory) for slot, memory in MEMORIES)
        digest = hashlib.sha256(bodies).hexdigest()
        pair = f"{adapter.source.name}>{adapter.target.name}{'' if adapter.told else '?'}"
        pairs.setdefault((adapter.generation, adapter.function, digest), []).append(pair)
    for (generation, function, digest), of in pairs.items():
        yield f"{generation} {function} {digest} {' '.join(sorted(of))}"


def pinned_lines() -> list[str]:
    """The lines that adapter_bytes.txt has."""
    return [text for text in _PINNED.read_text().splitlines() if not text.startswith("#")]


if __name__ == "__main__":
    known = {*pinned_lines()}
    print("\n".join(line for line in lines() if line not in known))

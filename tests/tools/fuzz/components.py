"""What is fuzzed of components: the walker, flattening, and changes of version, which put core
modules into a component.

    python -m tests.tools.fuzz.components [CORPUS or an input] [libFuzzer's options]
"""

from __future__ import annotations

import random
import sys
import zlib
from typing import Any

# isort: off
from tests.tools.fuzz.target import mutate as mutate_module  # imports the rewriter to be watched

# isort: on
import atheris

from rewriter import ModuleError
from rewriter.components.sections import HEADER_SIZE, SectionKind, sections
from rewriter.wasm.leb128 import encode_u32
from tests.tools.fuzz.results import results


def check(data: bytes) -> None:
    for _ in results(data):
        pass


def mutate(data: bytes, max_size: int, seed: int) -> Any:
    """libFuzzer's mutation of the content of one section, with the sizes around it put right: of a
    core module or a component, that of one section in it."""
    choose = random.Random(seed)
    try:
        found = list(sections(data, 0, len(data)))
    except ModuleError:
        found = []
    if not found or choose.random() < 0.1:
        return atheris.Mutate(data, max_size)
    chosen = choose.choice(found)
    content = data[chosen.content : chosen.end]
    room = max(HEADER_SIZE, max_size - len(data) + len(content))
    if chosen.kind is SectionKind.CORE_MODULE:
        content = mutate_module(content, room, seed)
    elif chosen.kind is SectionKind.COMPONENT:
        content = mutate(content, room, zlib.crc32(content, seed))
    else:
        content = atheris.Mutate(content, room)
    head = data[: chosen.start] + bytes([chosen.kind])
    return b"".join((head, encode_u32(len(content)), content, data[chosen.end :]))


if __name__ == "__main__":
    atheris.Setup(sys.argv, check, custom_mutator=mutate)
    atheris.Fuzz()
